// SPDX-License-Identifier: MIT
// The operations of the hot loop that compilers do not find by themselves. Each has a plain form, which
// is also the definition, and forms for the instruction sets that the including file is compiled for. All
// give the same bits: they only compare and move numbers.
#pragma once

#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "kernel.hpp"

namespace metarl_fast {

// Makes the compiler finish writing `lanes` to memory and forget it. It would rather take vectors apart in
// registers, at two to four instructions a lane where a load is free.
template <class T>
static inline void through_memory(T (&lanes)[kLanes]) {
  asm("" : "+m"(lanes));
}

// As many numbers as a register holds. Comparing two gives a mask of integers of the same size.
#if defined(__AVX512F__)
constexpr int kRegisterBytes = 64;
#elif defined(__AVX2__)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif
template <class T>
struct RegisterOf {
  typedef T type __attribute__((vector_size(kRegisterBytes), may_alias));
};
template <class T>
using Register = typename RegisterOf<T>::type;

template <class T>
static inline Register<T> load(const T* from) {
  return *reinterpret_cast<const Register<T>*>(from);
}
template <class T>
static inline void store(T* to, Register<T> values) {
  *reinterpret_cast<Register<T>*>(to) = values;
}

// As many 4-byte integers as a register holds doubles, converted.
static inline Register<double> widen(const std::int32_t* from) {
#if defined(__AVX512F__)
  return reinterpret_cast<Register<double>>(_mm512_cvtepi32_pd(*reinterpret_cast<const __m256i*>(from)));
#elif defined(__AVX2__)
  return reinterpret_cast<Register<double>>(_mm256_cvtepi32_pd(*reinterpret_cast<const __m128i*>(from)));
#else
  return Register<double>{static_cast<double>(from[0]), static_cast<double>(from[1])};
#endif
}

// Doubles, or doubles rounded to floats.
static inline void store_as(double* to, Register<double> values) { store(to, values); }
static inline void store_as(float* to, Register<double> values) {
#if defined(__AVX512F__)
  _mm256_store_ps(to, _mm512_cvtpd_ps(reinterpret_cast<__m512d>(values)));
#elif defined(__AVX2__)
  _mm_store_ps(to, _mm256_cvtpd_ps(reinterpret_cast<__m256d>(values)));
#else
  to[0] = static_cast<float>(values[0]);
  to[1] = static_cast<float>(values[1]);
#endif
}

// The first of N thresholds that exceeds u. They never fall, and the last one exceeds every u.
template <int N, class Real>
static inline std::int32_t first_above(const Real* thresholds, Real u) {
  std::int32_t count = 0;
  for (int k = 0; k < N; ++k) count += thresholds[k] <= u;
  return count;
}

// out[l] = table[index[l]] for all lanes, and back. Written out: a loop would cost as much again.
template <class T>
static inline void gather(const T* table, std::int32_t (&index)[kLanes], T (&out)[kLanes]) {
  through_memory(index);
#pragma GCC unroll 32
  for (int l = 0; l < kLanes; ++l) out[l] = table[index[l]];
}
template <class T>
static inline void scatter(T (&values)[kLanes], std::int32_t (&index)[kLanes], T* table) {
  through_memory(index);
  through_memory(values);
#pragma GCC unroll 32
  for (int l = 0; l < kLanes; ++l) table[index[l]] = values[l];
}

// floor(x n / 2^32), as `below` (rng.hpp).
static inline Register<std::uint32_t> below_all(Register<std::uint32_t> x, std::uint32_t n) {
#if defined(__AVX512F__)
  const __m512i words = reinterpret_cast<__m512i>(x);
  const __m512i factor = _mm512_set1_epi64(static_cast<long long>(n));
  const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(words, factor), 32);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(words, 32), factor);
  return reinterpret_cast<Register<std::uint32_t>>(_mm512_mask_blend_epi32(0xAAAA, even, odd));
#elif defined(__AVX2__)
  const __m256i words = reinterpret_cast<__m256i>(x);
  const __m256i factor = _mm256_set1_epi64x(static_cast<long long>(n));
  const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(words, factor), 32);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(words, 32), factor);
  return reinterpret_cast<Register<std::uint32_t>>(_mm256_blend_epi32(even, odd, 0xAA));
