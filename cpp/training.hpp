// SPDX-License-Identifier: MIT
// What a run of training is asked for: how many episodes of how many steps, and where the results go.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "carried.hpp"
#include "history.hpp"

namespace metarl_fast {

// Episodes of a run, and steps of an episode: they are counted with 32 bits, and one more must fit.
constexpr std::int64_t kMostEpisodes = std::numeric_limits<std::int32_t>::max() - 1;
constexpr std::int64_t kMostSteps = kMostEpisodes;

struct Schedule {
  std::uint64_t key = 0;  // of the learner's random streams
  std::int64_t num_episodes = 1;
  std::int64_t num_steps = 1;                  // time limit of an episode
  bool continuing = false;                     // keep the state when the time limit is reached
  const std::int64_t* num_steps_of = nullptr;  // [tasks], in place of num_steps
  std::int64_t num_runs = 1;                   // the batch holds every task so often, see RepeatedTasks
  std::int64_t first_episode = 0;              // those before it were another run's, and count
};

// The time limit of the index'th task's episodes.
inline std::int64_t steps_of(const Schedule& schedule, std::int64_t index) {
  return schedule.num_steps_of ? schedule.num_steps_of[index] : schedule.num_steps;
}

// Of this run.
inline std::int64_t episodes_of(const Schedule& schedule) {
  return schedule.num_episodes - schedule.first_episode;
}

// The steps of the longest episode of n tasks.
inline std::int64_t longest_episode(const Schedule& schedule, std::int64_t n) {
  const std::int64_t* steps = schedule.num_steps_of;
  return steps == nullptr || n == 0 ? schedule.num_steps : *std::max_element(steps, steps + n);
}

// Tables in and out; Real is float or double. Null for what is not wanted. Learners of weights have those in
// place of tables, with as many rows as they say (Learner::rows).
template <class Real>
struct TrainArrays {
  const Real* initial_table = nullptr;  // [S][A], or [tasks][S][A] if initial_per_task; -infinity is allowed
                                        // where actions are not available
  bool initial_per_task = false;
  Real* q_table = nullptr;                          // [tasks][S][A]
  std::int32_t* policy = nullptr;                   // [tasks][S]
  double* returns = nullptr;                        // [tasks][num_episodes]
  double* return_sums = nullptr;                    // [shards][num_episodes], see ordered_sums.hpp
  Real* snapshots = nullptr;                        // [tasks][num_snapshots][S][A]
  const std::int64_t* snapshot_episodes = nullptr;  // increasing, each 0 to num_episodes
  std::int64_t num_snapshots = 0;
  Carried<Real> before;  // of the run that this one continues, in place of initial_table; or null
  Carried<Real> after;   // `tables` may be null where there is but one, which is the q_table
  History<Real> history;
};

}  // namespace metarl_fast
