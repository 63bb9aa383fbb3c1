// SPDX-License-Identifier: MIT
// The row that an outcome is drawn from, as the hot loop reads it.
#pragma once

#include <cstdint>

namespace metarl_fast {

// A row of K thresholds, `fine` of them with padding: 4, 8 or a multiple of 16; none where there is but one
// outcome. From the last possible outcome on they are 2, above every random number. Rows of more than 32 have
// an index, kept apart: `coarse` copies of every sixteenth threshold, so that a search reads one line of the
// index and one of the row.
struct Row {
  std::int64_t coarse;
  std::int64_t fine;

  static constexpr Row for_outcomes(std::int64_t outcomes) {
    if (outcomes == 1) return {0, 0};
    if (outcomes <= 4) return {0, 4};
    if (outcomes <= 8) return {0, 8};
    const std::int64_t lines = (outcomes + 15) / 16;
    if (lines <= 2) return {0, 16 * lines};
    if (lines <= 4) return {4, 16 * lines};
    if (lines <= 8) return {8, 16 * lines};
    return {(lines + 15) / 16 * 16, 16 * lines};
  }

  // How many outcomes there is room for.
  constexpr std::int64_t outcomes() const { return fine == 0 ? 1 : fine; }
};

template <class Real>
static inline void write_coarse(Row row, const Real* fine, Real* coarse) {
  for (std::int64_t k = 0; k < row.coarse; ++k) {
    coarse[k] = 16 * k < row.fine ? fine[16 * k + 15] : Real{2};
  }
}

// The sampling rule of mdp.hpp: thresholds from the last possible outcome on exceed every u.
template <class Real>
static inline void write_thresholds(const double* probability, std::int64_t outcomes, Row row, Real* fine,
                                    Real* coarse) {
  std::int64_t last = outcomes - 1;
  while (last > 0 && !(probability[last] > 0.0)) --last;
  double cumulative = 0.0;
  for (std::int64_t k = 0; k < last; ++k) {
    cumulative += probability[k];
    fine[k] = static_cast<Real>(cumulative);
  }
  for (std::int64_t k = last; k < row.fine; ++k) fine[k] = 2;
  write_coarse(row, fine, coarse);
}

}  // namespace metarl_fast
