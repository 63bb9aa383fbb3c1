// SPDX-License-Identifier: MIT
// A family's tasks with the step of the episode as part of the state: (t, s) is state t * S + s, and after
// the last step the episode ends. So what a table holds of a state may depend on the steps that are left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"
#include "inner_task.hpp"
#include "layout.hpp"

namespace metarl_fast {

class TimeInState final : public Around {
 public:
  static constexpr const char* kName = "TimeInState";

  std::int64_t horizon = 1;

  template <class Self, class Visitor>
  static void parameters(Self& timed, const Visitor& visit) {
    visit("family", timed.family);
    visit("horizon", timed.horizon, at_least(1));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
    const double all = static_cast<double>(family->shape().states) * static_cast<double>(horizon);
    require(all < 0x1p31, "num_states * horizon", all, "below 2^31");
  }
  Shape shape() const override {
    Shape of = as_lists(family->shape());
    of.states *= horizon;
    return of;
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void TimeInState::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                               const Interrupt& interrupt) const {
  const Shape of = as_lists(family->shape());
  InnerTask step(of, task);
  write_as(*family, key, id, segment, of, step, interrupt);
  task.reward_noise = step.reward_noise;
  std::fill(task.start.begin(), task.start.end(), 0.0);
  std::copy(step.start.begin(), step.start.end(), task.start.begin());

  Meter meter(interrupt);
  for (std::int64_t t = 0; t < horizon; ++t) {
    meter.count(of.probabilities());
    const std::int64_t first = t * of.probabilities();
    const bool last = t + 1 == horizon;
    const auto next = static_cast<std::int32_t>((last ? t : t + 1) * of.states);
    std::copy(step.terminal.begin(), step.terminal.end(), task.terminal.begin() + t * of.states);
    std::copy(step.probability.begin(), step.probability.end(), task.probability.begin() + first);
    std::copy(step.reward.begin(), step.reward.end(), task.reward.begin() + first);
    for (std::size_t k = 0; k < step.next_state.size(); ++k) {
      const auto place = static_cast<std::size_t>(first) + k;
      const auto state = static_cast<std::int64_t>(k) / (of.actions * of.outcomes);
      // What is terminal is written as staying there.
      const bool stays = step.terminal[static_cast<std::size_t>(state)] != 0;
      const auto here = static_cast<std::int32_t>(t * of.states);
      task.next_state[place] = step.next_state[k] + (stays ? here : next);
      task.terminated[place] = last || step.terminated[k];
    }
  }
}

}  // namespace metarl_fast
