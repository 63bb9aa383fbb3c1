// SPDX-License-Identifier: MIT
// Tasks that move slowly from one draw of a family to the next.
//
// Draws D_0, D_1, ... are `steps` segments apart. In segment j * steps + r each step of the task goes as in
// D_{j+1} with probability w = r / steps, else as in D_j: so rows, expected rewards and starts are
// (1 - w) D_j + w D_{j+1}. A pair of which one of the two draws knows nothing, because the state is terminal
// there or the action not available, goes as in the other; a state is terminal where it is in both.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "changing.hpp"

namespace metarl_fast {

class Drifting final : public Changing {
 public:
  static constexpr const char* kName = "Drifting";

  std::int64_t steps = 10;  // segments from one draw to the next

  template <class Self, class Visitor>
  static void parameters(Self& drifting, const Visitor& visit) {
    Changing::parameters(drifting, visit);
    visit("steps", drifting.steps, at_least(1));
  }

  void check() const override {
    check_parameters(*this);
    check_inside();
  }
  Shape shape() const override;
  void write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  void write_pair(std::int64_t pair, const TaskBuffer& from, const TaskBuffer& to, double w,
                  TaskBuffer& task) const;
};

// Outcome lists stand one after the other, so they are twice as long.
inline Shape Drifting::shape() const {
  Shape of = family->shape();
  if (!of.dense) of.outcomes *= 2;
  of.sampling = Sampling::inverse;
  return of;
}

inline void Drifting::write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  const Shape of = family->shape();
  const std::int64_t time = segment_at(now);
  const auto draw = static_cast<std::uint64_t>(time / steps);
  const double w = static_cast<double>(time % steps) / static_cast<double>(steps);
  TaskBuffer from(of);
  TaskBuffer to(of);
  family->write(key_of_part(key, draw), id, 0, from, interrupt);
  family->write(key_of_part(key, draw + 1), id, 0, to, interrupt);

  Meter meter(interrupt);
  task.reward_noise = (1.0 - w) * from.reward_noise + w * to.reward_noise;
  for (std::int64_t s = 0; s < of.states; ++s) {
    const auto state = static_cast<std::size_t>(s);
    const bool ends_from = from.terminal[state] != 0;
    const bool ends_to = to.terminal[state] != 0;
    require(!of.dense || ends_from == ends_to, "a terminal state that drifts", static_cast<double>(s),
            "none in dense tasks, where outcomes do not say whether they end the episode");
    task.terminal[state] = ends_from && ends_to;
    task.start[state] = (1.0 - w) * from.start[state] + w * to.start[state];
    for (std::int64_t pair = s * of.actions; pair < (s + 1) * of.actions; ++pair) {
      meter.count(2 * of.outcomes);
      const bool nothing_from = ends_from || !available(of, from.view(), pair);
      const bool nothing_to = ends_to || !available(of, to.view(), pair);
      write_pair(pair, from, to, nothing_to ? 0.0 : nothing_from ? 1.0 : w, task);
    }
  }
}

inline void Drifting::write_pair(std::int64_t pair, const TaskBuffer& from, const TaskBuffer& to, double w,
                                 TaskBuffer& task) const {
  const Shape of = family->shape();
  const auto outcomes = static_cast<std::size_t>(of.outcomes);
  const std::size_t first = static_cast<std::size_t>(pair) * outcomes;
  if (of.dense) {
    const auto place = static_cast<std::size_t>(pair);
    task.reward[place] = (1.0 - w) * from.reward[place] + w * to.reward[place];
    for (std::size_t k = first; k < first + outcomes; ++k) {
      task.probability[k] = (1.0 - w) * from.probability[k] + w * to.probability[k];
    }
    return;
  }
  const auto copy = [&](const TaskBuffer& draw, double weight, std::size_t target) {
    for (std::size_t k = first; k < first + outcomes; ++k, ++target) {
      task.probability[target] = weight * draw.probability[k];
      task.next_state[target] = draw.next_state[k];
      task.reward[target] = draw.reward[k];
      task.terminated[target] = draw.terminated[k];
    }
  };
  copy(from, 1.0 - w, 2 * first);
  copy(to, w, 2 * first + outcomes);
}

}  // namespace metarl_fast
