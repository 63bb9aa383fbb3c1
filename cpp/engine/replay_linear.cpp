// SPDX-License-Identifier: MIT
// Recorded steps learned from again on features of states, and gradients taken back: tasks for the workers.
#include "../engine.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "../gradients/linear_replay.hpp"
#include "../learners/linear_learner.hpp"
#include "../learners/rules.hpp"
#include "../parallel.hpp"
#include "../workers/replay_worker.hpp"

namespace metarl_fast {
namespace {

// One thread's, reused from task to task.
class LinearReplayWorker {
 public:
  LinearReplayWorker(const LinearLearner& learner, const Shape& shape, const ReplayArrays& arrays)
      : learner_(learner),
        shape_(shape),
        arrays_(arrays),
        weights_(learner.num_weights() * shape.actions),
        replay_(*learner.features(), learner.settings(), shape.actions),
        adjoint_(static_cast<std::size_t>(weights_)) {}

  void run(std::int64_t task, const Interrupt& interrupt) {
    const RecordedSteps steps = checked(arrays_.history, task);
    Setting<double> setting;
    setting.shape = shape_;
    setting.initial_table = arrays_.initial_table + (arrays_.initial_per_task ? task * weights_ : 0);
    const std::unique_ptr<Agent> agent = learner_.agent(setting);
    replay_.run(steps, *agent, interrupt);
    const std::int64_t first = task * weights_;
    if (arrays_.q_table) agent->q_table(arrays_.q_table + first);
    if (arrays_.fresh.length) {
      std::fill(adjoint_.begin(), adjoint_.end(), 0.0);
      const double loss =
          replay_.squared_errors(checked(arrays_.fresh, task), *agent, adjoint_.data(), interrupt);
      if (arrays_.loss) arrays_.loss[task] = loss;
    } else if (arrays_.cotangents) {
      std::copy_n(arrays_.cotangents + first, weights_, adjoint_.begin());
    }
    if (!arrays_.of_initial) return;
    replay_.go_back(steps, adjoint_.data(), interrupt);
    std::copy_n(adjoint_.begin(), weights_, arrays_.of_initial + first);
  }

 private:
  RecordedSteps checked(const History<double>& history, std::int64_t task) const {
    check_steps(shape_, history, task);
    const RecordedSteps steps(history, task);
    check_rewards(steps, task);
    return steps;
  }

  const LinearLearner& learner_;
  const Shape shape_;
  const ReplayArrays& arrays_;
  const std::int64_t weights_;
  LinearReplay replay_;
  std::vector<double> adjoint_;  // [F][A]
};

}  // namespace

void replay_linear(const LinearLearner& learner, std::int64_t num_actions, std::int64_t num_tasks,
                   const ReplayArrays& arrays, const RunOptions& options) {
  const TdSettings& settings = learner.settings();
  bool q_learning = false;
  with_rule(settings.rule, [&](auto rule) { q_learning = std::is_same_v<decltype(rule), QLearning>; });
  const bool known = q_learning && learner.features() && settings.learning_rate_decay == 0.0 &&
                     !settings.learning_rates && !settings.sees_reset;
  if (!known) {
    throw std::invalid_argument(
        "of learners on features LinearQLearning can be replayed, at one learning rate that stays, and if it "
        "does not see resets");
  }
  Shape shape;
  shape.states = learner.features()->states();
  shape.actions = num_actions;
  std::int64_t longest = 0;
  for (std::int64_t n = 0; n < num_tasks; ++n) longest = std::max(longest, arrays.history.length[n]);
  const double work = 100.0 * static_cast<double>(longest * learner.features()->active());
  for_each_block(num_tasks, 1, work, options, [&] {
    return [&, worker = LinearReplayWorker(learner, shape, arrays)](std::int64_t task, Pulse& pulse) mutable {
      worker.run(task, pulse.interrupt());
      return std::int64_t{1};
    };
  });
}

}  // namespace metarl_fast
