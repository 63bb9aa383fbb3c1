// SPDX-License-Identifier: MIT
// Tasks as users write them, put into the form that mdp.hpp promises.
#pragma once

#include <cstdint>

#include "interrupt.hpp"
#include "mdp.hpp"

namespace metarl_fast {

// The arrays of all tasks in the layout of mdp.hpp, changed in place. A shared array has stride 0.
struct GivenTasks {
  double* probability = nullptr;
  std::int32_t* next_state = nullptr;
  double* reward = nullptr;
  std::uint8_t* terminated = nullptr;
  std::uint8_t* terminal = nullptr;
  std::int64_t terminal_stride = 0;
  double* start = nullptr;
  std::int64_t start_stride = 0;
  bool infer_terminal = false;  // of outcome lists: `terminal` is written instead of read
};

// Normalises rows and starts, and leaves those that sum to 1 up to rounding as they are, bit for bit. An
// action whose row is 0, or whose reward is minus infinity, becomes one that is not available. Terminal
// states become states that are never left, for reward 0, and outcomes that enter one end the episode.
// Returns whether some action is not available.
//
// Where termination is told outcome by outcome, a state is taken as terminal if it is entered from others,
// and every time with the end of the episode; but not if episodes begin there and something is to be done.
//
// Throws std::invalid_argument for what is no task, naming the first place, and what `interrupt` throws.
bool accept(const Shape&, std::int64_t num_tasks, const GivenTasks&, const Interrupt& interrupt);

}  // namespace metarl_fast
