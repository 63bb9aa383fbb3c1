// SPDX-License-Identifier: MIT
// The core alone, without Python: random numbers, drawing tasks, sampling next states, learning; by size,
// instruction set and number of threads. bench/README.md says how to run it.
#include "harness.hpp"

#include <metarl_fast/kernel/kernel.hpp>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace bench {
namespace {

constexpr const char* kVariable = "METARL_FAST_ISA";
bool wrong = false;

}  // namespace

bool all_right() { return !wrong; }

void compare(benchmark::State& state, const Checksum& found, std::uint64_t known) {
  if (found.value() == known) return;
  wrong = true;
  char message[80];
  std::snprintf(message, sizeof message, "checksum 0x%016" PRIx64 " is not the known 0x%016" PRIx64,
                found.value(), known);
  state.SkipWithError(message);
}

std::vector<std::string> instruction_sets() {
  const char* wanted = std::getenv(kVariable);
  if (wanted != nullptr && *wanted != '\0') return {kernels().name};
  int count = 0;
  const Kernels* const* available = available_kernels(count);
  std::vector<std::string> names;
  for (int k = 0; k < count; ++k) names.push_back(available[k]->name);
  return names;
}

WithInstructionSet::WithInstructionSet(const std::string& isa) {
  const char* before = std::getenv(kVariable);
  if (before != nullptr) before_ = before;
  setenv(kVariable, isa.c_str(), 1);
}
WithInstructionSet::~WithInstructionSet() { setenv(kVariable, before_.c_str(), 1); }

TaskDistribution task_distribution(std::int64_t states, std::int64_t actions,
                                   TaskDistribution::TransitionLaw law) {
  TaskDistribution family;
  family.states = states;
  family.actions = actions;
  family.transition_law = law;
  family.start.assign(static_cast<std::size_t>(states), 0.0);
  family.start[0] = 1.0;
  return family;
}

GoalGrid goal_grid(std::int64_t side, double slip, double wall_density) {
  GoalGrid family;
  family.height = family.width = side;
  family.walls.assign(static_cast<std::size_t>(side * side), 0);
  family.wall_density = wall_density;
  family.slip = slip;
  for (std::int64_t cell = 1; cell < side * side; ++cell) {
    family.goals.push_back(cell);
    family.goal_cumulative.push_back(static_cast<double>(cell) / static_cast<double>(side * side - 1));
  }
  return family;
}

}  // namespace bench

int main(int argc, char** argv) try {
  bench::register_rng();
  bench::register_generation();
  bench::register_sampling();
  bench::register_learning();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("best instruction set", bench::instruction_sets().back());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return bench::all_right() ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_engine: %s\n", error.what());
  return 2;
}
