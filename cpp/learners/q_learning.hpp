// SPDX-License-Identifier: MIT
// Q-learning (Watkins 1989; Sutton and Barto, "Reinforcement Learning", 2nd ed., equation 6.8).
#pragma once

#include "../elementary.hpp"

namespace metarl_fast {

// r_t + discount * max_a q(s_t, a), without the second term when the episode terminated.
template <class Real>
static inline Real q_learning_target(Real r_t, Real discount, Real max_q_t, bool terminated) {
  return terminated ? r_t : r_t + discount * max_q_t;
}

// Moves q towards the target. As a weighted mean, so that learning rate 1 gives the target exactly.
template <class Real>
static inline Real towards(Real q_tm1, Real target, Real learning_rate) {
  return (Real{1} - learning_rate) * q_tm1 + learning_rate * target;
}

// min(1, learning_rate / visits^decay), the step size of the visits-th update of a pair.
static inline double decayed_learning_rate(double learning_rate, double visits, double decay) {
  const double rate = learning_rate * inverse_power(visits, decay);
  return rate < 1.0 ? rate : 1.0;
}

}  // namespace metarl_fast
