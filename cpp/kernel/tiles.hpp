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

// max_a of a tile.
template <class Real>
void largest_in_tile(Tile<Real> tile, std::int32_t actions, Real* largest) {
  constexpr int kWidth = kRegisterBytes / sizeof(Real);
  for (int l = 0; l < kLanes; l += kWidth) {
    Register<Real> best = load(tile[0] + l);
    for (std::int32_t a = 1; a < actions; ++a) {
      const Register<Real> q = load(tile[a] + l);
      best = q > best ? q : best;
    }
    store(largest + l, best);
  }
}

// Of the actions whose value is `largest`, how many there are and which comes first.
template <class Real, class Index>
void find_best(Tile<Real> tile, std::int32_t actions, const Real* largest, Index* ties, Index* first) {
  constexpr int kWidth = kRegisterBytes / sizeof(Real);
  for (int l = 0; l < kLanes; l += kWidth) {
    const Register<Real> best = load(largest + l);
    Register<Index> count = {};
    Register<Index> found = {};
    for (std::int32_t a = actions - 1; a >= 0; --a) {
      const auto is_best = load(tile[a] + l) == best;  // -1 where it is
      count -= is_best;
      found = is_best ? found - found + a : found;
    }
    store(ties + l, count);
    store(first + l, found);
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
  constexpr int kWidth = kRegisterBytes / sizeof(Real);
  for (int l = 0; l < kLanes; l += kWidth) {
    const Register<Index> where = load(changed + l);
    const Register<Real> fresh = load(q + l);
    for (std::int32_t a = 0; a < b.actions; ++a) {
      const Register<Real> kept = load(b.next_tile[a] + l);
      store(b.tile[a] + l, where == a ? fresh : kept);
    }
  }
}

}  // namespace
}  // namespace metarl_fast
