// SPDX-License-Identifier: MIT
// Writes a task as outcome lists, pair by pair, in any order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../interrupt.hpp"
#include "../mdp.hpp"

namespace metarl_fast {

class OutcomeWriter {
 public:
  // No state is terminal, and none a start, until it is said.
  OutcomeWriter(const Shape& shape, TaskBuffer& task, Meter& meter)
      : actions_(shape.actions), outcomes_(shape.outcomes), task_(task), meter_(meter) {
    std::fill(task.terminal.begin(), task.terminal.end(), std::uint8_t{0});
    std::fill(task.start.begin(), task.start.end(), 0.0);
  }

  // The outcomes added next are those of this pair. Places that it does not use hold probability 0.
  void begin(std::int64_t state, std::int64_t action) {
    meter_.count(outcomes_);
    place_ = (state * actions_ + action) * outcomes_;
    std::fill_n(task_.probability.begin() + place_, outcomes_, 0.0);
    std::fill_n(task_.next_state.begin() + place_, outcomes_, 0);
    std::fill_n(task_.reward.begin() + place_, outcomes_, 0.0);
    std::fill_n(task_.terminated.begin() + place_, outcomes_, std::uint8_t{0});
  }

  // Up to K of them.
  void add(double probability, std::int64_t next_state, double reward, bool terminated = false) {
    const auto place = static_cast<std::size_t>(place_++);
    task_.probability[place] = probability;
    task_.next_state[place] = static_cast<std::int32_t>(next_state);
    task_.reward[place] = reward;
    task_.terminated[place] = terminated;
  }

  // Nothing is done there; its outcomes are written as staying there, for reward 0 and with termination.
  void terminal(std::int64_t state) { task_.terminal[static_cast<std::size_t>(state)] = 1; }

  void start(std::int64_t state, double probability = 1.0) {
    task_.start[static_cast<std::size_t>(state)] = probability;
  }

 private:
  std::int64_t actions_, outcomes_;
  TaskBuffer& task_;
  Meter& meter_;
  std::int64_t place_ = 0;
};

}  // namespace metarl_fast