#else
  Register<std::uint32_t> found;
  for (int k = 0; k < kRegisterBytes / 4; ++k) {
    found[k] = static_cast<std::uint32_t>((std::uint64_t{x[k]} * n) >> 32);
  }
  return found;
#endif
}

// Whether any number is not 0.
static inline bool any_set(Register<std::int32_t> numbers) {
#if defined(__AVX512F__)
  const __m512i words = reinterpret_cast<__m512i>(numbers);
  return _mm512_test_epi32_mask(words, words) != 0;
#elif defined(__AVX2__)
  const __m256i words = reinterpret_cast<__m256i>(numbers);
  return !_mm256_testz_si256(words, words);
#else
  std::int32_t any = 0;
  for (int k = 0; k < kRegisterBytes / 4; ++k) any |= numbers[k];
  return any != 0;
#endif
}

// Bit l is set where lane l's number is not 0.
static inline std::uint32_t lanes_set(const std::int32_t* numbers) {
  std::uint32_t bits = 0;
#if defined(__AVX512F__)
  for (int l = 0; l < kLanes; l += 16) {
    const __m512i words = _mm512_load_si512(numbers + l);
    bits |= static_cast<std::uint32_t>(_mm512_test_epi32_mask(words, words)) << l;
  }
#elif defined(__AVX2__)
  for (int l = 0; l < kLanes; l += 8) {
    const __m256i words = _mm256_load_si256(reinterpret_cast<const __m256i*>(numbers + l));
    const __m256i zero = _mm256_cmpeq_epi32(words, _mm256_setzero_si256());
    bits |= (~static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(zero))) & 0xFFu) << l;
  }
#else
  for (int l = 0; l < kLanes; ++l) bits |= static_cast<std::uint32_t>(numbers[l] != 0) << l;
#endif
  return bits;
}

// Calls `use(lane)` for each bit that is set.
template <class Use>
static inline void for_each_lane(std::uint32_t bits, const Use& use) {
  for (; bits != 0; bits &= bits - 1) use(__builtin_ctz(bits));
}

// Eight columns of the rows table + offset[l], turned so that tile[k] holds the k-th entries of all rows.
template <class Real>
static inline void load_tile(const Real* table, const std::int32_t* offset, Real (*tile)[kLanes]) {
  for (int l = 0; l < kLanes; ++l) {
    for (int k = 0; k < 8; ++k) tile[k][l] = table[offset[l] + k];
  }
}

// The way back: tile[0..7][l] become eight neighbours at out + l * distance, for the first `lanes` lanes.
template <class Real>
static inline void store_rows_plain(const Real (*tile)[kLanes], int first, int lanes, Real* out,
                                    std::int64_t distance) {
  for (int l = first; l < lanes; ++l) {
    for (int k = 0; k < 8; ++k) out[l * distance + k] = tile[k][l];
  }
}

template <class Real>
static inline void store_rows(const Real (*tile)[kLanes], int lanes, Real* out, std::int64_t distance) {
  store_rows_plain(tile, 0, lanes, out, distance);
}

// The largest of eight columns of each row. (Which of +0 and -0 is larger is left open.)
template <class Real>
static inline void row_maxima(const Real* table, const std::int32_t* offset, Real* maxima) {
  for (int l = 0; l < kLanes; ++l) {
    const Real* row = table + offset[l];
    Real largest = row[0];
    for (int k = 1; k < 8; ++k) largest = row[k] > largest ? row[k] : largest;
    maxima[l] = largest;
  }
}

// The first of eight numbers that is as large as any.
template <class Real>
static inline std::int32_t first_largest(const Real* row) {
  std::int32_t best = 0;
  for (std::int32_t k = 1; k < 8; ++k) best = row[k] > row[best] ? k : best;
  return best;
}

#ifdef __AVX2__

template <>
inline std::int32_t first_largest<float>(const float* row) {
  const __m256 values = _mm256_load_ps(row);
  __m256 largest = _mm256_max_ps(values, _mm256_permute2f128_ps(values, values, 1));
  largest = _mm256_max_ps(largest, _mm256_permute_ps(largest, 0x4E));
  largest = _mm256_max_ps(largest, _mm256_permute_ps(largest, 0xB1));
  return __builtin_ctz(static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(values, largest, _CMP_EQ_OQ))));
}

