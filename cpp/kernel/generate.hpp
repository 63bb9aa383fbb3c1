// SPDX-License-Identifier: MIT
// Drawing tasks for all lanes at once, for families whose generation would otherwise cost more than learning.
#pragma once

#include "kernel.hpp"
#include "primitives.hpp"

namespace metarl_fast {

// Weights [S][kLanes], and the sum of each lane's.
static inline void draw_weights(UniformRows& rows, std::int32_t (*weight)[kLanes], std::int32_t* total) {
  using Word = Register<std::uint32_t>;
  constexpr int kWidth = kRegisterBytes / 4;
  for (int l = 0; l < kLanes; l += kWidth) {
    Word s0 = load(rows.rng[0] + l);
    Word s1 = load(rows.rng[1] + l);
    Word s2 = load(rows.rng[2] + l);
    Word s3 = load(rows.rng[3] + l);
    Word sum = {};
    for (std::int64_t k = 0; k < rows.states; ++k) {
      const Word drawn = xoshiro_next(s0, s1, s2, s3) >> 8;
      sum += drawn;
      store(weight[k] + l, reinterpret_cast<Register<std::int32_t>>(drawn));
    }
    store(total + l, reinterpret_cast<Register<std::int32_t>>(sum));
    store(rows.rng[0] + l, s0);
    store(rows.rng[1] + l, s1);
    store(rows.rng[2] + l, s2);
    store(rows.rng[3] + l, s3);
  }
}

// Half a register of 4-byte numbers becomes a whole one of doubles.
template <class T>
struct HalfRegisterOf {
  typedef T type __attribute__((vector_size(kRegisterBytes / 2)));
};

// The cumulative sums of weight / total in double, rounded to float: [S - 1][kLanes].
static inline void accumulate(const std::int32_t (*weight)[kLanes], const std::int32_t* total,
                              std::int64_t states, float (*threshold)[kLanes]) {
  using Doubles = Register<double>;
  using HalfInts = HalfRegisterOf<std::int32_t>::type;
  using HalfFloats = HalfRegisterOf<float>::type;
  constexpr int kWidth = kRegisterBytes / 8;
  for (int l = 0; l < kLanes; l += kWidth) {
    const Doubles sum = __builtin_convertvector(*reinterpret_cast<const HalfInts*>(total + l), Doubles);
    const Doubles scale = 1.0 / sum;
    Doubles cumulative = {};
    for (std::int64_t k = 0; k + 1 < states; ++k) {
      const HalfInts drawn = *reinterpret_cast<const HalfInts*>(weight[k] + l);
      cumulative += __builtin_convertvector(drawn, Doubles) * scale;
      *reinterpret_cast<HalfFloats*>(threshold[k] + l) = __builtin_convertvector(cumulative, HalfFloats);
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
  alignas(64) std::int32_t total[kLanes];
  const std::int64_t last = rows.states - 1;
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
    for (int l = 0; l < rows.active; ++l) {
      if (weight[last][l] == 0) write_row_by_rule(rows, weight, total[l], l, row + l * rows.lane_cells);
    }
    if (rows.row.coarse == 0) continue;
    for (int l = 0; l < rows.active; ++l) write_coarse(rows.row, row + l * rows.lane_cells);
  }
}

}  // namespace metarl_fast
