// SPDX-License-Identifier: MIT
// Elimination and expected values of one dense task; compiled once for each instruction set, as kernel.cpp
// is.
#include "../solvers/dense_solver.hpp"

#include "dense_lanes.hpp"
#include "eight.hpp"

#ifndef METARL_FAST_KERNEL_ISA
#error "define METARL_FAST_KERNEL_ISA: base, avx2 or avx512"
#endif

namespace metarl_fast {
namespace {

// Rows and blocks of eight columns updated together, as many as registers hold.
#if defined(__AVX512F__)
constexpr int kTileRows = 4;
constexpr int kTileEights = 2;
#elif defined(__AVX2__)
constexpr int kTileRows = 4;
constexpr int kTileEights = 1;
#else
constexpr int kTileRows = 2;
constexpr int kTileEights = 1;
#endif

// What `rows` rows take from the panel's: after this, row[m] is a(row, first + m) as it is once the panel's
// states before m have been eliminated. Row m of the panel holds zeros up to its own column, so that an entry
// stays what it is once it is known.
template <int rows>
[[gnu::always_inline]] inline void find_multipliers(const double* panel, double* row, std::int64_t stride,
                                                    int size) {
  Eight x[rows];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) x[r] = load_eight(row + r * stride);
  for (int m = 0; m < size; ++m) {
    const Eight u = load_eight(panel + m * stride);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      x[r] = x[r] + all(row[r * stride + m]) * u;
      store_eight(row + r * stride, x[r]);
    }
  }
}

// row_r += sum_m multiplier[r, m] panel_m over eights * 8 columns, in the order of m.
template <int rows, int eights>
[[gnu::always_inline]] inline void update_tile(const double* panel, const double* multiplier, double* row,
                                               std::int64_t stride, int size) {
  Eight x[rows][eights];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int e = 0; e < eights; ++e) x[r][e] = load_eight(row + r * stride + 8 * e);
  }
  for (int m = 0; m < size; ++m) {
    Eight u[eights];
#pragma GCC unroll 2
    for (int e = 0; e < eights; ++e) u[e] = load_eight(panel + m * stride + 8 * e);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Eight factor = all(multiplier[r * stride + m]);
#pragma GCC unroll 2
      for (int e = 0; e < eights; ++e) x[r][e] = x[r][e] + factor * u[e];
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int e = 0; e < eights; ++e) store_eight(row + r * stride + 8 * e, x[r][e]);
  }
}

// `panel` and `row` begin at the panel's first column, `width` columns before the end.
template <int rows>
[[gnu::always_inline]] inline void update_rows(const double* panel, double* row, std::int64_t stride,
                                               std::int64_t width, int size) {
  find_multipliers<rows>(panel, row, stride, size);
  std::int64_t c = kPanel;
  for (; c + 8 * kTileEights <= width; c += 8 * kTileEights) {
    update_tile<rows, kTileEights>(panel + c, row, row + c, stride, size);
  }
  for (; c < width; c += 8) update_tile<rows, 1>(panel + c, row, row + c, stride, size);
}

// Makes a row whose states before k are eliminated one of probabilities: divides it by all that leaves it.
[[gnu::always_inline]] inline void normalise(double* row, std::int64_t width, int place) {
  for (int j = 0; j <= place; ++j) row[j] = 0.0;
  Eight leaving = all(0.0);
  for (std::int64_t c = 0; c + 8 < width; c += 8) leaving = leaving + load_eight(row + c);
  double* last = row + width - 8;
  const double reward = last[7];
  last[7] = 0.0;
  leaving = leaving + load_eight(last);
  last[7] = reward;
  const Eight scale = all(1.0 / sum(leaving));
  for (std::int64_t c = 0; c < width; c += 8) store_eight(row + c, load_eight(row + c) * scale);
}

void eliminate_panel(const DenseSystem& system, std::int64_t first) {
  const std::int64_t stride = system.stride;
  const std::int64_t width = stride - first;
  double* const panel = system.rows + first * stride + first;
  const std::int64_t below = system.states - first;
  const int size = static_cast<int>(below < kPanel ? below : kPanel);
  for (int k = 0; k < size; ++k) {
    double* const row = panel + k * stride;
    if (k > 0) update_rows<1>(panel, row, stride, width, k);
    normalise(row, width, k);
  }
  std::int64_t i = size;
  for (; i + kTileRows <= below; i += kTileRows) {
    update_rows<kTileRows>(panel, panel + i * stride, stride, width, size);
  }
  for (; i < below; ++i) update_rows<1>(panel, panel + i * stride, stride, width, size);
}

// v(k) = b(k) + sum_{j > k} a(k, j) v(j), from the last state to the first.
void substitute_back(const DenseSystem& system, double* values) {
  const std::int64_t stride = system.stride;
  for (std::int64_t j = 0; j < stride; ++j) values[j] = 0.0;
  for (std::int64_t k = system.states - 1; k >= 0; --k) {
    const double* const row = system.rows + k * stride;
    Eight expected = all(0.0);
    for (std::int64_t c = k / kPanel * kPanel; c < stride; c += 8) {
      expected = expected + load_eight(row + c) * load_eight(values + c);
    }
    values[k] = row[stride - 1] + sum(expected);
  }
}

template <int actions>
[[gnu::always_inline]] inline void differences(const double* probability, std::int64_t states,
                                               const double* values, double value, double* out) {
  const Eight from = all(value);
  Eight expected[actions];
#pragma GCC unroll 4
  for (int a = 0; a < actions; ++a) expected[a] = all(0.0);
  std::int64_t c = 0;
  for (; c + 8 <= states; c += 8) {
    const Eight difference = load_eight(values + c) - from;
#pragma GCC unroll 4
    for (int a = 0; a < actions; ++a) {
      expected[a] = expected[a] + load_eight(probability + a * states + c) * difference;
    }
  }
  if (c < states) {
    const Eight difference = load_eight(values + c) - from;
    for (int a = 0; a < actions; ++a) {
      expected[a] = expected[a] + load_first(probability + a * states + c, states - c) * difference;
    }
  }
  for (int a = 0; a < actions; ++a) out[a] = sum(expected[a]);
}

void expected_differences(const double* probability, std::int64_t actions, std::int64_t states,
                          const double* values, double value, double* out) {
  std::int64_t a = 0;
  for (; a + kTileRows <= actions; a += kTileRows) {
    differences<kTileRows>(probability + a * states, states, values, value, out + a);
  }
  for (; a < actions; ++a) differences<1>(probability + a * states, states, values, value, out + a);
}

}  // namespace

namespace METARL_FAST_KERNEL_ISA {
extern const DenseSolver dense_solver;
const DenseSolver dense_solver = {eliminate_panel,  substitute_back, expected_differences,
                                  put_side_by_side, take_apart,      start_lanes,
                                  solve_lanes,      improve_lanes,   finish_lanes};
}  // namespace METARL_FAST_KERNEL_ISA

}  // namespace metarl_fast
