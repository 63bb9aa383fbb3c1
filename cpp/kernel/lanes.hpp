// SPDX-License-Identifier: MIT
// One step of all lanes: what is known of it, column by column, and the ways in which update rules look
// ahead.
#pragma once

#include "../learners/behaviour.hpp"
#include "../learners/rule.hpp"
#include "behave.hpp"
#include "kernel.hpp"
#include "primitives.hpp"
#include "tiles.hpp"

namespace metarl_fast {
namespace {

template <class Real>
struct Lanes {
  explicit Lanes(Block<Real>& of) : b(of) {}

  Block<Real>& b;
  alignas(64) std::uint32_t x[kLanes];
  alignas(64) std::int32_t action[kLanes];
  alignas(64) std::int32_t pair[kLanes];
  alignas(64) std::int32_t cell[kLanes];  // of (state, action)
  alignas(64) std::int32_t next_state[kLanes];
  alignas(64) std::int32_t next_cell[kLanes];  // of the next state's first action
  alignas(64) std::int32_t terminated[kLanes] = {};
  alignas(64) std::int32_t cut[kLanes] = {};  // the traces before this step are dropped
  alignas(64) Real reward[kLanes];
  alignas(64) Real rate[kLanes];
  alignas(64) Real q_tm1[kLanes];
  alignas(64) Real ahead[kLanes];

  void draw_all() {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) x[l] = draw(b, l);
  }

  // max_a q(s_t, a)
  void largest_next_values(Real* values) {
    if (acts_by_values(b)) {
      read_rows(b, next_cell, b.next_tile);
      largest_in_tile(b.next_tile, b.actions, values);
    } else {
      largest_values(b, next_cell, values);
    }
  }

  // a_t, for all lanes.
  void choose_next_actions() {
    draw_all();
    if (acts_by_values(b)) read_rows(b, next_cell, b.next_tile);
    choose_actions(b, b.next_tile, next_state, x, b.next_action);
  }

  // q(s_t, a_t)
  void next_values(Real (&values)[kLanes]) const {
    alignas(64) std::int32_t at[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) at[l] = next_cell[l] + b.next_action[l];
    gather(b.q_table, at, values);
  }

  // sum_a pi(a | s_t) q(s_t, a)
  void expected_next_values(Real* values) {
    read_rows(b, next_cell, b.next_tile);
    expected_values(b, b.next_tile, next_state, values);
  }

  // Which table learns: moves cell and next_cell over where it is the second one.
  void toss_coins() {
    draw_all();
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const std::int32_t there = x[l] >> 31 ? b.second_table : 0;
      cell[l] += there;
      next_cell[l] += there;
    }
    gather(b.q_table, cell, q_tm1);
  }

  // Of the action that looks best in the table that learns, the value in the other one.
  void values_in_the_other_table(Real (&values)[kLanes]) const {
    alignas(64) Count<Real> ties[kLanes];
    alignas(64) Count<Real> first[kLanes];
    alignas(64) std::int32_t at[kLanes];
    read_rows(b, next_cell, b.next_tile);
    largest_in_tile(b.next_tile, b.actions, values);
    find_at_least(b.next_tile, b.actions, values, ties, first);
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const std::int32_t other = x[l] >> 31 ? -b.second_table : b.second_table;
      at[l] = next_cell[l] + other + static_cast<std::int32_t>(first[l]);
    }
    gather(b.q_table, at, values);
  }
};

}  // namespace
}  // namespace metarl_fast
