// SPDX-License-Identifier: MIT
// Tables to start from: what their values may be, and what they say of actions that are not available.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "../elementary.hpp"
#include "../learners/learner.hpp"
#include "../learners/rule.hpp"
#include "../mdp.hpp"
#include "../training.hpp"

namespace metarl_fast {

// The table of the index'th task, or of all, of so many entries.
template <class Real>
const Real* initial_table_of(const TrainArrays<Real>& arrays, const Schedule& schedule, std::int64_t entries,
                             std::int64_t index) {
  return arrays.initial_table + (arrays.initial_per_task ? index / schedule.num_runs * entries : 0);
}

// The largest of a table's values, sign aside.
template <class Real>
double check_initial_table(const Real* initial, std::int64_t entries, bool masked) {
  double largest = 0.0;
  for (std::int64_t entry = 0; entry < entries; ++entry) {
    const auto value = static_cast<double>(initial[entry]);
    if (masked && value == -kInfinity) continue;  // looked at task by task
    require(std::fabs(value) <= static_cast<double>(kLargestValue<Real>), "an initial action value", value,
            "within 2^126 in a table of floats, 2^1022 in one of doubles");
    largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

// Actions that are not available have the value -infinity, whatever the initial table says; no others have.
// A state's values lie `stride` after those of the state before.
template <class Real>
void mask_table(Real* q, std::int64_t stride, const Shape& shape, const std::vector<std::uint8_t>& available,
                std::int64_t task) {
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    const bool there = available[static_cast<std::size_t>(pair)];
    Real& value = q[pair / shape.actions * stride + pair % shape.actions];
    if (!there) value = static_cast<Real>(-kInfinity);
    if (!there || value != static_cast<Real>(-kInfinity)) continue;
    std::ostringstream message;
    message << "initial_table[task=" << task << ", state=" << pair / shape.actions
            << ", action=" << pair % shape.actions
            << "] is -inf, expected a finite number: the action is available there";
    throw std::invalid_argument(message.str());
  }
}

// Learners that see where the next episode begins need to know that before it is drawn.
inline void require_only_start(bool there_is_one) {
  require(there_is_one, "sees_reset", 1.0, "0 where episodes do not all begin in one state, not terminal");
}

// The one state that all episodes begin in.
inline std::int32_t only_start(const Shape& shape, const TaskView& task) {
  std::int32_t found = -1;
  std::int64_t number = 0;
  for (std::int64_t s = 0; s < shape.states; ++s) {
    if (!(task.start[s] > 0.0)) continue;
    found = static_cast<std::int32_t>(s);
    ++number;
  }
  require_only_start(number == 1 && !task.terminal[found]);
  return found;
}

inline std::int32_t only_start(const TaskFormula& task) {
  require_only_start(!task.terminal(task.start()));
  return static_cast<std::int32_t>(task.start());
}

// What an agent is told of its task; where some actions are not available its table, if it has one, says so.
template <class Real>
class AgentStart {
 public:
  // Valid until it is asked again.
  Setting<Real> setting(const Learner& learner, const Real* initial, const Shape& shape, const TaskView& task,
                        std::int64_t index, const TaskFormula* formula = nullptr) {
    const bool has_table = learner.num_weights() == 0;
    check_initial_table(initial, learner.rows(shape) * shape.actions, shape.masked && has_table);
    const std::int32_t start = !learner.sees_reset() ? -1
                               : formula             ? only_start(*formula)
                                                     : only_start(shape, task);
    if (!shape.masked) return {shape, nullptr, initial, start};
    available_.resize(static_cast<std::size_t>(shape.pairs()));
    for (std::size_t pair = 0; pair < available_.size(); ++pair) {
      available_[pair] = available(shape, task, static_cast<std::int64_t>(pair));
    }
    if (!has_table) return {shape, available_.data(), initial, start};
    table_.assign(initial, initial + shape.pairs());
    mask_table(table_.data(), shape.actions, shape, available_, index);
    return {shape, available_.data(), table_.data(), start};
  }

 private:
  std::vector<Real> table_;
  std::vector<std::uint8_t> available_;
};

}  // namespace metarl_fast
