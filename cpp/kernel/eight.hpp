// SPDX-License-Identifier: MIT
// Eight doubles in as many registers as they need. Each of the eight is computed alone and sums over them run
// in one fixed tree, so that every instruction set gives the same bits.
#pragma once

#include <cstdint>

#include "primitives.hpp"

namespace metarl_fast {

constexpr int kEightParts = 64 / kRegisterBytes;
constexpr int kPartDoubles = 8 / kEightParts;

struct Eight {
  Register<double> part[kEightParts];
};

// The same registers from and to memory that begins anywhere.
typedef double UnalignedDoubles __attribute__((vector_size(kRegisterBytes), may_alias, aligned(8)));

#define METARL_FAST_EIGHT [[gnu::always_inline]] static inline

METARL_FAST_EIGHT Eight all(double x) {
  Eight out;
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) out.part[k] = x - Register<double>{};
  return out;
}
METARL_FAST_EIGHT Eight load_eight(const double* from) {
  Eight out;
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) {
    out.part[k] = *reinterpret_cast<const UnalignedDoubles*>(from + k * kPartDoubles);
  }
  return out;
}
METARL_FAST_EIGHT void store_eight(double* to, Eight x) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) {
    *reinterpret_cast<UnalignedDoubles*>(to + k * kPartDoubles) = x.part[k];
  }
}
METARL_FAST_EIGHT Eight operator+(Eight a, Eight b) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) a.part[k] += b.part[k];
  return a;
}
METARL_FAST_EIGHT Eight operator-(Eight a, Eight b) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) a.part[k] -= b.part[k];
  return a;
}
METARL_FAST_EIGHT Eight operator*(Eight a, Eight b) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) a.part[k] *= b.part[k];
  return a;
}
METARL_FAST_EIGHT Eight operator/(Eight a, Eight b) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) a.part[k] /= b.part[k];
  return a;
}

// The first n of eight, n < 8, and zeros: nothing behind them is read.
METARL_FAST_EIGHT Eight load_first(const double* from, std::int64_t n) {
  alignas(64) double first[8] = {};
  for (std::int64_t k = 0; k < n; ++k) first[k] = from[k];
  return load_eight(first);
}

METARL_FAST_EIGHT double sum(Eight x) {
  alignas(64) double e[8];
  store_eight(e, x);
  return ((e[0] + e[4]) + (e[2] + e[6])) + ((e[1] + e[5]) + (e[3] + e[7]));
}

}  // namespace metarl_fast
