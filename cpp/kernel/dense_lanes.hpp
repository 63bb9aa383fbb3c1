// SPDX-License-Identifier: MIT
// Small dense tasks, eight side by side: elimination and look-ahead, each lane by the same operations as
// alone.
#pragma once

#include "../solvers/dense_solver.hpp"
#include "eight.hpp"

namespace metarl_fast {
namespace {

constexpr int kColumns = 4;  // or actions, at a time: as many sums as registers hold

METARL_FAST_EIGHT Eight where_greater(Eight a, Eight b, Eight then, Eight otherwise) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) {
    otherwise.part[k] = a.part[k] > b.part[k] ? then.part[k] : otherwise.part[k];
  }
  return otherwise;
}
METARL_FAST_EIGHT Eight where_equal(Eight a, Eight b, Eight then, Eight otherwise) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) {
    otherwise.part[k] = a.part[k] == b.part[k] ? then.part[k] : otherwise.part[k];
  }
  return otherwise;
}

void put_side_by_side(const double* const* rows, std::int64_t n, double factor, double* out) {
  std::int64_t i = 0;
  for (; i + kTurned <= n; i += kTurned) turn_columns(rows, i, factor, out + i * kSideBySide);
  for (; i < n; ++i) {
    for (int l = 0; l < kSideBySide; ++l) out[i * kSideBySide + l] = factor * rows[l][i];
  }
}

// Row i of the factor after the states before it are eliminated: a(i, j) + sum_k a(i, k) a(k, j), k
// increasing.
[[gnu::always_inline]] inline void eliminate_row(const DenseLanes& t, std::int64_t i) {
  const double* const given = t.system + i * t.width * 8;
  double* const row = t.factor + i * t.width * 8;
  for (std::int64_t j = 0; j < t.width; j += kColumns) {
    Eight x[kColumns];
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) x[c] = load_eight(given + (j + c) * 8);
    const std::int64_t before = j < i ? j : i;
    for (std::int64_t k = 0; k < before; ++k) {
      const Eight factor = load_eight(row + k * 8);
      const double* const other = t.factor + (k * t.width + j) * 8;
#pragma GCC unroll 4
      for (int c = 0; c < kColumns; ++c) x[c] = x[c] + factor * load_eight(other + c * 8);
    }
#pragma GCC unroll 4
    for (int k = 0; k < kColumns; ++k) {
      store_eight(row + (j + k) * 8, x[k]);
      if (j + k >= i) continue;
      const double* const other = t.factor + ((j + k) * t.width + j) * 8;
#pragma GCC unroll 4
      for (int c = k + 1; c < kColumns; ++c) x[c] = x[c] + x[k] * load_eight(other + c * 8);
    }
  }
}

void solve_lanes(const DenseLanes& t) {
  const std::int64_t last = t.width - 1;
  for (std::int64_t i = 0; i < t.states; ++i) {
    eliminate_row(t, i);
    double* const row = t.factor + i * t.width * 8;
    Eight even = all(0.0);
    Eight odd = all(0.0);
    std::int64_t j = i + 1;
    for (; j + 1 < last; j += 2) {
      even = even + load_eight(row + j * 8);
      odd = odd + load_eight(row + (j + 1) * 8);
    }
    if (j < last) even = even + load_eight(row + j * 8);
    const Eight scale = all(1.0) / (even + odd);
    for (j = i + 1; j < t.width; ++j) store_eight(row + j * 8, load_eight(row + j * 8) * scale);
  }
  for (std::int64_t k = t.states - 1; k >= 0; --k) {
    const double* const row = t.factor + k * t.width * 8;
    Eight even = load_eight(row + last * 8);
    Eight odd = all(0.0);
    std::int64_t j = k + 1;
    for (; j + 1 < t.states; j += 2) {
      even = even + load_eight(row + j * 8) * load_eight(t.values + j * 8);
      odd = odd + load_eight(row + (j + 1) * 8) * load_eight(t.values + (j + 1) * 8);
    }
    if (j < t.states) even = even + load_eight(row + j * 8) * load_eight(t.values + j * 8);
    store_eight(t.values + k * 8, even + odd);
  }
}

