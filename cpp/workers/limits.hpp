// SPDX-License-Identifier: MIT
// What fits into a worker: how long lists of traces get, and rewards that its numbers hold.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "../elementary.hpp"
#include "../learners/rule.hpp"
#include "../learners/td_settings.hpp"
#include "../mdp.hpp"

namespace metarl_fast {

// The most traces there can be at once, and one: they fade below kSmallestTrace, an episode has so many
// steps, and a task so many pairs, or states where a pair's trace replaces those of its state.
inline std::int64_t trace_room(const TdSettings& learner, bool continuing, std::int64_t num_steps,
                               const Shape& shape) {
  const double decay = learner.discount * learner.trace_decay;
  const bool replacing = learner.traces == Traces::replacing;
  std::int64_t most = replacing ? shape.states : shape.pairs();
  if (!continuing) most = std::min(most, num_steps);
  if (decay < 1.0) {
    const double largest = replacing ? 1.0 : 1.0 / (1.0 - decay);
    const double fading =
        decay > 0.0 ? portable_log(kSmallestTrace / largest) / portable_log(decay) + 3.0 : 1.0;
    if (fading < static_cast<double>(most)) most = static_cast<std::int64_t>(fading);
  }
  return most + 1;
}

// No noise drawn from 32 bits lies so many standard deviations out.
constexpr double kFarthestNoise = 8.0;

// A reward beyond the table's type would become infinite without a word. Returns the largest, sign aside.
template <class Real>
double check_rewards(const double* rewards, std::int64_t count, std::int64_t task) {
  constexpr double kLargest = std::numeric_limits<Real>::max();
  const double* end = rewards + count;
  const double* bad = std::find_if(rewards, end, [](double r) { return !(std::fabs(r) <= kLargest); });
  if (bad == end) {
    return std::accumulate(rewards, end, 0.0,
                           [](double most, double r) { return std::max(most, std::fabs(r)); });
  }
  std::ostringstream message;
  message << "a reward of task " << task << " is " << *bad << ", which a table of " << 8 * sizeof(Real)
          << "-bit numbers cannot hold";
  throw std::invalid_argument(message.str());
}

// The same with noise.
template <class Real>
double check_rewards(const double* rewards, std::int64_t count, double noise, std::int64_t index) {
  const double largest = check_rewards<Real>(rewards, count, index);
  const double reach = largest + kFarthestNoise * noise;
  if (reach <= std::numeric_limits<Real>::max()) return reach;
  std::ostringstream message;
  message << "reward_noise of task " << index << " is " << noise << ", with rewards up to " << largest
          << " more than a table of " << 8 * sizeof(Real) << "-bit numbers can hold";
  throw std::invalid_argument(message.str());
}

template <class Real>
double check_rewards(const TaskView& task, std::int64_t count, std::int64_t index) {
  return check_rewards<Real>(task.reward, count, task.reward_noise, index);
}

// Whether rewards up to `reach` can be summed over an episode, and over so many tasks.
inline void check_sums(double reach, std::int64_t num_steps, std::int64_t tasks) {
  if (reach * static_cast<double>(num_steps) * static_cast<double>(tasks) <=
      std::numeric_limits<double>::max()) {
    return;
  }
  std::ostringstream message;
  message << "rewards reach " << reach << ", too large to be summed over the " << num_steps
          << " steps of an episode";
  if (tasks > 1) message << " of each of " << tasks << " tasks";
  throw std::invalid_argument(message.str());
}

}  // namespace metarl_fast
