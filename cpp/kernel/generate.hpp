// SPDX-License-Identifier: MIT
// Drawing tasks for all lanes at once, for families whose generation would otherwise cost more than learning.
#pragma once

#include <cstring>

#include "kernel.hpp"
#include "primitives.hpp"

namespace metarl_fast {

// Weights [S][kLanes], and the sum of each lane's. All registers of lanes advance together: one alone would
// wait for the latency of its own chain.
static inline void draw_weights(UniformRows& rows, std::int32_t (*weight)[kLanes], std::int32_t* total) {
  using Word = Register<std::uint32_t>;
  constexpr int kWidth = kRegisterBytes / 4;
  constexpr int kGroup = 2;
  static_assert(kLanes % (kGroup * kWidth) == 0);
  for (int first = 0; first < kLanes; first += kGroup * kWidth) {
    Word s[kGroup][4];
    Word sum[kGroup] = {};
#pragma GCC unroll 2
    for (int g = 0; g < kGroup; ++g) {
      for (int word = 0; word < 4; ++word) s[g][word] = load(rows.rng[word] + first + g * kWidth);
    }
    for (std::int64_t k = 0; k < rows.states; ++k) {
#pragma GCC unroll 2
      for (int g = 0; g < kGroup; ++g) {
        const Word drawn = xoshiro_next(s[g][0], s[g][1], s[g][2], s[g][3]) >> 8;
        sum[g] += drawn;
        store(weight[k] + first + g * kWidth, reinterpret_cast<Register<std::int32_t>>(drawn));
      }
    }
#pragma GCC unroll 2
    for (int g = 0; g < kGroup; ++g) {
      store(total + first + g * kWidth, reinterpret_cast<Register<std::int32_t>>(sum[g]));
      for (int word = 0; word < 4; ++word) store(rows.rng[word] + first + g * kWidth, s[g][word]);
    }
  }
}

// The cumulative sums of weight / total in double, rounded to float: [S - 1][kLanes].
static inline void accumulate(const std::int32_t (*weight)[kLanes], const std::int32_t* total,
                              std::int64_t states, float (*threshold)[kLanes]) {
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
        store_narrow(threshold[k] + first + g * kWidth, cumulative[g]);
      }
    }
  }
}

// One row in a million ends in a weight of zero; it is written out by the rule, one lane at a time.
static inline void write_row_by_rule(const UniformRows& rows, const std::int32_t (*weight)[kLanes],
                                     std::int32_t total, int lane, float* thresholds) {
  double probability[kMostUniformStates];
  const double scale = 1.0 / static_cast<double>(total == 0 ? 1 : total);
  for (std::int64_t k = 0; k < rows.states; ++k)
    probability[k] = static_cast<double>(weight[k][lane]) * scale;
  if (total == 0) probability[0] = 1.0;
  write_thresholds(probability, rows.states, rows.row, thresholds);
}

static inline void write_uniform_rows(UniformRows& rows) {
  constexpr int kRoom = (kMostUniformStates + 16) / 16 * 16;
  alignas(64) std::int32_t weight[kRoom][kLanes];
  alignas(64) float threshold[kRoom][kLanes];
  alignas(64) float coarse[16][kLanes];
  alignas(64) std::int32_t total[kLanes];
  const std::int64_t last = rows.states - 1;
  for (float(&line)[kLanes] : coarse) {
    for (float& value : line) value = 2;
  }
  for (std::int64_t k = last; k < rows.row.fine; ++k) {
    for (int l = 0; l < kLanes; ++l) threshold[k][l] = 2;
  }
  for (std::int64_t pair = 0; pair < rows.pairs; ++pair) {
    float* row = rows.thresholds + pair * stride(rows.row);
    draw_weights(rows, weight, total);
    accumulate(weight, total, rows.states, threshold);
    for (std::int64_t k = 0; k < rows.row.fine; k += 8) {
      store_rows(threshold + k, rows.active, row + rows.row.coarse + k, rows.lane_cells);
    }
    for (std::int64_t k = 0; k < rows.row.coarse && 16 * k < rows.row.fine; ++k) {
      std::memcpy(coarse[k], threshold[16 * k + 15], sizeof coarse[k]);
    }
    for (std::int64_t k = 0; k < rows.row.coarse; k += 8) {
      store_rows(coarse + k, rows.active, row + k, rows.lane_cells);
    }
    for (int l = 0; l < rows.active; ++l) {
      if (weight[last][l] == 0) write_row_by_rule(rows, weight, total[l], l, row + l * rows.lane_cells);
    }
  }
}

}  // namespace metarl_fast
