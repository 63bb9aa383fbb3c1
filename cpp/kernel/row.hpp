// SPDX-License-Identifier: MIT
// The row that an outcome is drawn from, as the hot loop reads it.
#pragma once

#include <cstdint>

namespace metarl_fast {

// A row of K thresholds, `fine` of them with padding, rounded up to 4, 8 or a multiple of 16. From the last
// possible outcome on they are 2, above every random number. Rows of more than 16 begin with `coarse`
// copies: every sixteenth threshold, so that a search reads two cache lines.
struct Row {
  std::int64_t coarse;
  std::int64_t fine;

  static constexpr Row for_outcomes(std::int64_t outcomes) {
    if (outcomes <= 4) return {0, 4};
    if (outcomes <= 8) return {0, 8};
    const std::int64_t lines = (outcomes + 15) / 16;
    return {lines == 1 ? 0 : (lines + 15) / 16 * 16, lines * 16};
  }
};

// From one row to the next. Not a member: those are weak symbols in unoptimised kernels.
static inline std::int64_t stride(const Row& row) { return row.coarse + row.fine; }

template <class Real>
static inline void write_coarse(Row row, Real* thresholds) {
  for (std::int64_t k = 0; k < row.coarse; ++k) {
    thresholds[k] = 16 * k < row.fine ? thresholds[row.coarse + 16 * k + 15] : Real{2};
  }
}

// The sampling rule of mdp.hpp: thresholds from the last possible outcome on exceed every u.
template <class Real>
static inline void write_thresholds(const double* probability, std::int64_t outcomes, Row row,
                                    Real* thresholds) {
  std::int64_t last = outcomes - 1;
  while (last > 0 && !(probability[last] > 0.0)) --last;
  Real* fine = thresholds + row.coarse;
  double cumulative = 0.0;
  for (std::int64_t k = 0; k < last; ++k) {
    cumulative += probability[k];
    fine[k] = static_cast<Real>(cumulative);
  }
  for (std::int64_t k = last; k < row.fine; ++k) fine[k] = 2;
  write_coarse(row, thresholds);
}

}  // namespace metarl_fast
