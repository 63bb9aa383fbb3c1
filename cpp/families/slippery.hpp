// SPDX-License-Identifier: MIT
// A family's tasks where what is done is now and then any of the actions, whatever was chosen.
//
// With probability w one of the state's available actions is taken, all alike: rows and rewards become
// (1 - w) (s, a) + w / n sum_b (s, b).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"
#include "inner_task.hpp"
#include "layout.hpp"

namespace metarl_fast {

class Slippery final : public Around {
 public:
  static constexpr const char* kName = "Slippery";

  double probability = 0.1;  // w

  template <class Self, class Visitor>
  static void parameters(Self& slippery, const Visitor& visit) {
    visit("family", slippery.family);
    visit("probability", slippery.probability, between(0, 1));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
  }
  Shape shape() const override;
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  void write_pair(const Shape& of, const TaskBuffer& from, std::int64_t state, std::int64_t action,
                  const std::vector<double>& weight, TaskBuffer& task) const;
};

// Outcome lists of all the state's actions stand one after the other.
inline Shape Slippery::shape() const {
  Shape of = family->shape();
  if (!of.dense) of.outcomes *= of.actions;
  of.sampling = Sampling::inverse;
  return of;
}

inline void Slippery::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  const Shape of = family->shape();
  InnerTask from(of, task);
  family->write(key, id, segment, from, interrupt);
  task.terminal = from.terminal;
  task.start = from.start;
  task.reward_noise = from.reward_noise;

  Meter meter(interrupt);
  const TaskView view = from.view();
  std::vector<double> weight(static_cast<std::size_t>(of.actions));
  for (std::int64_t state = 0; state < of.states; ++state) {
    std::int64_t there = 0;
    for (std::int64_t b = 0; b < of.actions; ++b) there += available(of, view, state * of.actions + b);
    for (std::int64_t action = 0; action < of.actions; ++action) {
      meter.count(of.actions * of.outcomes);
      const bool taken = available(of, view, state * of.actions + action);
      for (std::int64_t b = 0; b < of.actions; ++b) {
        const bool other = taken && available(of, view, state * of.actions + b);
        const double even = other ? probability / static_cast<double>(there) : 0.0;
        weight[static_cast<std::size_t>(b)] = b == action && taken ? (1.0 - probability) + even : even;
      }
      write_pair(of, from, state, action, weight, task);
    }
  }
}

inline void Slippery::write_pair(const Shape& of, const TaskBuffer& from, std::int64_t state,
                                 std::int64_t action, const std::vector<double>& weight,
                                 TaskBuffer& task) const {
  const std::int64_t pair = state * of.actions + action;
  const auto outcomes = static_cast<std::size_t>(of.outcomes);
  if (of.dense) {
    double* row = task.probability.data() + pair * of.outcomes;
    for (std::size_t k = 0; k < outcomes; ++k) row[k] = 0.0;
    task.reward[static_cast<std::size_t>(pair)] = 0.0;
  }
  auto target = static_cast<std::size_t>(pair) * outcomes * (of.dense ? 1 : weight.size());
  for (std::size_t b = 0; b < weight.size(); ++b) {
    const std::size_t other = static_cast<std::size_t>(state) * weight.size() + b;
    if (of.dense) task.reward[static_cast<std::size_t>(pair)] += weight[b] * from.reward[other];
    for (std::size_t k = 0; k < outcomes; ++k) {
      const std::size_t place = other * outcomes + k;
      if (of.dense) {
        task.probability[target + k] += weight[b] * from.probability[place];
        continue;
      }
      task.probability[target] = weight[b] * from.probability[place];
      task.next_state[target] = from.next_state[place];
      task.reward[target] = from.reward[place];
      task.terminated[target++] = from.terminated[place];
    }
  }
}

}  // namespace metarl_fast
