// SPDX-License-Identifier: MIT
// How a learner chooses actions. One 32-bit random number decides one choice.
#pragma once

#include <cstdint>

#include "../elementary.hpp"
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

// What a count-based bonus adds to q(s, a) when choosing: scale / sqrt(N(s, a) + 1).
template <class Real, class Count>
static inline Real exploration_bonus(Real scale, Count visits) {
  return scale / square_root(static_cast<Real>(visits + 1));
}

// The scale fades from `bonus` in the first of n episodes towards 0.
static inline double bonus_scale(double bonus, std::int32_t episode, std::int32_t num_episodes) {
  return bonus * (1.0 - static_cast<double>(episode) / static_cast<double>(num_episodes));
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

// Softmax, or Boltzmann, weights (Sutton and Barto, section 2.8): exp((q - largest) / temperature).
template <class Real>
static inline double softmax_weight(Real q, Real largest, double temperature) {
  return portable_exp((static_cast<double>(q) - static_cast<double>(largest)) / temperature);
}

template <class Real>
static inline std::int32_t softmax_action(const Real* q, std::int32_t actions, double u, double temperature) {
  Real largest = q[0];
  for (std::int32_t a = 1; a < actions; ++a) largest = q[a] > largest ? q[a] : largest;
  double total = 0.0;
  for (std::int32_t a = 0; a < actions; ++a) total += softmax_weight(q[a], largest, temperature);
  double cumulative = 0.0;
  std::int32_t chosen = 0;
  for (std::int32_t a = 0; a + 1 < actions; ++a) {
    cumulative += softmax_weight(q[a], largest, temperature);
    chosen += cumulative <= u * total;
  }
  return chosen;
}

}  // namespace metarl_fast
