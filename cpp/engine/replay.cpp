// SPDX-License-Identifier: MIT
// Recorded steps learned from again, and gradients taken back through them: blocks of tasks for the workers.
#include "../engine.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "../learners/rules.hpp"
#include "../parallel.hpp"
#include "../workers/replay_lanes_worker.hpp"
#include "../workers/replay_worker.hpp"

namespace metarl_fast {
namespace {

std::int64_t longest(const History<double>& history, std::int64_t num_tasks) {
  return history.length
             ? std::max<std::int64_t>(0, *std::max_element(history.length, history.length + num_tasks))
             : 0;
}

// Whether the lanes know all that a learner does: it looks at a largest value, by rates that stay.
template <class Rule>
bool goes_in_lanes(const Shape& shape, const TdSettings& settings) {
  return std::is_same_v<Rule, QLearning> && settings.learning_rate_decay == 0.0 && fits_replay_lanes(shape);
}

template <class Rule>
void replay_by(const Shape& shape, std::int64_t num_tasks, const TdSettings& settings,
               const ReplayArrays& arrays, const RunOptions& options) {
  const std::int64_t steps = longest(arrays.history, num_tasks);
  const std::int64_t fresh = longest(arrays.fresh, num_tasks);
  const double work = 20.0 * static_cast<double>(steps + fresh) + 4.0 * static_cast<double>(shape.pairs());
  if (!arrays.worth && goes_in_lanes<Rule>(shape, settings)) {
    for_each_block(num_tasks, kReplayLanes, work, options, [&] {
      auto worker = std::make_unique<ReplayLanesWorker>(shape, settings, arrays, num_tasks, steps, fresh);
      return [worker = std::move(worker)](std::int64_t block, Pulse& pulse) {
        return worker->run(block, pulse.interrupt());
      };
    });
    return;
  }
  for_each_block(num_tasks, 1, work, options, [&] {
    return [&, worker = ReplayWorker<Rule>(shape, settings, arrays, steps)](std::int64_t task,
                                                                            Pulse& pulse) mutable {
      worker.run(task, pulse.interrupt());
      return std::int64_t{1};
    };
  });
}

}  // namespace

double replay_scratch(const Shape& shape, std::int64_t num_steps) {
  const std::int64_t at_once = updates_at_once(shape, num_steps);
  const double pairs = static_cast<double>(shape.pairs());
  const double kept = at_once > 0 ? static_cast<double>(num_steps) / static_cast<double>(at_once) : 0.0;
  const double lanes = fits_replay_lanes(shape) ? ReplayLanesWorker::bytes(shape, at_once, kept) : 0.0;
  return lanes + Tape::bytes(at_once + kShortTape, shape.actions) + 16.0 * pairs * (kept + 3.0);
}

void replay(const Shape& shape, std::int64_t num_tasks, const TdSettings& settings,
            const ReplayArrays& arrays, const RunOptions& options) {
  require(settings.num_explorations >= 1 || settings.behaviour == Behaviour::uniform, "num_explorations",
          static_cast<double>(settings.num_explorations), "at least 1");
  if (arrays.worth && settings.behaviour != Behaviour::softmax) {
    throw std::invalid_argument("steps can be scored of learners that act by softmax: with a temperature");
  }
  bool known = false;
  with_rule(settings.rule, [&](auto rule) {
    using Each = decltype(rule);
    if constexpr (kCanBeReplayed<Each>) {
      known = true;
      if (Each::kOnPolicy && arrays.worth) {
        throw std::invalid_argument("Sarsa's choices, made a step ahead, cannot be scored");
      }
      replay_by<Each>(shape, num_tasks, settings, arrays, options);
    }
  });
  if (!known)
    throw std::invalid_argument(
        "learners of two tables or of traces cannot be replayed: QLearning, ExpectedSarsa and Sarsa can");
}

}  // namespace metarl_fast
