// SPDX-License-Identifier: MIT
// Training: the learner's workers take blocks of tasks until none is left.
#include "../engine.hpp"

#include <algorithm>

#include "../ordered_sums.hpp"
#include "../parallel.hpp"

namespace metarl_fast {
namespace {

void check_num_steps(std::int64_t num_steps) {
  require(num_steps >= 1 && num_steps <= kMostSteps, "num_steps", static_cast<double>(num_steps),
          "1 to 2147483646");
}

void check(const Schedule& schedule, std::int64_t num_tasks) {
  require(schedule.num_episodes >= 0 && schedule.num_episodes <= kMostEpisodes, "num_episodes",
          static_cast<double>(schedule.num_episodes), "0 to 2147483646");
  require(schedule.first_episode >= 0 && schedule.first_episode <= schedule.num_episodes, "first_episode",
          static_cast<double>(schedule.first_episode), "0 to num_episodes");
  if (schedule.num_steps_of) {
    std::for_each(schedule.num_steps_of, schedule.num_steps_of + num_tasks, check_num_steps);
  } else {
    check_num_steps(schedule.num_steps);
  }
  require(schedule.num_runs >= 1, "num_runs", static_cast<double>(schedule.num_runs), "at least 1");
}

void check_snapshots(const std::int64_t* episodes, std::int64_t count, const Schedule& schedule) {
  std::int64_t before = schedule.first_episode - 1;
  const std::int64_t num_episodes = schedule.num_episodes;
  for (std::int64_t k = 0; k < count; ++k) {
    require(episodes[k] > before && episodes[k] <= num_episodes, "a snapshot episode",
            static_cast<double>(episodes[k]), "increasing numbers from the first episode to num_episodes");
    before = episodes[k];
  }
}

template <class Real>
void check_room(const History<Real>& history, const Schedule& schedule, std::int64_t num_tasks) {
  if (!history.length) return;
  const std::int64_t steps = episodes_of(schedule) * longest_episode(schedule, num_tasks);
  require(history.room >= steps, "the steps that a history has room for", static_cast<double>(history.room),
          "those of all episodes");
}

// What was learned stays while the task changes; of actions that come and go it could not.
void check_segments(const TaskBatch& batch) {
  const std::int64_t episodes = batch.episodes_per_segment();
  require(episodes == 0 || !batch.shape().masked, "a segment's number of episodes",
          static_cast<double>(episodes), "0 where some actions are not available");
}

// Of one task, in table entries: those of the task, and some for every update.
double work(const TaskBatch& batch, const Schedule& schedule) {
  const bool written_out = !batch.uniform_law() || batch.shape().sampling == Sampling::inverse;
  const double tables =
      static_cast<double>(written_out ? batch.shape().probabilities() : batch.shape().pairs());
  return tables + 5.0 * static_cast<double>(schedule.num_episodes) *
                      static_cast<double>(longest_episode(schedule, batch.size()));
}

}  // namespace

template <class Real>
void train(const TaskBatch& batch, const Learner& learner, const Schedule& schedule,
           const TrainArrays<Real>& arrays, const RunOptions& options) {
  check(schedule, batch.size());
  check_snapshots(arrays.snapshot_episodes, arrays.num_snapshots, schedule);
  check_segments(batch);
  check_room(arrays.history, schedule, batch.size());
  learner.check(batch, schedule);
  const int at_once = learner.tasks_at_once();
  OrderedSums sums(arrays.return_sums, arrays.return_sums ? episodes_of(schedule) : 0, at_once,
                   schedule.num_runs);
  for_each_block(batch.size(), at_once, work(batch, schedule), options, [&] {
    return [&, worker = learner.worker(batch, schedule, arrays)](std::int64_t block, Pulse& pulse) {
      const std::int64_t done = worker->run(block, pulse.interrupt());
      if (arrays.return_sums && done > 0) {
        sums.add(block, done, [&](std::int64_t task) { return worker->returns(task); }, pulse);
      }
      return done;
    };
  });
  if (arrays.return_sums) sums.finish();
}

template void train<float>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<float>&,
                           const RunOptions&);
template void train<double>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<double>&,
                            const RunOptions&);

}  // namespace metarl_fast
