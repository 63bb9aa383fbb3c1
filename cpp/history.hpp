// SPDX-License-Identifier: MIT
// What happened in a run, step by step, in as few bytes as its numbers need.
#pragma once

#include <cstdint>

namespace metarl_fast {

// What a step was to its episode.
enum class Ended : std::int32_t { not_yet, terminated, truncated };

// Whole numbers of 1, 2 or 4 bytes each.
struct Numbers {
  void* array = nullptr;
  int bytes = 4;
};

// Calls use(array), a pointer of the type that the numbers have.
template <class Function>
void with_type(const Numbers& numbers, Function use) {
  if (numbers.bytes == 1) return use(static_cast<std::uint8_t*>(numbers.array));
  if (numbers.bytes == 2) return use(static_cast<std::uint16_t*>(numbers.array));
  use(static_cast<std::uint32_t*>(numbers.array));
}

template <class Real>
struct PastStep {
  std::int32_t state, action, next_state;
  Real reward;
  Ended ended;
};

// Of all tasks; rows are longer than most lifetimes, which end when episodes do.
template <class Real>
struct History {
  Numbers state, next_state;           // [tasks][room], both of one type
  Numbers action;                      // the same
  Numbers next_action;                 // the same, of one type with action: what was chosen ahead; or null
  Real* reward = nullptr;              // the same
  std::uint8_t* terminated = nullptr;  // the same
  std::uint8_t* truncated = nullptr;   // the same
  std::int64_t* length = nullptr;      // [tasks] how many steps there were; null if nobody asked
  std::int64_t room = 0;

  // Writes the n steps of a task after the first `before`; step_of(k) is the k'th of them.
  template <class Function>
  void write(std::int64_t task, std::int64_t before, std::int64_t n, Function step_of) const {
    const std::int64_t place = task * room + before;
    with_type(state, [&](auto* states) {
      with_type(action, [&](auto* actions) {
        write_as(states + place, static_cast<decltype(states)>(next_state.array) + place, actions + place,
                 place, n, step_of);
      });
    });
    length[task] = before + n;
  }

 private:
  template <class State, class Action, class Function>
  void write_as(State* states, State* next_states, Action* actions, std::int64_t place, std::int64_t n,
                Function step_of) const {
    // Named here, because bytes that are written could otherwise be these pointers' own.
    Real* const rewards = reward + place;
    std::uint8_t* const terminates = terminated + place;
    std::uint8_t* const truncates = truncated + place;
    for (std::int64_t k = 0; k < n; ++k) {
      const PastStep<Real> step = step_of(k);
      states[k] = static_cast<State>(step.state);
      next_states[k] = static_cast<State>(step.next_state);
      actions[k] = static_cast<Action>(step.action);
      rewards[k] = step.reward;
      terminates[k] = step.ended == Ended::terminated;
      truncates[k] = step.ended == Ended::truncated;
    }
  }
};

}  // namespace metarl_fast
