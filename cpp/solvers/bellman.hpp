// SPDX-License-Identifier: MIT
// One step of looking ahead, in double (Sutton and Barto, equation 3.20):
//   q(s, a) = sum_k p_k (r_k + discount * v(s'_k)),  v dropped where the outcome terminates.
//
// `size` is the sum of the terms without their signs: rounding moves a result by a few units in the last
// place of that, however much of it cancels.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "../mdp.hpp"
#include "improvement.hpp"

namespace metarl_fast {

constexpr double kNever = -std::numeric_limits<double>::infinity();  // the value of what is not available

struct Expected {
  double value = 0.0;
  double size = 0.0;

  void add(double weight, double term) {
    value += weight * term;
    size += weight * std::fabs(term);
  }
};

// sum_k p_k r_k. Dense tasks store it.
inline Expected expected_reward(const Shape& shape, const TaskView& task, std::int64_t pair) {
  if (shape.dense) return {task.reward[pair], std::fabs(task.reward[pair])};
  Expected reward;
  const std::int64_t first = pair * shape.outcomes;
  for (std::int64_t k = first; k < first + shape.outcomes; ++k)
    reward.add(task.probability[k], task.reward[k]);
  return reward;
}

inline void expected_rewards(const Shape& shape, const TaskView& task, std::vector<double>& reward) {
  reward.resize(static_cast<std::size_t>(shape.pairs()));
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    reward[static_cast<std::size_t>(pair)] = expected_reward(shape, task, pair).value;
  }
}

// The value of the state that outcome `k` of the pair enters, 0 if it terminates. Terminal states have value
// 0.
inline double value_entered(const Shape& shape, const TaskView& task, const double* values, std::int64_t pair,
                            std::int64_t k) {
  if (shape.dense) return values[k];
  const std::int64_t place = pair * shape.outcomes + k;
  return task.terminated[place] ? 0.0 : values[task.next_state[place]];
}

// q(s, a) from the values of the states entered.
inline Expected action_value(const Shape& shape, const TaskView& task, double discount, const double* values,
                             std::int64_t pair) {
  Expected next;
  const double* p = task.probability + pair * shape.outcomes;
  for (std::int64_t k = 0; k < shape.outcomes; ++k)
    next.add(p[k], value_entered(shape, task, values, pair, k));
  const Expected reward = expected_reward(shape, task, pair);
  return {reward.value + discount * next.value, reward.size + discount * next.size};
}

// q(s, a) - v(s) for v = base + values, which loses nothing to a large v: since the probabilities sum to 1,
//   q(s, a) - v(s) = r + discount * sum_k p_k (v(s'_k) - v(s)) - (1 - discount) v(s).
// Where outcomes terminate, `base` has to be 0.
inline Expected advantage(const Shape& shape, const TaskView& task, double discount, double base,
                          const double* values, std::int64_t pair) {
  const double here = values[pair / shape.actions];
  Expected step;
  const double* p = task.probability + pair * shape.outcomes;
  for (std::int64_t k = 0; k < shape.outcomes; ++k) {
    step.add(p[k], value_entered(shape, task, values, pair, k) - here);
  }
  const Expected reward = expected_reward(shape, task, pair);
  const double rent = (1.0 - discount) * (base + here);
  return {reward.value + discount * step.value - rent, reward.size + discount * step.size + std::fabs(rent)};
}

}  // namespace metarl_fast
