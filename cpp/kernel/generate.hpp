// SPDX-License-Identifier: MIT
// Drawing tasks of the uniform law for all lanes at once: their generation would otherwise cost more than
// learning. TaskDistribution says the same for one task.
#pragma once

#include <cstring>

#include "../elementary.hpp"
#include "../rng.hpp"
#include "kernel.hpp"
#include "primitives.hpp"

namespace metarl_fast {
namespace {

// Calls `use(k, lane, numbers)` with registers of the numbers begin + k of a row of indexed numbers, k from 0
// to count-1, and one more if count is odd; begin is even. Two registers advance together: one alone would
// wait for its own chain.
template <class Use>
void draw_indexed(const std::uint32_t (*key)[kLanes], std::uint32_t row, std::int64_t begin,
                  std::int64_t count, const Use& use) {
  using Word = Register<std::uint32_t>;
  constexpr int kWidth = kRegisterBytes / 4;
  constexpr int kGroup = 2;
  static_assert(kLanes % (kGroup * kWidth) == 0);
  for (int first = 0; first < kLanes; first += kGroup * kWidth) {
    Word keys[kGroup][2];
    for (int g = 0; g < kGroup; ++g) {
      for (int word = 0; word < 2; ++word) keys[g][word] = load(key[word] + first + g * kWidth);
    }
    for (std::int64_t k = 0; k < count; k += 2) {
#pragma GCC unroll 2
      for (int g = 0; g < kGroup; ++g) {
        Word x0 = Word{} + static_cast<std::uint32_t>((begin + k) >> 1);
        Word x1 = Word{} + row;
        threefry2x32<Word>(x0, x1, keys[g][0], keys[g][1]);
        use(k, first + g * kWidth, x0);
        use(k + 1, first + g * kWidth, x1);
      }
    }
  }
}

// Weights [S][kLanes], with room for one more, and the sum of each lane's.
void draw_weights(const std::uint32_t (*key)[kLanes], std::uint32_t pair, std::int64_t states,
                  std::int32_t (*weight)[kLanes], std::int32_t* total) {
  using Word = Register<std::int32_t>;
  constexpr int kWidth = kRegisterBytes / 4;
  draw_indexed(key, pair, 0, states, [weight](std::int64_t k, int lane, Register<std::uint32_t> number) {
    store(weight[k] + lane, reinterpret_cast<Word>(number >> 8));
  });
  for (int lane = 0; lane < kLanes; lane += kWidth) {
    Word sum = {};
    for (std::int64_t k = 0; k < states; ++k) sum += load(weight[k] + lane);
    store(total + lane, sum);
  }
}

// The cumulative sums of weight / total in double, rounded: [S - 1][kLanes].
template <class Real>
void accumulate(const std::int32_t (*weight)[kLanes], const std::int32_t* total, std::int64_t states,
                Real (*threshold)[kLanes]) {
  using Doubles = Register<double>;
  constexpr int kWidth = kRegisterBytes / 8;
  constexpr int kGroup = 4;
  for (int first = 0; first < kLanes; first += kGroup * kWidth) {
    Doubles scale[kGroup];
    Doubles cumulative[kGroup] = {};
#pragma GCC unroll 4
    for (int g = 0; g < kGroup; ++g) scale[g] = 1.0 / widen(total + first + g * kWidth);
    for (std::int64_t k = 0; k + 1 < states; ++k) {
#pragma GCC unroll 4
      for (int g = 0; g < kGroup; ++g) {
        cumulative[g] += widen(weight[k] + first + g * kWidth) * scale[g];
        store_as(threshold[k] + first + g * kWidth, cumulative[g]);
      }
    }
  }
}

// One row in a million ends in a weight of zero; it is written out by the rule, one lane at a time.
template <class Real>
void write_row_by_rule(const UniformTasks<Real>& tasks, const std::int32_t (*weight)[kLanes],
                       std::int32_t total, int lane, Real* fine, Real* coarse) {
  double probability[kLongestUniformRow];
  const double scale = 1.0 / static_cast<double>(total == 0 ? 1 : total);
  for (std::int64_t k = 0; k < tasks.states; ++k)
    probability[k] = static_cast<double>(weight[k][lane]) * scale;
  if (total == 0) probability[0] = 1.0;
  write_thresholds(probability, tasks.states, tasks.row, fine, coarse);
}

// Hands `columns` columns of a tile to the lanes' rows at `out`.
template <class Real>
void store_columns(const Real (*tile)[kLanes], std::int64_t columns, int lanes, Real* out,
                   std::int64_t distance) {
  std::int64_t k = 0;
  for (; k + 8 <= columns; k += 8) store_rows(tile + k, lanes, out + k, distance);
  for (; k < columns; ++k) {
    Real* to = out + k;
#pragma GCC unroll 8
    for (int l = 0; l < lanes; ++l, to += distance) *to = tile[k][l];
  }
}

template <class Real>
void draw_rows(UniformTasks<Real>& tasks) {
  alignas(64) std::int32_t weight[kLongestUniformRow + 1][kLanes];
  alignas(64) Real threshold[kLongestUniformRow][kLanes];
  alignas(64) Real coarse[8][kLanes];
  static_assert(Row::for_outcomes(kLongestUniformRow).coarse <= 8);
  alignas(64) std::int32_t total[kLanes];
  const Row row = tasks.row;
  const std::int64_t last = tasks.states - 1;
  for (int l = 0; l < kLanes; ++l) {
    for (std::int64_t k = last; k < row.fine; ++k) threshold[k][l] = 2;
  }
  for (Real(&column)[kLanes] : coarse) {
    for (Real& value : column) value = 2;
  }
  for (std::int64_t pair = tasks.begin; pair < tasks.end; ++pair) {
    draw_weights(tasks.weight_key, static_cast<std::uint32_t>(pair), tasks.states, weight, total);
    accumulate(weight, total, tasks.states, threshold);
    Real* fine_row = tasks.thresholds + pair * row.fine;
    Real* coarse_row = tasks.coarse + pair * row.coarse;
    store_columns(threshold, last, tasks.active, fine_row, tasks.lane_pairs * row.fine);
    if (row.coarse > 0) {
      for (std::int64_t k = 0; 16 * k < row.fine; ++k) {
        std::memcpy(coarse[k], threshold[16 * k + 15], sizeof coarse[k]);
      }
      store_columns(coarse, row.coarse, tasks.active, coarse_row, tasks.lane_pairs * row.coarse);
    }
    std::int32_t some_end_in_zero = 0;
#pragma omp simd reduction(| : some_end_in_zero)
    for (int l = 0; l < kLanes; ++l) some_end_in_zero |= weight[last][l] == 0;
    for (int l = 0; some_end_in_zero && l < tasks.active; ++l) {
      if (weight[last][l] != 0) continue;
      write_row_by_rule(tasks, weight, total[l], l, fine_row + l * tasks.lane_pairs * row.fine,
                        coarse_row + l * tasks.lane_pairs * row.coarse);
    }
  }
}

template <class Real>
void draw_rewards(UniformTasks<Real>& tasks) {
  alignas(64) std::uint32_t numbers[8][kLanes];
  alignas(64) Real rewards[8][kLanes];
  const double a = tasks.reward_a;
  const double b = tasks.reward_b;
  for (std::int64_t pair = tasks.begin; pair < tasks.end; pair += 8) {
    const std::int64_t count = tasks.end - pair < 8 ? tasks.end - pair : 8;
    draw_indexed(tasks.reward_key, 0, pair, count,
                 [&numbers](std::int64_t k, int lane, Register<std::uint32_t> number) {
                   store(numbers[k] + lane, number);
                 });
    for (std::int64_t k = 0; k < count; ++k) {
      if (tasks.normal_rewards) {
#pragma omp simd
        for (int l = 0; l < kLanes; ++l) {
          rewards[k][l] = static_cast<Real>(a + b * normal_quantile_32(open_unit(numbers[k][l]))) + Real{0};
        }
      } else {
#pragma omp simd
        for (int l = 0; l < kLanes; ++l) {
          rewards[k][l] = static_cast<Real>(a + (b - a) * unit(numbers[k][l], double{})) + Real{0};
        }
      }
    }
    store_columns(rewards, count, tasks.active, tasks.rewards + pair, tasks.lane_pairs);
  }
}

template <class Real>
void draw_tasks(UniformTasks<Real>& tasks) {
  if (tasks.thresholds != nullptr) draw_rows(tasks);
  if (tasks.rewards != nullptr) draw_rewards(tasks);
}

}  // namespace
}  // namespace metarl_fast
