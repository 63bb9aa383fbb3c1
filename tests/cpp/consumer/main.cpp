// SPDX-License-Identifier: MIT
// Trains Q-learning on 100 random MDPs on two threads; prints a checksum of what was learned.
#include <metarl_fast/engine.hpp>
#include <metarl_fast/families/task_distribution.hpp>
#include <metarl_fast/generated_tasks.hpp>
#include <metarl_fast/learners/td_learner.hpp>

#include <cstdio>
#include <numeric>
#include <vector>

int main() {
  namespace mf = metarl_fast;
  mf::TaskDistribution family;
  family.states = 10;
  family.actions = 5;
  family.start = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const mf::GeneratedTasks tasks(mf::share(family), /*key=*/1, {/*first=*/0, /*count=*/100, nullptr});

  const std::vector<double> initial(50, 0.0);
  std::vector<double> q_table(100 * 50);
  mf::TrainArrays<double> arrays;
  arrays.initial_table = initial.data();
  arrays.q_table = q_table.data();
  mf::train(tasks, mf::TdLearner(), {/*key=*/2, /*num_episodes=*/50, /*num_steps=*/10, false}, arrays,
            {2, nullptr});

  std::printf("sum %.17g\n", std::accumulate(q_table.begin(), q_table.end(), 0.0));
}
