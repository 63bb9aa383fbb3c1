// SPDX-License-Identifier: MIT
// What the benchmarks share: the tasks, one call of train, instruction sets and checksums.
#pragma once

#include <benchmark/benchmark.h>
#include <metarl_fast/engine.hpp>
#include <metarl_fast/families/goal_grid.hpp>
#include <metarl_fast/families/task_distribution.hpp>
#include <metarl_fast/generated_tasks.hpp>
#include <metarl_fast/learners/td_learner.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

// A loop that the compiler makes fit for the processor, where it can.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

namespace bench {

using namespace metarl_fast;

// Each file registers its cases; bench_engine.cpp runs them.
void register_rng();
void register_generation();
void register_sampling();
void register_learning();

// FNV-1a over the bits of numbers, 32 at a time.
class Checksum {
 public:
  template <class Number>
  Checksum& add(const Number* numbers, std::size_t count) {
    static_assert(sizeof(Number) % 4 == 0);
    for (std::size_t k = 0; k < count; ++k) {
      std::uint32_t words[sizeof(Number) / 4];
      std::memcpy(words, numbers + k, sizeof words);
      for (const std::uint32_t word : words) value_ = (value_ ^ word) * 0x100000001b3;
    }
    return *this;
  }
  template <class Number>
  Checksum& add(const std::vector<Number>& numbers) {
    return add(numbers.data(), numbers.size());
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

// A wrong answer is no result: unless the checksum is the known one the case fails, and so does the program.
void compare(benchmark::State& state, const Checksum& found, std::uint64_t known);
bool all_right();

// METARL_FAST_ISA if it is set, else all that this processor runs, slowest first.
std::vector<std::string> instruction_sets();
// Until the end of the scope the kernels are those of `isa`.
class WithInstructionSet {
 public:
  explicit WithInstructionSet(const std::string& isa);
  ~WithInstructionSet();
  WithInstructionSet(const WithInstructionSet&) = delete;
  WithInstructionSet& operator=(const WithInstructionSet&) = delete;

 private:
  std::string before_;
};

// Episodes start in state 0; rewards are uniform.
TaskDistribution task_distribution(
    std::int64_t states, std::int64_t actions,
    TaskDistribution::TransitionLaw law = TaskDistribution::TransitionLaw::uniform);
// Side by side, with a goal in any but the first cell, where episodes start.
GoalGrid goal_grid(std::int64_t side, double slip, double wall_density = 0.0);

template <class Kind>
GeneratedTasks tasks_of(Kind family, std::int64_t count) {
  return {share(std::move(family)), /*key=*/1, TaskIds{0, count, nullptr}};
}

// Episodes of 10 steps. Times the whole call, from the seed to finished tables; reports updates a second.
template <class Real>
void time_train(benchmark::State& state, const TaskBatch& tasks, const TdLearner& learner,
                std::int64_t episodes, int threads, const std::string& isa, std::uint64_t known) {
  constexpr std::int64_t kSteps = 10;
  const WithInstructionSet scope(isa);
  const auto pairs = static_cast<std::size_t>(tasks.shape().pairs());
  const std::vector<Real> initial(pairs, Real{0});
  std::vector<Real> q_table(static_cast<std::size_t>(tasks.size()) * pairs);
  TrainArrays<Real> arrays;
  arrays.initial_table = initial.data();
  arrays.q_table = q_table.data();
  for (auto _ : state) {
    train(tasks, learner, {/*key=*/2, episodes, kSteps, false}, arrays, {threads, nullptr});
  }
  const auto done = static_cast<double>(tasks.size());
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  if (episodes > 0) {
    const double updates = done * static_cast<double>(episodes * kSteps);
    state.counters["updates/s"] = benchmark::Counter(updates, rate);
  }
  state.counters["tasks/s"] = benchmark::Counter(done, rate);
  compare(state, Checksum().add(q_table), known);
}

// Registers a case whose time is that on the wall: several threads work.
template <class Function>
benchmark::internal::Benchmark* add_case(const std::string& name, const Function& function) {
  return benchmark::RegisterBenchmark(name.c_str(), function)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

}  // namespace bench
