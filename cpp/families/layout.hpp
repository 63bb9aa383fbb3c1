// SPDX-License-Identifier: MIT
// Layouts of tasks: one that holds tasks of several shapes, and a task in another layout than its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "family.hpp"
#include "inner_task.hpp"

namespace metarl_fast {

inline bool same_layout(const Shape& a, const Shape& b) {
  return a.dense == b.dense && a.outcomes == b.outcomes && a.sampling == b.sampling;
}

// The shape of the same tasks as outcome lists.
inline Shape as_lists(Shape shape) {
  shape.dense = false;
  shape.sampling = Sampling::inverse;
  return shape;
}

// The shape of tasks that may be of either: dense if both are, else outcome lists as long as the longer.
// Throws std::invalid_argument if they differ in states or actions.
inline Shape common_shape(const Shape& a, const Shape& b) {
  require(a.states == b.states, "num_states of a family", static_cast<double>(b.states),
          "that of the first family");
  require(a.actions == b.actions, "num_actions of a family", static_cast<double>(b.actions),
          "that of the first family");
  Shape common = a;
  common.outcomes = std::max(a.outcomes, b.outcomes);
  common.dense = a.dense && b.dense;
  common.reward_noise = std::max(a.reward_noise, b.reward_noise);
  const bool rejection = a.sampling == Sampling::rejection && b.sampling == Sampling::rejection;
  common.sampling = rejection ? Sampling::rejection : Sampling::inverse;
  common.masked = a.masked || b.masked;
  return common;
}

// Writes a task of shape `from` as one of shape `to`, which has room for it: what is dense may become lists,
// and lists may become longer.
inline void copy_task(const Shape& from, const TaskView& task, const Shape& to, TaskBuffer& out,
                      Meter& meter) {
  std::copy_n(task.terminal, to.states, out.terminal.begin());
  std::copy_n(task.start, to.states, out.start.begin());
  out.reward_noise = task.reward_noise;
  for (std::int64_t pair = 0; pair < to.pairs(); ++pair) {
    meter.count(to.outcomes);
    const double* probability = task.probability + pair * from.outcomes;
    std::copy_n(probability, from.outcomes, out.probability.begin() + pair * to.outcomes);
    if (to.sampling == Sampling::rejection) out.scale[static_cast<std::size_t>(pair)] = task.scale[pair];
    if (to.dense) {
      out.reward[static_cast<std::size_t>(pair)] = task.reward[pair];
      continue;
    }
    for (std::int64_t k = 0; k < to.outcomes; ++k) {
      const std::int64_t place = pair * from.outcomes + k;
      const auto target = static_cast<std::size_t>(pair * to.outcomes + k);
      const bool used = k < from.outcomes;
      if (!used) out.probability[target] = 0.0;
      out.next_state[target] = !used ? 0 : from.dense ? static_cast<std::int32_t>(k) : task.next_state[place];
      out.reward[target] = !used ? 0.0 : from.dense ? task.reward[pair] : task.reward[place];
      out.terminated[target] = !used        ? std::uint8_t{0}
                               : from.dense ? task.terminal[k]
                                            : task.terminated[place];
    }
  }
}

// Writes a family's task as one of shape `to`, as `copy_task` does.
inline void write_as(const Family& family, std::uint64_t key, std::uint64_t id, std::int64_t segment,
                     const Shape& to, TaskBuffer& task, const Interrupt& interrupt) {
  const Shape from = family.shape();
  if (same_layout(from, to)) {
    task.reward_noise = from.reward_noise;
    return family.write(key, id, segment, task, interrupt);
  }
  Meter meter(interrupt);
  InnerTask drawn(from, task);
  family.write(key, id, segment, drawn, interrupt);
  copy_task(from, drawn.view(), to, task, meter);
}

}  // namespace metarl_fast
