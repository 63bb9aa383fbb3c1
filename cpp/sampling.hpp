// SPDX-License-Identifier: MIT
// Drawing from one row, by the two rules of mdp.hpp, as they are written there: no tables, one row at a time.
// The kernel draws the same outcomes from tables that it makes beforehand.
#pragma once

#include <cstdint>

#include "rng.hpp"

namespace metarl_fast {

// The first outcome whose cumulative probability exceeds u, or the last possible one; `probability(k)` is the
// k-th one's.
template <class Probability, class Real>
static inline std::int64_t sample_from(const Probability& probability, std::int64_t outcomes, Real u) {
  double cumulative = 0.0;
  std::int64_t possible = 0;
  for (std::int64_t k = 0; k < outcomes; ++k) {
    if (!(probability(k) > 0.0)) continue;
    cumulative += probability(k);
    possible = k;
    if (static_cast<Real>(cumulative) > u) break;
  }
  return possible;
}

template <class Real>
static inline std::int64_t sample_row(const double* probability, std::int64_t outcomes, Real u) {
  return sample_from([probability](std::int64_t k) { return probability[k]; }, outcomes, u);
}

// Half of the proposals are refused, so that so many in a row never are; the last one would be taken.
constexpr int kMostProposals = 4096;

// The first state proposed that a number below 2^24 accepts; `weight(state)` is below 2^24, too.
template <class Weight>
static inline std::int32_t sample_by_rejection(std::int64_t states, Stream& stream, const Weight& weight) {
  std::uint32_t proposed = 0;
  for (int proposals = 0; proposals < kMostProposals; ++proposals) {
    proposed = below(next(stream), static_cast<std::uint32_t>(states));
    if (static_cast<std::int32_t>(next(stream) >> 8) < static_cast<std::int32_t>(weight(proposed))) break;
  }
  return static_cast<std::int32_t>(proposed);
}

}  // namespace metarl_fast
