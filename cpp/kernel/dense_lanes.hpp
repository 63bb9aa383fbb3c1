// SPDX-License-Identifier: MIT
// Small dense tasks, eight side by side: elimination and look-ahead, each lane by the same operations as
// alone.
#pragma once

#include <limits>

#include "../solvers/dense_solver.hpp"
#include "eight.hpp"

namespace metarl_fast {
namespace {

constexpr int kColumns = 4;  // of a system, at a time: as many sums as registers hold

// Actions at a time, for the same reason.
#if defined(__AVX512F__)
constexpr std::int64_t kActions = 8;
#elif defined(__AVX2__)
constexpr std::int64_t kActions = 5;
#else
constexpr std::int64_t kActions = 3;
#endif

void put_side_by_side(const double* const* rows, std::int64_t n, double factor, double* out) {
  std::int64_t i = 0;
  for (; i + 2 <= n; i += 2) turn_columns(rows, i, factor, out + i * kSideBySide);
  for (; i < n; ++i) {
    for (int l = 0; l < kSideBySide; ++l) out[i * kSideBySide + l] = factor * rows[l][i];
  }
}

void take_apart(const double* lanes, std::int64_t n, double* const* rows) {
  std::int64_t i = 0;
  for (; i + 2 <= n; i += 2) turn_back(lanes + i * kSideBySide, i, rows);
  for (; i < n; ++i) {
    for (int l = 0; l < kSideBySide; ++l) rows[l][i] = lanes[i * kSideBySide + l];
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

// q[a] = r + discount sum_j p(j) (values(j) - from) - rest for so many actions of a state, j increasing.
template <std::int64_t actions>
[[gnu::always_inline]] inline void look_ahead(const DenseLanes& t, std::int64_t pair, const double* values,
                                              Eight from, Eight rest, double* q) {
  const double* const rows = t.probability + pair * t.states * 8;
  Eight expected[actions];
#pragma GCC unroll 8
  for (std::int64_t a = 0; a < actions; ++a) expected[a] = all(0.0);
  for (std::int64_t j = 0; j < t.states; ++j) {
    const Eight difference = load_eight(values + j * 8) - from;
#pragma GCC unroll 8
    for (std::int64_t a = 0; a < actions; ++a) {
      expected[a] = expected[a] + load_eight(rows + (a * t.states + j) * 8) * difference;
    }
  }
#pragma GCC unroll 8
  for (std::int64_t a = 0; a < actions; ++a) {
    store_eight(q + a * 8, load_eight(t.reward + (pair + a) * 8) + all(t.discount) * expected[a] - rest);
  }
}

// The same for 1 to `most` actions.
template <std::int64_t most>
[[gnu::always_inline]] inline void look_ahead_any(const DenseLanes& t, std::int64_t actions,
                                                  std::int64_t pair, const double* values, Eight from,
                                                  Eight rest, double* q) {
  if constexpr (most > 1) {
    if (actions < most) return look_ahead_any<most - 1>(t, actions, pair, values, from, rest, q);
  }
  look_ahead<most>(t, pair, values, from, rest, q);
}

// For all actions of a state, in groups as even as they come: a sum alone waits for itself.
[[gnu::always_inline]] inline void look_ahead_all(const DenseLanes& t, std::int64_t s, const double* values,
                                                  Eight from, Eight rest, double* q) {
  std::int64_t groups = (t.actions + kActions - 1) / kActions;
  for (std::int64_t a = 0; a < t.actions; --groups) {
    const std::int64_t n = (t.actions - a + groups - 1) / groups;
    look_ahead_any<kActions>(t, n, s * t.actions + a, values, from, rest, q + a * 8);
    a += n;
  }
}

struct BestAction {
  Eight value;
  Eight action;  // the first that has it
};

[[gnu::always_inline]] inline BestAction best_of(const double* q, std::int64_t actions) {
  BestAction best{load_eight(q), all(0.0)};
  for (std::int64_t a = 1; a < actions; ++a) {
    const Eight value = load_eight(q + a * 8);
    const WhichOfEight better = value > best.value;
    best.value = where(better, value, best.value);
    best.action = where(better, all(static_cast<double>(a)), best.action);
  }
  return best;
}

// The best action goes to `policy`, and what it is worth, less `rest`, to `values`.
[[gnu::always_inline]] inline void sweep_state(const DenseLanes& t, std::int64_t s, Eight rest) {
  double* const q = t.advantage + s * t.actions * 8;
  look_ahead_all(t, s, t.values, all(0.0), rest, q);
  const BestAction best = best_of(q, t.actions);
  store_eight(t.policy + s * 8, best.action);
  store_eight(t.values + s * 8, best.value);
}

// Relative value iteration (White 1963), in place: values less what all states have in common, or nearly so,
// lest those that a sweep has been at already look better than the others.
void start_lanes(const DenseLanes& t, const double* const* probability, const double* const* rewards,
                 int sweeps) {
  put_side_by_side(rewards, t.states * t.actions, 1.0, t.reward);
  Eight mean = all(0.0);
  for (std::int64_t s = 0; s < t.states; ++s) {
    const Eight largest_reward = best_of(t.reward + s * t.actions * 8, t.actions).value;
    store_eight(t.values + s * 8, largest_reward);
    mean = mean + all(1.0 / static_cast<double>(t.states)) * largest_reward;
  }
  for (std::int64_t s = 0; s < t.states; ++s) {
    store_eight(t.values + s * 8, load_eight(t.values + s * 8) - mean);
  }
  const std::int64_t n = t.actions * t.states;
  const double* rows[kSideBySide];
  for (std::int64_t s = 0; s < t.states; ++s) {  // each state's rows are used while they are near
    for (int l = 0; l < kSideBySide; ++l) rows[l] = probability[l] + s * n;
    put_side_by_side(rows, n, 1.0, t.probability + s * n * 8);
    sweep_state(t, s, mean);
  }
  for (int sweep = 1; sweep < sweeps; ++sweep) {
    for (std::int64_t s = 0; s < t.states; ++s) sweep_state(t, s, mean);
  }
}

void improve_lanes(const DenseLanes& t) {
  Eight largest_value = all(0.0);
  for (std::int64_t s = 0; s < t.states; ++s) {
    const Eight value = load_eight(t.values + s * 8);
    largest_value = largest(largest_value, size_of(value));
    double* const advantage = t.advantage + s * t.actions * 8;
    look_ahead_all(t, s, t.values, value, all(1.0 - t.discount) * value, advantage);
    const Eight policy = load_eight(t.policy + s * 8);
    Eight best = load_eight(advantage);
    Eight own = best;
    for (std::int64_t a = 1; a < t.actions; ++a) {
      const Eight other = load_eight(advantage + a * 8);
      best = largest(best, other);
      own = where(policy == all(static_cast<double>(a)), other, own);
    }
    t.better[s] = static_cast<std::uint8_t>(bits(best > own));
  }
  store_eight(t.largest_value, largest_value);
}

// As `finish` (improvement.hpp), where it is plain which actions are best; `odd` says where it is not.
void finish_lanes(const DenseLanes& t) {
  const Eight unit = load_eight(t.unit);
  const Eight largest_terms = load_eight(t.largest_reward) + load_eight(t.largest_value);
  constexpr double kLargest = std::numeric_limits<double>::max();  // beyond are actions not available
  Eight low = load_eight(t.values);
  Eight high = low;
  Eight residual = all(0.0);
  for (std::int64_t s = 0; s < t.states; ++s) {
    const double* const advantage = t.advantage + s * t.actions * 8;
    double* const q = t.q_values + s * t.actions * 8;
    const Eight value = load_eight(t.values + s * 8);
    const Eight size = size_of(value);
    const BestAction best = best_of(advantage, t.actions);
    const Eight near = all(t.near) * (largest_terms + size);
    Eight least = best.value;
    for (std::int64_t a = 0; a < t.actions; ++a) least = smallest(least, load_eight(advantage + a * 8));
    const Eight most = best.value - least;
    // What is worth less than half of the best is more accurate as a sum of its own.
    if (bits(most + most > size) != 0) look_ahead_all(t, s, t.values, all(0.0), all(0.0), q);
    WhichOfEight plain = value == value;
    for (std::int64_t a = 0; a < t.actions; ++a) {
      const Eight gap = best.value - load_eight(advantage + a * 8);
      const Eight worth = where(gap + gap > size, load_eight(q + a * 8), value - gap);
      const WhichOfEight equal = gap == all(0.0);
      plain = plain & (equal | ((gap > near) & (gap <= all(kLargest)) & (value > worth)));
      store_eight(q + a * 8, where(equal, value, worth) * unit);
    }
    low = smallest(low, value);
    high = largest(high, value);
    residual = largest(residual, size_of(best.value));
    store_eight(t.policy + s * 8, best.action);
    store_eight(t.next + s * 8, value * unit);
    t.odd[s] = static_cast<std::uint8_t>(~bits(plain));
  }
  store_eight(t.low, low);
  store_eight(t.high, high);
  store_eight(t.residual, residual);
}

}  // namespace
}  // namespace metarl_fast
