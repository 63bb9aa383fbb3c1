// SPDX-License-Identifier: MIT
// Updates per second of the engine, from (seed, task ids) to finished tables: generating the tasks counts.
// The tables learned are compared with a known checksum, so a fast wrong answer is no result. Links the core
// alone; bench/README.md says how to run it.
#include <benchmark/benchmark.h>
#include <metarl_fast/engine.hpp>
#include <metarl_fast/families/random_mdp.hpp>
#include <metarl_fast/kernel/kernel.hpp>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

using namespace metarl_fast;

constexpr std::int64_t kTasks = 1024;
constexpr std::int64_t kEpisodes = 1000;
constexpr std::int64_t kSteps = 10;

struct Case {
  const char* name;
  std::int64_t states, actions;
  bool uniform_behaviour;  // else epsilon-greedy with epsilon 0.1
  std::uint64_t checksum;  // of the tables; the same on any machine, instruction set and number of threads
};

constexpr Case kCases[] = {
    {"uniform/S=10/A=5", 10, 5, true, 0xb2fd82c097e3052d},
    {"uniform/S=64/A=4", 64, 4, true, 0x62b0238560e1ae02},
    {"epsilon_greedy/S=10/A=5", 10, 5, false, 0x2d0fc8af33ea3f5d},
    {"epsilon_greedy/S=64/A=4", 64, 4, false, 0x7aa7daea44d15737},
};

bool all_right = true;

GeneratedTasks<RandomMdp> draw_tasks(const Case& of) {
  RandomMdp family;
  family.states = of.states;
  family.actions = of.actions;
  family.start.assign(static_cast<std::size_t>(of.states), 0.0);
  family.start[0] = 1.0;
  return {std::move(family), /*key=*/1, TaskIds{0, kTasks, nullptr}};
}

// FNV-1a over the bits of the tables.
std::uint64_t checksum(const std::vector<float>& tables) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const float value : tables) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    hash = (hash ^ bits) * 0x100000001b3;
  }
  return hash;
}

void q_learning(benchmark::State& state, const Case& of) {
  const GeneratedTasks<RandomMdp> tasks = draw_tasks(of);
  const auto pairs = static_cast<std::size_t>(tasks.shape().pairs());
  const std::vector<float> initial(pairs, 0.0f);
  const std::vector<double> epsilon(kEpisodes, 0.1);
  std::vector<float> q_table(kTasks * pairs);

  Learner learner;
  learner.uniform_behaviour = of.uniform_behaviour;
  learner.epsilon = epsilon.data();
  learner.num_epsilons = kEpisodes;
  TrainArrays<float> arrays;
  arrays.initial_table = initial.data();
  arrays.q_table = q_table.data();
  const RunOptions options{static_cast<int>(state.range(0)), nullptr};
  for (auto _ : state) {
    train(tasks, learner, {/*key=*/2, kEpisodes, kSteps, false}, arrays, options);
  }

  const auto updates = static_cast<double>(kTasks * kEpisodes * kSteps);
  state.counters["updates/s"] = benchmark::Counter(updates, benchmark::Counter::kIsIterationInvariantRate);
  char label[40];
  std::snprintf(label, sizeof label, "checksum %016llx", static_cast<unsigned long long>(checksum(q_table)));
  state.SetLabel(label);
  if (checksum(q_table) != of.checksum) {
    all_right = false;
    std::fprintf(stderr, "%s: %s is not the known one\n", of.name, label);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const Case& of : kCases) {
    benchmark::RegisterBenchmark(of.name, [&of](benchmark::State& state) { q_learning(state, of); })
        ->ArgName("threads")
        ->Arg(1)
        ->Arg(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("isa", kernels().name);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return all_right ? 0 : 1;
}
