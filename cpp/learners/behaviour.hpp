// SPDX-License-Identifier: MIT
// How a learner chooses actions. A random number x decides whether to explore, its companion y (rng.hpp)
// picks the action: so the pick is even however seldom a learner explores. An action that is not available
// has the value -infinity.
#pragma once

#include <cstdint>
#include <limits>

#include "../elementary.hpp"
#include "../rng.hpp"

namespace metarl_fast {

// Every action that is available has at least this value.
template <class Real>
constexpr Real kLowestValue = std::numeric_limits<Real>::lowest();

// The uniform policy over n actions.
static inline std::int32_t uniform_action(std::uint32_t y, std::int32_t n) {
  return static_cast<std::int32_t>(below(y, static_cast<std::uint32_t>(n)));
}

// The uniform policy over those that are available.
template <class Real>
static inline std::int32_t uniform_available_action(const Real* q, std::int32_t actions, std::uint32_t y) {
  std::int32_t count = 0;
  for (std::int32_t a = 0; a < actions; ++a) count += q[a] >= kLowestValue<Real>;
  std::int32_t skip = uniform_action(y, count);
  std::int32_t chosen = 0;
  for (; skip > 0 || !(q[chosen] >= kLowestValue<Real>); ++chosen) skip -= q[chosen] >= kLowestValue<Real>;
  return chosen;
}

// What a count-based bonus adds to q(s, a) when choosing: scale / sqrt(N(s, a) + 1); `visits` is N(s, a) + 1.
template <class Real>
static inline Real exploration_bonus(Real scale, Real visits) {
  return scale / square_root(visits);
}

// The scale fades from `bonus` in the first episode to 0 in the n-th after it; with n = 0 it does not fade.
static inline double bonus_scale(double bonus, std::int32_t episode, std::int64_t n) {
  if (n == 0) return bonus;
  return episode < n ? bonus * (1.0 - static_cast<double>(episode) / static_cast<double>(n)) : 0.0;
}

// Epsilon in steps of 2^-31: the last of the numbers 0 to 2^31 - 1 that explore, -1 if none does.
static inline std::int32_t last_exploring(double epsilon) {
  return static_cast<std::int32_t>(static_cast<std::int64_t>(epsilon * 0x1p31 + 0.5) - 1);
}
static inline bool explores(std::uint32_t x, std::int32_t last) {
  return static_cast<std::int32_t>(x >> 1) <= last;
}

// Index of a largest entry of q; when several are equal, y picks one of them.
template <class Real>
static inline std::int32_t greedy_action(const Real* q, std::int32_t actions, std::uint32_t y) {
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
  std::int32_t skip = uniform_action(y, ties);
  std::int32_t chosen = first;
  for (; skip > 0; --skip) {
    do ++chosen;
    while (q[chosen] != largest);
  }
  return chosen;
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
