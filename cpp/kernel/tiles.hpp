// SPDX-License-Identifier: MIT
// Rows of action values of all lanes, turned so that one action of all lanes lies side by side:
// tile[a][lane].
#pragma once

#include "../rng.hpp"
#include "kernel.hpp"
#include "primitives.hpp"

namespace metarl_fast {
namespace {

template <class Real>
using Tile = const Real (*)[kLanes];

// The lane's next random number. A call of it would keep a loop over lanes from becoming vector code.
template <class Real>
[[gnu::always_inline]] inline std::uint32_t draw(Block<Real>& b, int lane) {
  return xoshiro_next(b.rng[0][lane], b.rng[1][lane], b.rng[2][lane], b.rng[3][lane]);
}

// Whether acting takes the values of the state.
template <class Real>
bool acts_by_values(const Block<Real>& b) {
  return b.learner.behaviour != Behaviour::uniform || b.masked;
}

// The cells of the first actions of these states.
template <class Real>
void locate_rows(const Block<Real>& b, const std::int32_t* state, std::int32_t* cell) {
  const auto q_stride = static_cast<std::int32_t>(b.q_stride);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) cell[l] = b.first_cell[l] + state[l] * q_stride;
}

template <class T>
void read_rows_of(const T* table, std::int64_t q_stride, const std::int32_t* cell, T (*tile)[kLanes]) {
  for (std::int64_t first = 0; first < q_stride; first += 8) load_tile(table + first, cell, tile + first);
}

template <class Real>
void read_rows(const Block<Real>& b, const std::int32_t* cell, Real (*tile)[kLanes]) {
  read_rows_of(b.q_table, b.q_stride, cell, tile);
}

// The values to act by: of two tables, their sum.
template <class Real>
void read_state_rows(const Block<Real>& b, const std::int32_t* state, Real (*tile)[kLanes]) {
  alignas(64) std::int32_t cell[kLanes];
  locate_rows(b, state, cell);
  read_rows(b, cell, tile);
  if (b.second_table == 0) return;
  read_rows_of(b.q_table + b.second_table, b.q_stride, cell, b.next_tile);
  for (std::int32_t a = 0; a < b.actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) tile[a][l] += b.next_tile[a][l];
  }
}

// Work on tiles goes two registers of lanes at a time, for the second not to wait for the first.
constexpr int kRegisters = 2;
template <class Real>
constexpr int kWidth = kRegisterBytes / static_cast<int>(sizeof(Real));

// max_a of a tile.
template <class Real>
void largest_in_tile(Tile<Real> tile, std::int32_t actions, Real* largest) {
  for (int first = 0; first < kLanes; first += kRegisters * kWidth<Real>) {
    Register<Real> best[kRegisters];
    for (int g = 0; g < kRegisters; ++g) best[g] = load(tile[0] + first + g * kWidth<Real>);
    for (std::int32_t a = 1; a < actions; ++a) {
#pragma GCC unroll 2
      for (int g = 0; g < kRegisters; ++g) {
        const Register<Real> q = load(tile[a] + first + g * kWidth<Real>);
        best[g] = q > best[g] ? q : best[g];
      }
    }
    for (int g = 0; g < kRegisters; ++g) store(largest + first + g * kWidth<Real>, best[g]);
  }
}

// Of the actions whose value is at least `lowest`, how many there are and which comes first.
template <class Real, class Index>
void find_at_least(Tile<Real> tile, std::int32_t actions, const Real* lowest, Index* number,
                   Index* first_one) {
  for (int first = 0; first < kLanes; first += kRegisters * kWidth<Real>) {
    Register<Real> least[kRegisters];
    Register<Index> count[kRegisters] = {};
    Register<Index> found[kRegisters] = {};
    for (int g = 0; g < kRegisters; ++g) least[g] = load(lowest + first + g * kWidth<Real>);
    Register<Index> action = Register<Index>{} + static_cast<Index>(actions);
    for (std::int32_t a = actions - 1; a >= 0; --a) {
      action -= 1;
#pragma GCC unroll 2
      for (int g = 0; g < kRegisters; ++g) {
        const auto counts = load(tile[a] + first + g * kWidth<Real>) >= least[g];  // -1 where it does
        count[g] -= counts;
        found[g] = counts ? action : found[g];
      }
    }
    for (int g = 0; g < kRegisters; ++g) {
      store(number + first + g * kWidth<Real>, count[g]);
      store(first_one + first + g * kWidth<Real>, found[g]);
    }
  }
}

// Of these actions the skip'th, counted from 0.
template <class Real, class Index>
void pick_at_least(Tile<Real> tile, std::int32_t actions, const Real* lowest, const Index* skip,
                   Index* picked) {
  for (int first = 0; first < kLanes; first += kRegisters * kWidth<Real>) {
    Register<Real> least[kRegisters];
    Register<Index> left[kRegisters];
    Register<Index> found[kRegisters] = {};
    for (int g = 0; g < kRegisters; ++g) {
      least[g] = load(lowest + first + g * kWidth<Real>);
      left[g] = load(skip + first + g * kWidth<Real>);
    }
    Register<Index> action = {};
    for (std::int32_t a = 0; a < actions; ++a) {
#pragma GCC unroll 2
      for (int g = 0; g < kRegisters; ++g) {
        const auto counts = load(tile[a] + first + g * kWidth<Real>) >= least[g];  // -1 where it does
        found[g] = (counts & (left[g] == 0)) ? action : found[g];
        left[g] += counts;
      }
      action += 1;
    }
    for (int g = 0; g < kRegisters; ++g) store(picked + first + g * kWidth<Real>, found[g]);
  }
}

// max_a q(s, a) of each lane's row, without turning it.
template <class Real>
void largest_values(const Block<Real>& b, const std::int32_t* cell, Real* maxima) {
  row_maxima(b.q_table, cell, maxima);
  for (std::int64_t first = 8; first < b.q_stride; first += 8) {
    alignas(64) Real more[kLanes];
    row_maxima(b.q_table + first, cell, more);
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) maxima[l] = more[l] > maxima[l] ? more[l] : maxima[l];
  }
}

// The rows the lanes act from next: those looked at ahead, but for a task that stayed where it was, which has
// changed one value. `changed` holds that action, or -1.
template <class Real, class Index>
void turn_over(Block<Real>& b, const Index* changed, const Real* q) {
  for (int first = 0; first < kLanes; first += kRegisters * kWidth<Real>) {
    Register<Index> where[kRegisters];
    Register<Real> fresh[kRegisters];
    for (int g = 0; g < kRegisters; ++g) {
      where[g] = load(changed + first + g * kWidth<Real>);
      fresh[g] = load(q + first + g * kWidth<Real>);
    }
    for (std::int32_t a = 0; a < b.actions; ++a) {
#pragma GCC unroll 2
      for (int g = 0; g < kRegisters; ++g) {
        const int at = first + g * kWidth<Real>;
        store(b.tile[a] + at, where[g] == a ? fresh[g] : load(b.next_tile[a] + at));
      }
    }
  }
}

}  // namespace
}  // namespace metarl_fast
