// SPDX-License-Identifier: MIT
// Training: blocks of kLanes tasks, each run by a LaneBlock.
#include "../engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../kernel/kernel.hpp"
#include "../lane_block.hpp"
#include "../ordered_sums.hpp"
#include "../parallel.hpp"

namespace metarl_fast {
namespace {

// The kernel counts the cells of a block's tables, padded by less than two lines, with 32 bits.
void check(const Shape& shape, const Learner& learner) {
  const std::int64_t tables = learner.rule == Rule::double_q_learning ? 2 : 1;
  const std::int64_t cells = tables * shape.states * ((shape.actions + 7) / 8 * 8);
  require(cells <= std::numeric_limits<std::int32_t>::max() / kLanes - 4 * kLine,
          "the size of a task's table", static_cast<double>(cells),
          "num_states * num_actions, actions counted in eights, below 2^26 (two tables: 2^25)");
}

void check_exploration(const Learner& learner, std::int64_t num_episodes) {
  const bool softmax = learner.behaviour == Behaviour::softmax;
  require(learner.num_explorations >= 1 || num_episodes == 0, "num_explorations",
          static_cast<double>(learner.num_explorations), "at least 1");
  for (std::int64_t e = 0; e < learner.num_explorations; ++e) {
    const double value = learner.exploration[e];
    if (softmax) {
      require(value > 0.0 && std::isfinite(value), "temperature", value, "a finite number above 0");
    } else {
      require(value >= 0.0 && value <= 1.0, "epsilon", value, "0 to 1");
    }
  }
}

void check_num_steps(std::int64_t num_steps) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() - 1;
  require(num_steps >= 1 && num_steps <= kMost, "num_steps", static_cast<double>(num_steps),
          "1 to 2147483646");
}

void check(const Learner& learner, const Schedule& schedule, std::int64_t num_tasks,
           const std::int64_t* snapshot_episodes, std::int64_t num_snapshots) {
  require(learner.learning_rate >= 0.0 && learner.learning_rate <= 1.0, "learning_rate",
          learner.learning_rate, "0 to 1");
  require(learner.learning_rate_decay >= 0.0 && std::isfinite(learner.learning_rate_decay),
          "learning_rate_decay", learner.learning_rate_decay, "a finite number >= 0");
  require(learner.discount >= 0.0 && learner.discount <= 1.0, "discount", learner.discount, "0 to 1");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() - 1;
  require(schedule.num_episodes >= 0 && schedule.num_episodes <= kMost, "num_episodes",
          static_cast<double>(schedule.num_episodes), "0 to 2147483646");
  if (schedule.num_steps_of) {
    std::for_each(schedule.num_steps_of, schedule.num_steps_of + num_tasks, check_num_steps);
  } else {
    check_num_steps(schedule.num_steps);
  }
  require(schedule.num_runs >= 1, "num_runs", static_cast<double>(schedule.num_runs), "at least 1");
  require(learner.trace_decay >= 0.0 && learner.trace_decay <= 1.0, "trace_decay", learner.trace_decay,
          "0 to 1");
  require(std::fabs(learner.bonus) <= 0x1p126, "bonus", learner.bonus, "a number within 2^126");
  require(learner.bonus_episodes >= 0, "bonus_episodes", static_cast<double>(learner.bonus_episodes),
          "at least 0");
  require(learner.initial_visits >= 0.0 && learner.initial_visits <= 0x1p53, "initial_visits",
          learner.initial_visits, "0 to 2^53");
  if (learner.behaviour != Behaviour::uniform) check_exploration(learner, schedule.num_episodes);
  std::int64_t before = -1;
  for (std::int64_t k = 0; k < num_snapshots; ++k) {
    require(snapshot_episodes[k] > before && snapshot_episodes[k] <= schedule.num_episodes,
            "a snapshot episode", static_cast<double>(snapshot_episodes[k]),
            "increasing numbers from 0 to num_episodes");
    before = snapshot_episodes[k];
  }
}

}  // namespace

template <class Real>
void train(const TaskBatch& batch, const Learner& learner, const Schedule& schedule,
           const TrainArrays<Real>& arrays, const RunOptions& options) {
  check(learner, schedule, batch.size(), arrays.snapshot_episodes, arrays.num_snapshots);
  check(batch.shape(), learner);
  const double updates = static_cast<double>(schedule.num_episodes) *
                         static_cast<double>(longest_episode(schedule, batch.size())) * 5.0;
  kernels();  // an unusable METARL_FAST_ISA is reported before any thread starts
  const bool written_out = !batch.uniform_law() || batch.shape().sampling == Sampling::inverse;
  const double tables = written_out ? static_cast<double>(batch.shape().probabilities())
                                    : static_cast<double>(batch.shape().pairs());
  OrderedSums sums(arrays.mean_returns ? schedule.num_episodes : 0, kLanes);
  for_each_block(batch.size(), kLanes, tables + updates, options, [&] {
    return
        [&, block = LaneBlock<Real>(batch, learner, schedule, arrays)](std::int64_t i, Pulse& pulse) mutable {
          const std::int64_t done = block.run(i, pulse.interrupt());
          if (arrays.mean_returns && done > 0) {
            sums.add(i, done, [&](std::int64_t task) { return block.returns(task); }, pulse);
          }
          return done;
        };
  });
  double* mean = arrays.mean_returns;
  if (mean != nullptr) {
    for (const double sum : sums.sums()) *mean++ = sum / static_cast<double>(batch.size());
  }
}

template void train<float>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<float>&,
                           const RunOptions&);
template void train<double>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<double>&,
                            const RunOptions&);

}  // namespace metarl_fast