// Bit k is set where threshold k exceeds u.
template <int N>
static inline unsigned above(const float* thresholds, float u) {
  if constexpr (N == 4) {
    const __m128 greater = _mm_cmp_ps(_mm_load_ps(thresholds), _mm_set1_ps(u), _CMP_GT_OQ);
    return static_cast<unsigned>(_mm_movemask_ps(greater));
  } else if constexpr (N == 8) {
    const __m256 greater = _mm256_cmp_ps(_mm256_load_ps(thresholds), _mm256_set1_ps(u), _CMP_GT_OQ);
    return static_cast<unsigned>(_mm256_movemask_ps(greater));
  } else if constexpr (N == 16) {
#ifdef __AVX512F__
    return _cvtmask16_u32(_mm512_cmp_ps_mask(_mm512_load_ps(thresholds), _mm512_set1_ps(u), _CMP_GT_OQ));
#else
    return above<8>(thresholds, u) | above<8>(thresholds + 8, u) << 8;
#endif
  } else {
    return above<16>(thresholds, u) | above<16>(thresholds + 16, u) << 16;
  }
}

template <>
inline std::int32_t first_above<4, float>(const float* thresholds, float u) {
  return __builtin_ctz(above<4>(thresholds, u));
}
template <>
inline std::int32_t first_above<8, float>(const float* thresholds, float u) {
  return __builtin_ctz(above<8>(thresholds, u));
}
template <>
inline std::int32_t first_above<16, float>(const float* thresholds, float u) {
  return __builtin_ctz(above<16>(thresholds, u));
}
template <>
inline std::int32_t first_above<32, float>(const float* thresholds, float u) {
  return __builtin_ctz(above<32>(thresholds, u));
}

