// SPDX-License-Identifier: MIT
// One thread's part of learning again from recorded steps and of going back through them: one task at a time,
// any rule.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "../elementary.hpp"
#include "../engine.hpp"
#include "../gradients/replay.hpp"
#include "../interrupt.hpp"

namespace metarl_fast {

// A tape of so many updates stays in the processor's nearest memory.
constexpr std::int64_t kShortTape = 2048;

// How many updates are on the tape at once. Before each further piece the table is kept, and the piece is run
// again on the way back: so memory grows as the root of the number of steps.
inline std::int64_t updates_at_once(const Shape& shape, std::int64_t num_steps) {
  const double even = square_root(static_cast<double>(num_steps) * static_cast<double>(shape.pairs()));
  return std::min(num_steps, std::max(kShortTape, static_cast<std::int64_t>(even)));
}

inline void check_steps(const Shape& shape, const History<double>& history, std::int64_t task) {
  if (RecordedSteps(history, task).within(shape)) return;
  std::ostringstream message;
  message << "the history of task " << task << " has " << history.length[task] << " steps, expected at most "
          << history.room << ", with states below " << shape.states << " and actions below " << shape.actions;
  throw std::invalid_argument(message.str());
}

inline void check_rewards(const RecordedSteps& steps, std::int64_t task) {
  const std::int64_t first = steps.first_reward_beyond(std::numeric_limits<double>::max());
  if (first == steps.length()) return;
  std::ostringstream message;
  message << "the reward of step " << first << " of the history of task " << task << " is "
          << steps.reward(first) << ", expected a finite number";
  throw std::invalid_argument(message.str());
}

// Rules that choose ahead have to know what they chose.
inline void check_choices(const RecordedSteps& steps, std::int64_t task) {
  for (std::int64_t k = 0; k < steps.length(); ++k) {
    if (steps.terminated(k) || steps.next_action(k) >= 0) continue;
    std::ostringstream message;
    message
        << "step " << k << " of the history of task " << task
        << " is the last one that was recorded of its episode, which did not terminate: Sarsa learned there "
           "from the action that it would have taken next, which is in next_action of histories that train "
           "records of it, and not in this one; ExpectedSarsa and QLearning need none";
    throw std::invalid_argument(message.str());
  }
}

// One thread's, reused from task to task.
template <class Rule>
class ReplayWorker {
 public:
  ReplayWorker(const Shape& shape, const TdSettings& settings, const ReplayArrays& arrays,
               std::int64_t num_steps)
      : shape_(shape),
        arrays_(arrays),
        at_once_(std::max<std::int64_t>(1, updates_at_once(shape, num_steps))),
        replay_(shape, settings, arrays.learning_rates, arrays.worth != nullptr),
        tape_(replay_.tape(at_once_, arrays.of_rates != nullptr)),
        adjoint_(static_cast<std::size_t>(shape.pairs())) {}

  void run(std::int64_t task, const Interrupt& interrupt) {
    check_steps(shape_, arrays_.history, task);
    const RecordedSteps steps(arrays_.history, task);
    check_rewards(steps, task);
    if constexpr (Rule::kOnPolicy) check_choices(steps, task);
    learn(steps, task, interrupt);
    const std::int64_t first = task * shape_.pairs();
    const auto pairs = static_cast<std::size_t>(shape_.pairs());
    if (arrays_.q_table) std::copy_n(replay_.q_table().begin(), pairs, arrays_.q_table + first);
    const bool fresh = arrays_.fresh.length != nullptr;
    if (!arrays_.of_initial && !fresh) return;
    std::fill(adjoint_.begin(), adjoint_.end(), 0.0);
    if (fresh) {
      const double loss = find_loss(task, interrupt);
      if (arrays_.loss) arrays_.loss[task] = loss;
    } else {
      std::copy_n(arrays_.cotangents + first, pairs, adjoint_.begin());
    }
    if (!arrays_.of_initial) return;
    double* of_rates = arrays_.of_rates ? arrays_.of_rates + first : nullptr;
    if (of_rates) std::fill_n(of_rates, pairs, 0.0);
    go_back(steps, of_rates, arrays_.worth ? arrays_.worth + task * arrays_.history.room : nullptr,
            interrupt);
    std::copy_n(adjoint_.begin(), pairs, arrays_.of_initial + first);
  }

 private:
  using Standing = typename Replay<Rule>::Standing;

  // Makes all updates; before each piece but the first it is kept where the replay stands.
  void learn(const RecordedSteps& steps, std::int64_t task, const Interrupt& interrupt) {
    replay_.begin(arrays_.initial_table + (arrays_.initial_per_task ? task * shape_.pairs() : 0));
    kept_.clear();
    for (std::int64_t first = 0; first < steps.length(); first += at_once_) {
      stop_if_asked(interrupt);
      if (arrays_.of_initial && steps.length() > at_once_) kept_.push_back(replay_.standing());
      replay_.run(steps, first, std::min(at_once_, steps.length() - first), tape_);
    }
  }

  double find_loss(std::int64_t task, const Interrupt& interrupt) {
    check_steps(shape_, arrays_.fresh, task);
    const RecordedSteps steps(arrays_.fresh, task);
    check_rewards(steps, task);
    if constexpr (Rule::kOnPolicy) check_choices(steps, task);
    Tape& tape = tape_of_loss();
    const double share = steps.length() > 0 ? 1.0 / static_cast<double>(steps.length()) : 0.0;
    double loss = 0.0;
    for (std::int64_t first = 0; first < steps.length(); first += kShortTape) {
      stop_if_asked(interrupt);
      const std::int64_t n = std::min(kShortTape, steps.length() - first);
      loss += replay_.squared_errors(steps, first, n, tape, share, adjoint_.data());
    }
    return loss;
  }

  Tape& tape_of_loss() {
    if (fresh_tape_.cell.empty()) fresh_tape_ = replay_.tape(kShortTape, false);
    return fresh_tape_;
  }

  // The last piece is on the tape already.
  void go_back(const RecordedSteps& steps, double* of_rates, const double* worth,
               const Interrupt& interrupt) {
    const std::int64_t pieces = (steps.length() + at_once_ - 1) / at_once_;
    for (std::int64_t piece = pieces - 1; piece >= 0; --piece) {
      stop_if_asked(interrupt);
      const std::int64_t first = piece * at_once_;
      const std::int64_t n = std::min(at_once_, steps.length() - first);
      if (piece != pieces - 1) {
        replay_.restore(kept_[static_cast<std::size_t>(piece)]);
        replay_.run(steps, first, n, tape_);
      }
      replay_.go_back(steps, first, n, tape_, adjoint_.data(), of_rates, worth);
    }
  }

  const Shape shape_;
  const ReplayArrays& arrays_;
  const std::int64_t at_once_;
  Replay<Rule> replay_;
  Tape tape_;
  Tape fresh_tape_{0, 0, false, false};
  std::vector<double> adjoint_;  // [S][A]
  std::vector<Standing> kept_;
};

}  // namespace metarl_fast
