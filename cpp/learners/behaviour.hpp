// SPDX-License-Identifier: MIT
// How a learner chooses actions. One 32-bit random number decides one choice.
#pragma once

#include <cstdint>

#include "../rng.hpp"

namespace metarl_fast {

// The uniform policy.
static inline std::int32_t uniform_action(std::uint32_t x, std::int32_t actions) {
  return static_cast<std::int32_t>(below(x, static_cast<std::uint32_t>(actions)));
}

// Position in [0, n) of u in [0, 1); rounding may reach n, which is held back.
template <class Real>
static inline std::int32_t position(Real u, std::int32_t n) {
  const std::int32_t k = static_cast<std::int32_t>(u * static_cast<Real>(n));
  return k < n ? k : n - 1;
}

// Index of a largest entry of q; when `ties` are equal, the position(u, ties)-th of them.
template <class Real>
static inline std::int32_t greedy_action(const Real* q, std::int32_t actions, Real u) {
  Real largest = q[0];
  std::int32_t first = 0;
  std::int32_t ties = 1;
  for (std::int32_t a = 1; a < actions; ++a) {
    const bool better = q[a] > largest;
    ties = better ? 1 : ties + (q[a] == largest);
    first = better ? a : first;
    largest = better ? q[a] : largest;
  }
  if (ties == 1) return first;
  std::int32_t skip = position(u, ties);
  std::int32_t chosen = first;
  for (; skip > 0; --skip) {
    do ++chosen;
    while (q[chosen] != largest);
  }
  return chosen;
}

// Epsilon-greedy (Sutton and Barto, section 2.2). u below epsilon explores, and u / epsilon picks the
// action; else (u - epsilon) / (1 - epsilon) picks among equally good ones. The quotients come as
// products with per-episode constants.
template <class Real>
static inline std::int32_t epsilon_greedy_action(const Real* q, std::int32_t actions, Real u, Real epsilon,
                                                 Real explore_scale, Real greedy_scale) {
  if (u < epsilon) return position(u * explore_scale, actions);
  return greedy_action(q, actions, (u - epsilon) * greedy_scale);
}

}  // namespace metarl_fast
