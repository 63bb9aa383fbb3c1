// SPDX-License-Identifier: MIT
// Rows of probabilities as thresholds: cumulative probabilities, rounded to Real, that a number in [0, 1) is
// compared with. The first one above it says which outcome is drawn, the same that sampling.hpp draws.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rng.hpp"

namespace metarl_fast {

constexpr std::int64_t kThresholdsAtOnce = 4;
// Rows up to this length are looked through whole, which takes no branch.
constexpr std::int64_t kLongestScanned = 32;

// How many places a row takes.
inline std::int64_t thresholds_of(std::int64_t outcomes) {
  if (outcomes > kLongestScanned) return outcomes;
  return (outcomes + kThresholdsAtOnce - 1) / kThresholdsAtOnce * kThresholdsAtOnce;
}

// Fills `thresholds_of(outcomes)` places; from the last possible outcome on with what no number reaches.
template <class Real>
void write_thresholds(const double* probability, std::int64_t outcomes, Real* out) {
  double cumulative = 0.0;
  std::int64_t last = 0;
  for (std::int64_t k = 0; k < outcomes; ++k) {
    if (probability[k] > 0.0) {
      cumulative += probability[k];
      last = k;
    }
    out[k] = static_cast<Real>(cumulative);
  }
  std::fill(out + last, out + thresholds_of(outcomes), Real{2});
}

template <class Real>
inline std::int32_t draw_by_thresholds(const Real* row, std::int64_t length, std::uint32_t x) {
  const Real u = unit(x, Real{});
  if (length > kLongestScanned)
    return static_cast<std::int32_t>(std::upper_bound(row, row + length, u) - row);
  std::int32_t passed[kThresholdsAtOnce] = {};
  for (std::int64_t k = 0; k < length; k += kThresholdsAtOnce) {
    for (std::int64_t j = 0; j < kThresholdsAtOnce; ++j) passed[j] += row[k + j] <= u;
  }
  return passed[0] + passed[1] + passed[2] + passed[3];
}

}  // namespace metarl_fast
