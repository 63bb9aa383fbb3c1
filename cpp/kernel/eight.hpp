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

// ((e0 + e4) + (e2 + e6)) + ((e1 + e5) + (e3 + e7))
METARL_FAST_EIGHT double sum(Eight x) {
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const __m512d e = reinterpret_cast<__m512d>(x.part[0]);
  const __m256d fours = _mm256_add_pd(_mm512_castpd512_pd256(e), _mm512_extractf64x4_pd(e, 1));
#else
  const __m256d fours = reinterpret_cast<__m256d>(x.part[0] + x.part[1]);
#endif
  const __m128d twos = _mm_add_pd(_mm256_castpd256_pd128(fours), _mm256_extractf128_pd(fours, 1));
  return _mm_cvtsd_f64(twos) + _mm_cvtsd_f64(_mm_unpackhi_pd(twos, twos));
#else
  const Register<double> twos = (x.part[0] + x.part[2]) + (x.part[1] + x.part[3]);
  return twos[0] + twos[1];
#endif
}

// out[k * 8 + l] = factor rows[l][k] for kTurned columns k.
constexpr int kTurned = kRegisterBytes == 16 ? 2 : 4;
METARL_FAST_EIGHT void turn_columns(const double* const* rows, std::int64_t first, double factor,
                                    double* out) {
#if defined(__AVX2__)
  const __m256d scale = _mm256_set1_pd(factor);
#pragma GCC unroll 2
  for (int l = 0; l < 8; l += 4) {
    __m256d row[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) row[r] = _mm256_mul_pd(_mm256_loadu_pd(rows[l + r] + first), scale);
    const __m256d low01 = _mm256_unpacklo_pd(row[0], row[1]);
    const __m256d high01 = _mm256_unpackhi_pd(row[0], row[1]);
    const __m256d low23 = _mm256_unpacklo_pd(row[2], row[3]);
    const __m256d high23 = _mm256_unpackhi_pd(row[2], row[3]);
    _mm256_storeu_pd(out + l, _mm256_permute2f128_pd(low01, low23, 0x20));
    _mm256_storeu_pd(out + 8 + l, _mm256_permute2f128_pd(high01, high23, 0x20));
    _mm256_storeu_pd(out + 16 + l, _mm256_permute2f128_pd(low01, low23, 0x31));
    _mm256_storeu_pd(out + 24 + l, _mm256_permute2f128_pd(high01, high23, 0x31));
  }
#else
#pragma GCC unroll 4
  for (int l = 0; l < 8; l += 2) {
    const Register<double> a = *reinterpret_cast<const UnalignedDoubles*>(rows[l] + first) * factor;
    const Register<double> b = *reinterpret_cast<const UnalignedDoubles*>(rows[l + 1] + first) * factor;
    *reinterpret_cast<UnalignedDoubles*>(out + l) = Register<double>{a[0], b[0]};
    *reinterpret_cast<UnalignedDoubles*>(out + 8 + l) = Register<double>{a[1], b[1]};
  }
#endif
}

}  // namespace metarl_fast