// expected[c] = sum_j p(s, a + c, j) values(j), j increasing.
template <int actions>
[[gnu::always_inline]] inline void expect(const DenseLanes& t, const double* rows, const double* values,
                                          Eight (&expected)[kColumns]) {
#pragma GCC unroll 4
  for (int c = 0; c < kColumns; ++c) expected[c] = all(0.0);
  for (std::int64_t j = 0; j < t.states; ++j) {
    const Eight value = load_eight(values + j * 8);
#pragma GCC unroll 4
    for (int c = 0; c < actions; ++c) {
      expected[c] = expected[c] + load_eight(rows + (c * t.states + j) * 8) * value;
    }
  }
}

// advantage(s, a) = r + discount sum_j p(j) values(j) - rest for all actions.
[[gnu::always_inline]] inline void look_ahead(const DenseLanes& t, std::int64_t s, const double* values,
                                              Eight rest) {
  const Eight discount = all(t.discount);
  for (std::int64_t a = 0; a < t.actions; a += kColumns) {
    const std::int64_t pair = s * t.actions + a;
    const std::int64_t left = t.actions - a;
    const double* const rows = t.probability + pair * t.states * 8;
    Eight expected[kColumns];
    if (left >= 4) {
      expect<4>(t, rows, values, expected);
    } else if (left == 3) {
      expect<3>(t, rows, values, expected);
    } else if (left == 2) {
      expect<2>(t, rows, values, expected);
    } else {
      expect<1>(t, rows, values, expected);
    }
    for (int c = 0; c < kColumns && c < left; ++c) {
      const Eight q = load_eight(t.reward + (pair + c) * 8) + discount * expected[c];
      store_eight(t.advantage + (pair + c) * 8, q - rest);
    }
  }
}

void improve_lanes(const DenseLanes& t) {
  const Eight excess = all(1.0 - t.discount);
  for (std::int64_t s = 0; s < t.states; ++s) {
    const Eight value = load_eight(t.values + s * 8);
    for (std::int64_t j = 0; j < t.states; ++j) {
      store_eight(t.difference + j * 8, load_eight(t.values + j * 8) - value);
    }
    look_ahead(t, s, t.difference, excess * value);
    const Eight policy = load_eight(t.policy + s * 8);
    Eight best = load_eight(t.advantage + s * t.actions * 8);
    Eight own = best;
    for (std::int64_t a = 1; a < t.actions; ++a) {
      const Eight advantage = load_eight(t.advantage + (s * t.actions + a) * 8);
      best = where_greater(advantage, best, advantage, best);
      own = where_equal(policy, all(static_cast<double>(a)), advantage, own);
    }
    alignas(64) double gain[8];
    store_eight(gain, best - own);
    unsigned better = 0;
    for (unsigned l = 0; l < 8; ++l) better |= static_cast<unsigned>(gain[l] > 0.0) << l;
    t.better[s] = static_cast<std::uint8_t>(better);
  }
}

void greedy_lanes(const DenseLanes& t) {
  for (std::int64_t s = 0; s < t.states; ++s) {
    look_ahead(t, s, t.values, all(0.0));
    Eight best = load_eight(t.advantage + s * t.actions * 8);
    Eight policy = all(0.0);
    for (std::int64_t a = 1; a < t.actions; ++a) {
      const Eight q = load_eight(t.advantage + (s * t.actions + a) * 8);
      policy = where_greater(q, best, all(static_cast<double>(a)), policy);
      best = where_greater(q, best, q, best);
    }
    store_eight(t.policy + s * 8, policy);
  }
}

}  // namespace
}  // namespace metarl_fast
