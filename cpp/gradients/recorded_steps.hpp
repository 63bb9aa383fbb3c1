// SPDX-License-Identifier: MIT
// The recorded steps of one task, to be read.
#pragma once

#include <cstdint>

#include "../history.hpp"
#include "../mdp.hpp"

namespace metarl_fast {

// One row of a History.
class RecordedSteps {
 public:
  RecordedSteps(const History<double>& history, std::int64_t task)
      : history_(&history), row_(task * history.room), length_(history.length[task]) {}

  std::int64_t length() const { return length_; }
  double reward(std::int64_t k) const { return history_->reward[row_ + k]; }
  bool terminated(std::int64_t k) const { return history_->terminated[row_ + k] != 0; }
  bool truncated(std::int64_t k) const { return history_->truncated[row_ + k] != 0; }

  // The first cell of the row of the state in which the first step was taken.
  std::int32_t first_row(std::int32_t stride) const {
    std::int32_t state = 0;
    with_type(history_->state, [&](const auto* states) { state = static_cast<std::int32_t>(states[row_]); });
    return state * stride;
  }

  // The action that the learner chose ahead in the next state of step k, which is the next one taken; -1
  // where it took none there.
  std::int32_t next_action(std::int64_t k) const {
    if (k + 1 == length_ || truncated(k)) return -1;
    std::int32_t found = 0;
    with_type(history_->action,
              [&](const auto* actions) { found = static_cast<std::int32_t>(actions[row_ + k + 1]); });
    return found;
  }

  // For n steps from `first` on: the cell of (state, action), and the first cell of the next state's row, in
  // a table whose rows lie `stride` apart.
  void locate(std::int64_t first, std::int64_t n, std::int32_t stride, std::int32_t* cell,
              std::int32_t* next_row) const {
    with_type(history_->state, [&](const auto* states) {
      with_type(history_->action, [&](const auto* actions) {
        const auto* next_states = static_cast<decltype(states)>(history_->next_state.array);
        const std::int64_t place = row_ + first;
        for (std::int64_t k = 0; k < n; ++k) {
          cell[k] = static_cast<std::int32_t>(states[place + k]) * stride +
                    static_cast<std::int32_t>(actions[place + k]);
          next_row[k] = static_cast<std::int32_t>(next_states[place + k]) * stride;
        }
      });
    });
  }

  // Whether all states and actions are those of the shape.
  bool within(const Shape& shape) const {
    bool inside = length_ >= 0 && length_ <= history_->room;
    with_type(history_->state, [&](const auto* states) {
      with_type(history_->action, [&](const auto* actions) {
        const auto* next_states = static_cast<decltype(states)>(history_->next_state.array);
        for (std::int64_t k = row_; inside && k < row_ + length_; ++k) {
          inside = states[k] < shape.states && next_states[k] < shape.states && actions[k] < shape.actions;
        }
      });
    });
    return inside;
  }

 private:
  const History<double>* history_;
  std::int64_t row_;
  std::int64_t length_;
};

}  // namespace metarl_fast
