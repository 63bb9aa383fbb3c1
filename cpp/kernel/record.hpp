// SPDX-License-Identifier: MIT
// Recording: what happened in each step, for all lanes at once, and the way from there to the lanes' rows of
// a history.
#pragma once

#include "kernel.hpp"
#include "lanes.hpp"

namespace metarl_fast {
namespace {

template <class Number>
void put_as(std::byte* column, std::int64_t step, const std::int32_t* lanes) {
  Number* to = reinterpret_cast<Number*>(column) + step * kLanes;
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) to[l] = static_cast<Number>(lanes[l]);
}

// Numbers of all lanes, in as many bytes as those of the history have.
inline void put(std::byte* column, int bytes, std::int64_t step, const std::int32_t* lanes) {
  if (bytes == 1) return put_as<std::uint8_t>(column, step, lanes);
  if (bytes == 2) return put_as<std::uint16_t>(column, step, lanes);
  put_as<std::uint32_t>(column, step, lanes);
}

// Four 64-bit words side by side.
typedef std::uint64_t FourWords __attribute__((vector_size(32), may_alias));

// Takes words of numbers of kBytes bytes, one word from each of 8 / kBytes steps, and turns them: word k then
// holds what was the k'th number of each. Halves change places, then quarters of them, and so on.
template <int kBytes>
[[gnu::always_inline]] inline void turn_words(FourWords (&words)[8 / kBytes]) {
  constexpr int kWords = 8 / kBytes;
#pragma GCC unroll 3
  for (int half = kWords / 2; half > 0; half /= 2) {
    const int bits = 8 * kBytes * half;
    std::uint64_t low = 0;  // the lower one of each two groups of `half` numbers
#pragma GCC unroll 4
    for (int at = 0; at < 64; at += 2 * bits) low |= (~std::uint64_t{0} >> (64 - bits)) << at;
#pragma GCC unroll 8
    for (int k = 0; k < kWords; ++k) {
      if (k & half) continue;
      const FourWords swapped = ((words[k] >> bits) ^ words[k + half]) & low;
      words[k + half] ^= swapped;
      words[k] ^= swapped << bits;
    }
  }
}

// From a column [steps][kLanes] to the lanes' rows, for so many steps, a multiple of 8 / kBytes.
template <int kBytes>
void turn_column(const std::byte* column, std::int64_t steps, std::byte* const (&to)[kLanes]) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);  // the first number is a word's lowest
  constexpr int kWords = 8 / kBytes;
  constexpr std::int64_t kRow = kLanes * kBytes;
  for (std::int64_t step = 0; step < steps; step += kWords) {
#pragma GCC unroll 1
    for (int part = 0; part < kRow; part += static_cast<int>(sizeof(FourWords))) {
      FourWords words[kWords];
#pragma GCC unroll 8
      for (int k = 0; k < kWords; ++k) {
        words[k] = *reinterpret_cast<const FourWords*>(column + (step + k) * kRow + part);
      }
      turn_words<kBytes>(words);
#pragma GCC unroll 4
      for (int w = 0; w < 4; ++w) {
#pragma GCC unroll 8
        for (int k = 0; k < kWords; ++k) {
          const std::uint64_t word = words[k][w];
          __builtin_memcpy(to[part / kBytes + w * kWords + k] + step * kBytes, &word, sizeof word);
        }
      }
    }
  }
}

// What of a column is the lanes' own, to the row of each in an array [tasks][room].
template <int kBytes, class Real>
void hand_over_as(const Recording<Real>& of, const std::byte* column, void* array) {
  alignas(64) std::byte spare[kLanes][kBytes * Recording<Real>::kSteps];
  std::byte* to[kLanes];
  std::byte* rows[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    const std::int64_t place = (of.first_task + l) * of.history.room + of.recorded[l];
    rows[l] = static_cast<std::byte*>(array) + kBytes * (l < of.active ? place : 0);
    // Rows have no room for what is not the lane's own.
    const bool all = l < of.active && of.own[l] == Recording<Real>::kSteps;
    to[l] = all ? rows[l] : spare[l];
  }
  constexpr std::int64_t kAtOnce = 8 / kBytes;
  turn_column<kBytes>(column, (of.logged + kAtOnce - 1) / kAtOnce * kAtOnce, to);
  for (int l = 0; l < of.active; ++l) {
    if (to[l] == spare[l]) __builtin_memcpy(rows[l], spare[l], static_cast<std::size_t>(kBytes * of.own[l]));
  }
}

template <class Real>
void hand_over(const Recording<Real>& of, const std::byte* column, int bytes, void* array) {
  if (bytes == 1) return hand_over_as<1>(of, column, array);
  if (bytes == 2) return hand_over_as<2>(of, column, array);
  hand_over_as<4>(of, column, array);
}

// The steps that were logged, to where those of each task are wanted; a lane's own come before all others.
template <class Real>
[[gnu::noinline]] void write_recorded(Recording<Real>& of) {
  const History<Real>& to = of.history;
  hand_over(of, of.state, to.state.bytes, to.state.array);
  hand_over(of, of.next_state, to.state.bytes, to.next_state.array);
  hand_over(of, of.action, to.action.bytes, to.action.array);
  if (to.next_action.array) hand_over(of, of.next_action, to.action.bytes, to.next_action.array);
  hand_over_as<1>(of, of.terminated, to.terminated);
  hand_over_as<1>(of, of.truncated, to.truncated);
  hand_over_as<sizeof(Real)>(of, of.reward, to.reward);
  for (int l = 0; l < kLanes; ++l) {
    of.recorded[l] += of.own[l];
    if (l < of.active) to.length[of.first_task + l] = of.recorded[l];
    of.own[l] = 0;
  }
  of.logged = 0;
}

// What has just happened. A lane past its last episode runs on unseen.
template <class Real>
[[gnu::noinline]] void record_step(const Block<Real>& b, const Lanes<Real>& lanes) {
  Recording<Real>& to = *b.recording;
  if (to.logged == Recording<Real>::kSteps) write_recorded(to);
  alignas(64) std::int32_t truncated[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    truncated[l] = b.steps_left[l] == 1 && lanes.terminated[l] == 0 ? 1 : 0;
    to.own[l] += b.episode[l] < b.num_episodes ? 1 : 0;
  }
  put(to.state, to.history.state.bytes, to.logged, b.state);
  put(to.next_state, to.history.state.bytes, to.logged, lanes.next_state);
  put(to.action, to.history.action.bytes, to.logged, lanes.action);
  put(to.terminated, 1, to.logged, lanes.terminated);
  put(to.truncated, 1, to.logged, truncated);
  __builtin_memcpy(to.reward + to.logged * std::int64_t{sizeof lanes.reward}, lanes.reward,
                   sizeof lanes.reward);
  ++to.logged;
}

// Of the step that was recorded: the actions that were chosen ahead.
template <class Real>
[[gnu::noinline]] void record_choices(const Block<Real>& b, const Lanes<Real>& lanes) {
  Recording<Real>& to = *b.recording;
  if (!to.history.next_action.array) return;
  alignas(64) std::int32_t chosen[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) chosen[l] = lanes.terminated[l] == 0 ? b.next_action[l] : 0;
  put(to.next_action, to.history.action.bytes, to.logged - 1, chosen);
}

}  // namespace
}  // namespace metarl_fast
