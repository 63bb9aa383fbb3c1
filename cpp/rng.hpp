// SPDX-License-Identifier: MIT
// Random streams. This file is a compatibility promise: the same (seed, task, purpose) gives the
// same numbers on every machine, for ever. `tests/data/rng.csv` pins it.
//
//   key      64 bits, made from the user's seed in Python
//   task     56 bits, the integer that names a task
//   purpose  8 bits, what the numbers are for (below); purposes never share numbers
//
// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
// turns (key, task, purpose) into the 128-bit state of a xoshiro128++ generator (Blackman and Vigna,
// "Scrambled linear pseudorandom number generators", ACM TOMS 2021). The n-th number of a stream thus
// depends on nothing else: not on threads, lanes, block sizes or instruction sets. The sequential
// generator is used because it costs 11 plain operations a number where Philox costs about 70.
//
// Where numbers are needed out of order (the weights of a row of a million states, of which one is looked at)
// they come from Threefry2x32-13 (Salmon et al.), a function of an index under a key of the first two words
// that Philox makes of (key, task, purpose). It is made of additions, rotations and exclusive ors alone,
// which every vector unit has.
//
// Everything here is `static`: the kernel compiles this text once per instruction set, and a shared
// inline symbol could carry AVX-512 code to a processor that lacks it.
#pragma once

#include <cstdint>

namespace metarl_fast {

// Append only: the numbers are part of the promise.
enum class Purpose : std::uint32_t {
  transitions = 0,
  rewards = 1,
  start = 2,
  layout = 3,
  learning = 4,
  parts = 5,
  acting = 6,
};

struct Philox4x32 {
  std::uint32_t word[4];
};

static inline Philox4x32 philox4x32(Philox4x32 counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.word[1] ^ key0, static_cast<std::uint32_t>(p1),
                static_cast<std::uint32_t>(p0 >> 32) ^ counter.word[3] ^ key1,
                static_cast<std::uint32_t>(p0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// xoshiro128++ state.
struct Stream {
  std::uint32_t s[4];
};

static inline Stream make_stream(std::uint64_t key, std::uint64_t task, Purpose purpose) {
  const Philox4x32 counter{
      {0, 0, static_cast<std::uint32_t>(task),
       static_cast<std::uint32_t>(task >> 32) | static_cast<std::uint32_t>(purpose) << 24}};
  const Philox4x32 block =
      philox4x32(counter, static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32));
  // xoshiro must not start from zero alone; one state in 2^128 is moved.
  const bool all_zero = (block.word[0] | block.word[1] | block.word[2] | block.word[3]) == 0;
  return {
      {block.word[0] | static_cast<std::uint32_t>(all_zero), block.word[1], block.word[2], block.word[3]}};
}

// The key of a part of a larger law: independent for each part, and of the law's own streams, whose counters
// are others.
static inline std::uint64_t key_of_part(std::uint64_t key, std::uint64_t part) {
  const Philox4x32 counter{
      {static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(part >> 32), 1, ~0u}};
  const Philox4x32 block =
      philox4x32(counter, static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32));
  return std::uint64_t{block.word[1]} << 32 | block.word[0];
}

template <class Word>
static inline Word rotate_left(Word x, int k) {
  return (x << k) | (x >> (32 - k));
}

// One step of xoshiro128++ on four references, so that a kernel can keep its states lane by lane. Word is
// std::uint32_t or a vector of them.
template <class Word>
static inline Word xoshiro_next(Word& s0, Word& s1, Word& s2, Word& s3) {
  const Word result = rotate_left<Word>(s0 + s3, 7) + s0;
  const Word t = s1 << 9;
  s2 ^= s0;
  s3 ^= s1;
  s1 ^= s2;
  s0 ^= s3;
  s2 ^= t;
  s3 = rotate_left<Word>(s3, 11);
  return result;
}

// The key of a task's indexed numbers.
struct IndexKey {
  std::uint32_t word[2];
};

static inline IndexKey make_index_key(std::uint64_t key, std::uint64_t task, Purpose purpose) {
  const Stream stream = make_stream(key, task, purpose);
  return {{stream.s[0], stream.s[1]}};
}

// Threefry2x32 with 13 rounds, of the counter (x0, x1) in place. Word is std::uint32_t or a vector of them.
template <class Word>
static inline void threefry2x32(Word& x0, Word& x1, Word key0, Word key1) {
  const Word key2 = key0 ^ key1 ^ 0x1BD11BDAu;
  const auto mix = [&x0, &x1](int rotation) {
    x0 += x1;
    x1 = rotate_left<Word>(x1, rotation) ^ x0;
  };
  const auto four_rounds = [&mix](int a, int b, int c, int d) {
    mix(a);
    mix(b);
    mix(c);
    mix(d);
  };
  x0 += key0;
  x1 += key1;
  four_rounds(13, 15, 26, 6);
  x0 += key1;
  x1 += key2 + 1u;
  four_rounds(17, 29, 16, 24);
  x0 += key2;
  x1 += key0 + 2u;
  four_rounds(13, 15, 26, 6);
  x0 += key0;
  x1 += key1 + 3u;
  mix(17);
}

// The index'th number of row `row`: two neighbours share a block.
static inline std::uint32_t indexed(const IndexKey& key, std::uint32_t row, std::uint32_t index) {
  std::uint32_t x0 = index >> 1;
  std::uint32_t x1 = row;
  threefry2x32(x0, x1, key.word[0], key.word[1]);
  return index & 1 ? x1 : x0;
}

static inline std::uint32_t next(Stream& stream) {
  return xoshiro_next(stream.s[0], stream.s[1], stream.s[2], stream.s[3]);
}

// A second number beside the one that a stream has just given, its companion: this word of its state. Neither
// the number nor the next one depends on it, and over the whole period the two take all pairs of values
// equally often. It costs no step.
constexpr int kCompanion = 2;

// Integer in [0, n); the bias is below n / 2^32.
static inline std::uint32_t below(std::uint32_t x, std::uint32_t n) {
  return static_cast<std::uint32_t>((std::uint64_t{x} * n) >> 32);
}

// Uniform in [0, 1): 24 bits for float, 32 for double, exact in both.
static inline float unit(std::uint32_t x, float) {
  return static_cast<float>(static_cast<std::int32_t>(x >> 8)) * 0x1p-24f;
}
static inline double unit(std::uint32_t x, double) { return static_cast<double>(x) * 0x1p-32; }

// Uniform in [0, 1) with 53 bits, of a number and its companion.
static inline double unit_53(std::uint32_t x, std::uint32_t companion) {
  return (static_cast<double>(x) + static_cast<double>(companion >> 11) * 0x1p-21) * 0x1p-32;
}

// Uniform in (0, 1): the midpoint of each of 2^32 cells, so that logarithms and quantiles are finite.
static inline double open_unit(std::uint32_t x) { return (static_cast<double>(x) + 0.5) * 0x1p-32; }

}  // namespace metarl_fast