#ifdef __AVX512F__
// Rows l and l + 8 share a register, so that three rounds of shuffles turn all sixteen.
using Wide = __m512;
constexpr int kLanesPerRegister = 16;
static inline Wide load_rows(const float* table, const std::int32_t* offset, int l) {
  const __m512 low = _mm512_castps256_ps512(_mm256_load_ps(table + offset[l]));
  return _mm512_insertf32x8(low, _mm256_load_ps(table + offset[l + 8]), 1);
}
static inline Wide unpack_low(Wide a, Wide b) { return _mm512_unpacklo_ps(a, b); }
static inline Wide unpack_high(Wide a, Wide b) { return _mm512_unpackhi_ps(a, b); }
static inline Wide unpack_low_pairs(Wide a, Wide b) {
  return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
static inline Wide unpack_high_pairs(Wide a, Wide b) {
  return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
static inline Wide join_low(Wide a, Wide b) {
  const __m512i quarters = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  return _mm512_castpd_ps(_mm512_permutex2var_pd(_mm512_castps_pd(a), quarters, _mm512_castps_pd(b)));
}
static inline Wide join_high(Wide a, Wide b) {
  const __m512i quarters = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  return _mm512_castpd_ps(_mm512_permutex2var_pd(_mm512_castps_pd(a), quarters, _mm512_castps_pd(b)));
}
static inline Wide maximum(Wide a, Wide b) { return _mm512_max_ps(a, b); }
#else
using Wide = __m256;
constexpr int kLanesPerRegister = 8;
static inline Wide load_rows(const float* table, const std::int32_t* offset, int l) {
  return _mm256_load_ps(table + offset[l]);
}
static inline Wide unpack_low(Wide a, Wide b) { return _mm256_unpacklo_ps(a, b); }
static inline Wide unpack_high(Wide a, Wide b) { return _mm256_unpackhi_ps(a, b); }
static inline Wide unpack_low_pairs(Wide a, Wide b) {
  return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}
static inline Wide unpack_high_pairs(Wide a, Wide b) {
  return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}
static inline Wide join_low(Wide a, Wide b) { return _mm256_permute2f128_ps(a, b, 0x20); }
static inline Wide join_high(Wide a, Wide b) { return _mm256_permute2f128_ps(a, b, 0x31); }
static inline Wide maximum(Wide a, Wide b) { return _mm256_max_ps(a, b); }
#endif

// An 8 x 8 transpose in three rounds of eight shuffles.
template <>
inline void load_tile<float>(const float* table, const std::int32_t* offset, float (*tile)[kLanes]) {
  for (int first = 0; first < kLanes; first += kLanesPerRegister) {
    Wide r[8];
    Wide pairs[8];
    Wide quads[8];
    for (int k = 0; k < 8; ++k) r[k] = load_rows(table, offset + first, k);
    for (int k = 0; k < 8; k += 2) {
      pairs[k] = unpack_low(r[k], r[k + 1]);
      pairs[k + 1] = unpack_high(r[k], r[k + 1]);
    }
    for (int k = 0; k < 8; k += 4) {
      quads[k] = unpack_low_pairs(pairs[k], pairs[k + 2]);
      quads[k + 1] = unpack_high_pairs(pairs[k], pairs[k + 2]);
      quads[k + 2] = unpack_low_pairs(pairs[k + 1], pairs[k + 3]);
      quads[k + 3] = unpack_high_pairs(pairs[k + 1], pairs[k + 3]);
    }
    for (int k = 0; k < 4; ++k) {
      store<float>(tile[k] + first, join_low(quads[k], quads[k + 4]));
      store<float>(tile[k + 4] + first, join_high(quads[k], quads[k + 4]));
    }
  }
}

template <>
inline void load_tile<std::int32_t>(const std::int32_t* table, const std::int32_t* offset,
                                    std::int32_t (*tile)[kLanes]) {
  load_tile(reinterpret_cast<const float*>(table), offset, reinterpret_cast<float(*)[kLanes]>(tile));
}

// The same rounds, halving what is left by a maximum after each.
template <>
inline void row_maxima<float>(const float* table, const std::int32_t* offset, float* maxima) {
  for (int first = 0; first < kLanes; first += kLanesPerRegister) {
    Wide pairs[4];
    Wide quads[2];
    for (int k = 0; k < 4; ++k) {
      const Wide a = load_rows(table, offset + first, 2 * k);
      const Wide b = load_rows(table, offset + first, 2 * k + 1);
      pairs[k] = maximum(unpack_low(a, b), unpack_high(a, b));
    }
    for (int k = 0; k < 2; ++k) {
      const Wide a = pairs[2 * k];
      const Wide b = pairs[2 * k + 1];
      quads[k] = maximum(unpack_low_pairs(a, b), unpack_high_pairs(a, b));
    }
    store<float>(maxima + first, maximum(join_low(quads[0], quads[1]), join_high(quads[0], quads[1])));
  }
}

template <>
inline void store_rows<float>(const float (*tile)[kLanes], int lanes, float* out, std::int64_t distance) {
  int first = 0;
  for (; first + 8 <= lanes; first += 8) {
    __m256 pairs[8];
    __m256 quads[8];
    for (int k = 0; k < 8; k += 2) {
      const __m256 a = _mm256_load_ps(tile[k] + first);
      const __m256 b = _mm256_load_ps(tile[k + 1] + first);
      pairs[k] = _mm256_unpacklo_ps(a, b);
      pairs[k + 1] = _mm256_unpackhi_ps(a, b);
    }
    for (int k = 0; k < 8; k += 4) {
      for (int j = 0; j < 2; ++j) {
        const __m256d a = _mm256_castps_pd(pairs[k + j]);
        const __m256d b = _mm256_castps_pd(pairs[k + j + 2]);
        quads[k + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
        quads[k + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
      }
    }
    for (int l = 0; l < 4; ++l) {
      _mm256_storeu_ps(out + (first + l) * distance, _mm256_permute2f128_ps(quads[l], quads[l + 4], 0x20));
      _mm256_storeu_ps(out + (first + l + 4) * distance,
                       _mm256_permute2f128_ps(quads[l], quads[l + 4], 0x31));
    }
  }
  store_rows_plain(tile, first, lanes, out, distance);
}

#endif

}  // namespace metarl_fast
