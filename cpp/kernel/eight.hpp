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

// Which of the eight something holds for.
struct WhichOfEight {
  Register<std::int64_t> part[kEightParts];
};

METARL_FAST_EIGHT WhichOfEight operator>(Eight a, Eight b) {
  WhichOfEight out;
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) out.part[k] = a.part[k] > b.part[k];
  return out;
}
METARL_FAST_EIGHT WhichOfEight operator<=(Eight a, Eight b) {
  WhichOfEight out;
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) out.part[k] = a.part[k] <= b.part[k];
  return out;
}
METARL_FAST_EIGHT WhichOfEight operator==(Eight a, Eight b) {
  WhichOfEight out;
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) out.part[k] = a.part[k] == b.part[k];
  return out;
}
METARL_FAST_EIGHT WhichOfEight operator&(WhichOfEight a, WhichOfEight b) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) a.part[k] &= b.part[k];
  return a;
}
METARL_FAST_EIGHT WhichOfEight operator|(WhichOfEight a, WhichOfEight b) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) a.part[k] |= b.part[k];
  return a;
}
METARL_FAST_EIGHT Eight where(WhichOfEight which, Eight then, Eight otherwise) {
#pragma GCC unroll 4
  for (int k = 0; k < kEightParts; ++k) {
    otherwise.part[k] = which.part[k] ? then.part[k] : otherwise.part[k];
  }
  return otherwise;
}
METARL_FAST_EIGHT Eight largest(Eight a, Eight b) { return where(b > a, b, a); }
METARL_FAST_EIGHT Eight smallest(Eight a, Eight b) { return where(a > b, b, a); }
METARL_FAST_EIGHT Eight size_of(Eight a) { return largest(a, all(0.0) - a); }

// Bit l is set where it holds for number l.
METARL_FAST_EIGHT unsigned bits(WhichOfEight which) {
#if defined(__AVX512F__)
  return _mm512_movepi64_mask(reinterpret_cast<__m512i>(which.part[0]));
#elif defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_pd(reinterpret_cast<__m256d>(which.part[0])) |
                               _mm256_movemask_pd(reinterpret_cast<__m256d>(which.part[1])) << 4);
#else
  unsigned found = 0;
#pragma GCC unroll 8
  for (int l = 0; l < 8; ++l) {
    found |= static_cast<unsigned>(which.part[l / kPartDoubles][l % kPartDoubles] & 1) << l;
  }
  return found;
#endif
}

#if defined(__AVX2__)
// Two rows' neighbours in one register; from memory, since crossing its middle costs more.
METARL_FAST_EIGHT __m256d two_of(const double* low, const double* high) {
  return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
}
#endif

// out[k * 8 + l] = factor rows[l][k] for the two columns from `first` on.
METARL_FAST_EIGHT void turn_columns(const double* const* rows, std::int64_t first, double factor,
                                    double* out) {
#if defined(__AVX2__)
  const __m256d scale = _mm256_set1_pd(factor);
#pragma GCC unroll 2
  for (int l = 0; l < 8; l += 4) {
    const __m256d even = _mm256_mul_pd(two_of(rows[l] + first, rows[l + 2] + first), scale);
    const __m256d odd = _mm256_mul_pd(two_of(rows[l + 1] + first, rows[l + 3] + first), scale);
    _mm256_storeu_pd(out + l, _mm256_unpacklo_pd(even, odd));
    _mm256_storeu_pd(out + 8 + l, _mm256_unpackhi_pd(even, odd));
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

// The way back: rows[l][k] = from[k * 8 + l] for the two columns from `first` on.
METARL_FAST_EIGHT void turn_back(const double* from, std::int64_t first, double* const* rows) {
#if defined(__AVX2__)
#pragma GCC unroll 2
  for (int l = 0; l < 8; l += 4) {
    const __m256d left = _mm256_loadu_pd(from + l);
    const __m256d right = _mm256_loadu_pd(from + 8 + l);
    const __m256d even = _mm256_unpacklo_pd(left, right);
    const __m256d odd = _mm256_unpackhi_pd(left, right);
    _mm_storeu_pd(rows[l] + first, _mm256_castpd256_pd128(even));
    _mm_storeu_pd(rows[l + 1] + first, _mm256_castpd256_pd128(odd));
    _mm_storeu_pd(rows[l + 2] + first, _mm256_extractf128_pd(even, 1));
    _mm_storeu_pd(rows[l + 3] + first, _mm256_extractf128_pd(odd, 1));
  }
#else
#pragma GCC unroll 8
  for (int l = 0; l < 8; ++l) {
    *reinterpret_cast<UnalignedDoubles*>(rows[l] + first) = Register<double>{from[l], from[8 + l]};
  }
#endif
}

}  // namespace metarl_fast
