// SPDX-License-Identifier: MIT
// Drawing tasks: one at a time by every family and law, and by the kernel for all lanes at once.
#include "harness.hpp"

namespace bench {
namespace {

constexpr std::int64_t kTasks = 32;

// One after the other into the same memory, as for planning, materialising, and laws the kernel does not
// know.
template <class Kind>
void write_tasks(benchmark::State& state, const Kind& family, std::uint64_t known) {
  const auto tasks = tasks_of(family, kTasks);
  TaskBuffer buffer(tasks.shape());
  for (auto _ : state) {
    for (std::int64_t i = 0; i < kTasks; ++i) {
      benchmark::DoNotOptimize(tasks.load(i, buffer));
      benchmark::ClobberMemory();
    }
  }
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  const auto done = static_cast<double>(kTasks);
  state.counters["tasks/s"] = benchmark::Counter(done, rate);
  state.counters["outcomes/s"] =
      benchmark::Counter(done * static_cast<double>(tasks.shape().probabilities()), rate);
  Checksum found;
  for (std::int64_t i = 0; i < kTasks; ++i) {
    tasks.load(i, buffer);
    found.add(buffer.probability).add(buffer.next_state).add(buffer.reward).add(buffer.start);
  }
  compare(state, found, known);
}

template <class Kind>
void add_family(const std::string& name, const Kind& family, std::uint64_t known) {
  add_case("generation/" + name,
           [family, known](benchmark::State& state) { write_tasks(state, family, known); });
}

// A run of no episodes: what is left of learning when nothing is learned. That the tasks are the right ones
// is seen where something is (bench_learning.cpp).
void draw_lanes(benchmark::State& state, std::int64_t states, std::int64_t actions, const std::string& isa) {
  constexpr std::int64_t kMany = 1024;
  const std::vector<float> zeros(static_cast<std::size_t>(kMany * states * actions), 0.0f);
  time_train<float>(state, tasks_of(task_distribution(states, actions), kMany), TdLearner(), /*episodes=*/0,
                    /*threads=*/1, isa, Checksum().add(zeros).value());
}

}  // namespace

void register_generation() {
  using Law = TaskDistribution::TransitionLaw;
  add_family("uniform/S=10/A=5", task_distribution(10, 5), 0x56a008c4e3325b17);
  add_family("uniform/S=64/A=4", task_distribution(64, 4), 0x0929565ca7acd31e);
  add_family("dirichlet_1/S=10/A=5", task_distribution(10, 5, Law::dirichlet), 0x7b25b1d74c2e0ecb);
  TaskDistribution sparse = task_distribution(10, 5, Law::dirichlet);
  sparse.concentration = 0.1;
  add_family("dirichlet_0.1/S=10/A=5", sparse, 0x312b41cb4d991b94);
  TaskDistribution garnet = task_distribution(64, 4, Law::garnet);
  garnet.branching = 3;
  add_family("garnet_3/S=64/A=4", garnet, 0x042fd8b5291b926e);
  TaskDistribution normal = task_distribution(10, 5);
  normal.reward_law = RewardLaw::normal;
  add_family("normal_rewards/S=10/A=5", normal, 0x8951832981e8f3ed);
  add_family("goal_grid/9x9", goal_grid(9, 0.0), 0xb12260b24d820436);
  add_family("goal_grid/9x9/slip/walls", goal_grid(9, 0.1, 0.1), 0x1a94dac291b366ce);

  for (const std::int64_t states : {10, 16, 32, 64, 256}) {
    for (const std::string& isa : instruction_sets()) {
      add_case("generation/by_lanes/S=" + std::to_string(states) + "/A=4/" + isa,
               [states, isa](benchmark::State& state) { draw_lanes(state, states, 4, isa); });
    }
  }
}

}  // namespace bench
