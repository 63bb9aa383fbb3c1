// SPDX-License-Identifier: MIT
// What one dense task's pairs are made of: rewards in a unit that suits doubles, and the terms of an action
// value, summed in plain order where few are asked for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "../mdp.hpp"
#include "improvement.hpp"
#include "reward_scale.hpp"

namespace metarl_fast {

// The size of the largest reward that is to be had. Four at a time, since each waits for the one before.
inline double largest_reward(const Shape& shape, const TaskView& task) {
  double largest[4] = {};
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    if (shape.masked && !available(shape, task, pair)) continue;
    double& most = largest[pair % 4];
    most = std::max(most, std::fabs(task.reward[pair]));
  }
  return std::max(std::max(largest[0], largest[1]), std::max(largest[2], largest[3]));
}

// Rewards [S][A] times `scale`, -infinity where an action is not available, and the largest size of them:
// the task's own array if there is nothing to change, or `room`.
inline const double* scaled_rewards(const Shape& shape, const TaskView& task, std::vector<double>& room,
                                    double& scale, double& largest) {
  largest = largest_reward(shape, task);
  scale = reward_scale(largest);
  if (scale == 1.0 && !shape.masked) return task.reward;
  largest *= scale;
  room.resize(static_cast<std::size_t>(shape.pairs()));
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    const bool there = !shape.masked || available(shape, task, pair);
    room[static_cast<std::size_t>(pair)] =
        there ? task.reward[pair] * scale : -std::numeric_limits<double>::infinity();
  }
  return room.data();
}

struct DenseTerms {
  const Shape& shape;
  double discount;
  const double* probability;
  const double* rewards;
  const double* values;
  std::int64_t stride;  // from one state's value to the next one's

  TermSizes sizes(std::int64_t s, std::int64_t action) const {
    const std::int64_t pair = s * shape.actions + action;
    const double* const p = probability + pair * shape.states;
    const double value = values[s * stride];
    double differences = 0.0;
    double full = 0.0;
    for (std::int64_t j = 0; j < shape.states; ++j) {
      differences += p[j] * std::fabs(values[j * stride] - value);
      full += p[j] * std::fabs(values[j * stride]);
    }
    const double reward = std::fabs(rewards[pair]);
    return {reward + discount * differences + (1.0 - discount) * std::fabs(value),
            reward + discount * full + std::fabs(value)};
  }

  double action_value(std::int64_t s, std::int64_t action) const {
    const std::int64_t pair = s * shape.actions + action;
    double expected = 0.0;
    for (std::int64_t j = 0; j < shape.states; ++j) {
      expected += probability[pair * shape.states + j] * values[j * stride];
    }
    return rewards[pair] + discount * expected;
  }
};

}  // namespace metarl_fast
