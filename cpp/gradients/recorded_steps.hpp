// SPDX-License-Identifier: MIT
// The recorded steps of one task, to be read.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

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
  std::int32_t state(std::int64_t k) const { return number(history_->state, k); }
  std::int32_t action(std::int64_t k) const { return number(history_->action, k); }
  std::int32_t next_state(std::int64_t k) const { return number(history_->next_state, k); }
  bool terminated(std::int64_t k) const { return history_->terminated[row_ + k] != 0; }
  bool truncated(std::int64_t k) const { return history_->truncated[row_ + k] != 0; }

  // The first cell of the row of the state in which the first step was taken.
  std::int32_t first_row(std::int32_t stride) const {
    std::int32_t state = 0;
    with_type(history_->state, [&](const auto* states) { state = static_cast<std::int32_t>(states[row_]); });
    return state * stride;
  }

  // The action that the learner chose ahead in the next state of step k; -1 if nobody knows. Where it was not
  // recorded it is the next one taken, if that was taken there.
  std::int32_t next_action(std::int64_t k) const {
    if (history_->next_action.array) return number(history_->next_action, k);
    return k + 1 == length_ || truncated(k) ? -1 : action(k + 1);
  }

  // For n steps from `first` on: the cell of (state, action), and the first cell of the next state's row, in
  // a table whose rows lie `stride` apart.
  template <class Place>
  void locate(std::int64_t first, std::int64_t n, std::int32_t stride, Place* cell, Place* next_row) const {
    with_type(history_->state, [&](const auto* states) {
      with_type(history_->action, [&](const auto* actions) {
        const auto* next_states = static_cast<decltype(states)>(history_->next_state.array);
        const std::int64_t place = row_ + first;
        for (std::int64_t k = 0; k < n; ++k) {
          cell[k] = static_cast<Place>(static_cast<std::int32_t>(states[place + k]) * stride +
                                       static_cast<std::int32_t>(actions[place + k]));
          next_row[k] = static_cast<Place>(static_cast<std::int32_t>(next_states[place + k]) * stride);
        }
      });
    });
  }

  // Of those n steps: where the time limit cut an episode, the row in which the next one begins.
  template <class Place>
  void show_starts(std::int64_t first, std::int64_t n, std::int32_t stride, Place* next_row) const {
    for (std::int64_t k = 0; k < n; ++k) {
      if (truncated(first + k)) next_row[k] = static_cast<Place>(first_row(stride));
    }
  }

  // And where an episode terminated, `past_the_end`.
  template <class Place>
  void mark_terminated(std::int64_t first, std::int64_t n, Place past_the_end, Place* next_row) const {
    const std::uint8_t* ended = history_->terminated + row_ + first;
    for (std::int64_t k = 0; k < n; ++k) next_row[k] = ended[k] ? past_the_end : next_row[k];
  }

  // Whether all states and actions are those of the shape.
  bool within(const Shape& shape) const {
    if (length_ < 0 || length_ > history_->room) return false;
    std::uint32_t outside = 0;
    with_type(history_->state, [&](const auto* states) {
      const auto* next_states = static_cast<decltype(states)>(history_->next_state.array);
      outside |= any_from(states + row_, shape.states) | any_from(next_states + row_, shape.states);
    });
    for (const Numbers& chosen : {history_->action, history_->next_action}) {
      if (!chosen.array) continue;
      with_type(chosen, [&](const auto* actions) { outside |= any_from(actions + row_, shape.actions); });
    }
    return outside == 0;
  }

  // The first step whose reward is larger than `most`, a number above 0, either way, or is no number; or
  // length().
  std::int64_t first_reward_beyond(double most) const {
    const double* rewards = history_->reward + row_;
    // As whole numbers, which are ordered as the sizes are and compared several at a time: a difference's
    // highest bit says that one is larger.
    std::uint64_t beyond = 0;
    for (std::int64_t k = 0; k < length_; ++k) beyond |= size_bits(most) - size_bits(rewards[k]);
    if (beyond >> 63 == 0) return length_;
    std::int64_t first = 0;
    while (std::fabs(rewards[first]) <= most) ++first;
    return first;
  }

 private:
  std::int32_t number(const Numbers& of, std::int64_t k) const {
    std::int32_t found = 0;
    with_type(of, [&](const auto* numbers) { found = static_cast<std::int32_t>(numbers[row_ + k]); });
    return found;
  }

  static std::uint64_t size_bits(double number) {
    std::uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    return bits & ~(std::uint64_t{1} << 63);
  }

  // 1 if any of the steps' numbers is `limit` or larger.
  template <class Number>
  std::uint32_t any_from(const Number* numbers, std::int64_t limit) const {
    if (limit > std::int64_t{std::numeric_limits<Number>::max()}) return 0;
    Number largest = 0;
    for (std::int64_t k = 0; k < length_; ++k) largest = largest < numbers[k] ? numbers[k] : largest;
    return largest >= limit;
  }

  const History<double>* history_;
  std::int64_t row_;
  std::int64_t length_;
};

}  // namespace metarl_fast
