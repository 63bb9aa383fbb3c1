// SPDX-License-Identifier: MIT
// Behaviour: the policies of learners/behaviour.hpp, for all lanes at once, and what they expect.
#pragma once

#include "../learners/behaviour.hpp"
#include "../learners/rule.hpp"
#include "kernel.hpp"
#include "primitives.hpp"
#include "tiles.hpp"

namespace metarl_fast {
namespace {

// What actions are chosen by: the values of the tile, with the bonus if there is one.
template <class Real>
Tile<Real> preferences(const Block<Real>& b, Tile<Real> tile, const std::int32_t* state) {
  if (b.learner.bonus == 0.0) return tile;
  alignas(64) std::int32_t cell[kLanes];
  locate_rows(b, state, cell);
  read_rows_of(b.visits, b.q_stride, cell, b.visit_tile);
  for (std::int32_t a = 0; a < b.actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      b.preference[a][l] = tile[a][l] + exploration_bonus(b.bonus_now[l], b.visit_tile[a][l]);
    }
  }
  return b.preference;
}

// Of the actions whose value is `largest`, the skip'th, counted from 0.
template <class Real>
void pick_among_best(Tile<Real> tile, std::int32_t actions, const Real* largest, const Count<Real>* skip,
                     Count<Real>* picked) {
  using Index = Count<Real>;
  for (int first = 0; first < kLanes; first += kRegisters * kWidth<Real>) {
    Register<Real> best[kRegisters];
    Register<Index> left[kRegisters];
    Register<Index> found[kRegisters] = {};
    for (int g = 0; g < kRegisters; ++g) {
      best[g] = load(largest + first + g * kWidth<Real>);
      left[g] = load(skip + first + g * kWidth<Real>);
    }
    Register<Index> action = {};
    for (std::int32_t a = 0; a < actions; ++a) {
#pragma GCC unroll 2
      for (int g = 0; g < kRegisters; ++g) {
        const auto is_best = load(tile[a] + first + g * kWidth<Real>) == best[g];  // -1 where it is
        found[g] = (is_best & (left[g] == 0)) ? action : found[g];
        left[g] += is_best;
      }
      action += 1;
    }
    for (int g = 0; g < kRegisters; ++g) store(picked + first + g * kWidth<Real>, found[g]);
  }
}

template <class Real>
void choose_epsilon_greedy(const Block<Real>& b, Tile<Real> tile, const std::uint32_t* x,
                           std::int32_t* action) {
  using Index = Count<Real>;
  alignas(64) Real largest[kLanes];
  alignas(64) Index ties[kLanes];
  alignas(64) Index best[kLanes];
  alignas(64) std::int32_t explore[kLanes];
  const std::int32_t actions = b.actions;
  largest_in_tile(tile, actions, largest);
  find_best(tile, actions, largest, ties, best);
  Index some_ties = 0;
#pragma omp simd reduction(| : some_ties)
  for (int l = 0; l < kLanes; ++l) some_ties |= ties[l] - 1;
  if (some_ties) {
    alignas(64) Index skip[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const Real u = unit(x[l], Real{});
      // Where u explores this is negative, and picks nothing.
      skip[l] = position((u - b.epsilon_now[l]) * b.greedy_scale[l], static_cast<std::int32_t>(ties[l]));
    }
    pick_among_best(tile, actions, largest, skip, best);
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const Real u = unit(x[l], Real{});
    explore[l] = position(u * b.explore_scale[l], actions);
    action[l] = u < b.epsilon_now[l] ? explore[l] : static_cast<std::int32_t>(best[l]);
  }
}

constexpr std::int32_t kActionsBetweenQuestions = 1 << 12;

// Whether work on very many actions should end, asked before each of them.
template <class Real>
[[gnu::always_inline]] inline bool stop_at(Block<Real>& b, std::int32_t action) {
  if (action % kActionsBetweenQuestions == kActionsBetweenQuestions - 1) {
    b.stopped = b.stopped || (b.stop_requested && b.stop_requested(b.stop_context));
  }
  return b.stopped;
}

// Softmax weights into b.softmax, their totals into `total`.
template <class Real>
void weigh_actions(Block<Real>& b, Tile<Real> tile, double* total) {
  alignas(64) Real largest[kLanes];
  largest_in_tile(tile, b.actions, largest);
  for (int l = 0; l < kLanes; ++l) total[l] = 0.0;
  for (std::int32_t a = 0; a < b.actions; ++a) {
    if (stop_at(b, a)) return;
    double* weight = b.softmax[a];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      weight[l] = softmax_weight(tile[a][l], largest[l], b.temperature_now[l]);
      total[l] += weight[l];
    }
  }
}

template <class Real>
void choose_by_softmax(Block<Real>& b, Tile<Real> tile, const std::uint32_t* x, std::int32_t* action) {
  alignas(64) double total[kLanes];
  alignas(64) double cumulative[kLanes] = {};
  alignas(64) double u[kLanes];
  weigh_actions(b, tile, total);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    u[l] = unit(x[l], double{}) * total[l];
    action[l] = 0;
  }
  for (std::int32_t a = 0; a + 1 < b.actions && !stop_at(b, a); ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      cumulative[l] += b.softmax[a][l];
      action[l] += cumulative[l] <= u[l];
    }
  }
}

template <class Real>
[[gnu::always_inline]] inline void choose_uniformly(const Block<Real>& b, const std::uint32_t* x,
                                                    std::int32_t* action) {
  const std::int32_t actions = b.actions;
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) action[l] = uniform_action(x[l], actions);
}

// An action for each lane, in the states whose rows are in the tile.
template <class Real>
void choose_actions(Block<Real>& b, Tile<Real> tile, const std::int32_t* state, const std::uint32_t* x,
                    std::int32_t* action) {
  switch (b.learner.behaviour) {
    case Behaviour::uniform: return choose_uniformly(b, x, action);
    case Behaviour::epsilon_greedy: return choose_epsilon_greedy(b, preferences(b, tile, state), x, action);
    case Behaviour::softmax: return choose_by_softmax(b, preferences(b, tile, state), x, action);
  }
}

// The same for one lane, in its present state; for rules with one table.
template <class Real>
std::int32_t choose_action(Block<Real>& b, int lane, std::uint32_t x) {
  if (b.actions > kActionsBetweenQuestions && stop_at(b, kActionsBetweenQuestions - 1)) return 0;
  const std::int64_t cell = b.first_cell[lane] + b.state[lane] * b.q_stride;
  const Real* preference = b.q_table + cell;
  if (b.learner.bonus != 0.0) {
    for (std::int32_t a = 0; a < b.actions; ++a) {
      b.row_of_one[a] = preference[a] + exploration_bonus(b.bonus_now[lane], b.visits[cell + a]);
    }
    preference = b.row_of_one;
  }
  switch (b.learner.behaviour) {
    case Behaviour::uniform: break;
    case Behaviour::epsilon_greedy:
      return epsilon_greedy_action(preference, b.actions, unit(x, Real{}), b.epsilon_now[lane],
                                   b.explore_scale[lane], b.greedy_scale[lane]);
    case Behaviour::softmax:
      return softmax_action(preference, b.actions, unit(x, double{}), b.temperature_now[lane]);
  }
  return uniform_action(x, b.actions);
}

// Where an action is not a greedy one: its value is below the largest of the tile's row.
template <class Real>
void find_exploratory(Tile<Real> tile, std::int32_t actions, const std::int32_t* action,
                      std::int32_t* exploratory) {
  alignas(64) Real largest[kLanes];
  largest_in_tile(tile, actions, largest);
  for (int l = 0; l < kLanes; ++l) exploratory[l] = tile[action[l]][l] < largest[l];
}

// sum_a q(s, a) / A of a tile, in order.
template <class Real>
void mean_of_tile(Tile<Real> tile, std::int32_t actions, Real* mean) {
  for (int l = 0; l < kLanes; ++l) mean[l] = tile[0][l];
  for (std::int32_t a = 1; a < actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) mean[l] += tile[a][l];
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) mean[l] = bounded(mean[l] / static_cast<Real>(actions));
}

// The value of acting greedily by `preference`: the mean over the actions that look best.
template <class Real>
void greedy_values(Tile<Real> tile, Tile<Real> preference, std::int32_t actions, Real* value) {
  alignas(64) Real largest[kLanes];
  alignas(64) Real ties[kLanes] = {};
  largest_in_tile(preference, actions, largest);
  for (int l = 0; l < kLanes; ++l) value[l] = 0;
  for (std::int32_t a = 0; a < actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const bool best = preference[a][l] == largest[l];
      value[l] += best ? tile[a][l] : Real{0};
      ties[l] += best ? Real{1} : Real{0};
    }
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) value[l] = bounded(value[l] / ties[l]);
}

// sum_a pi(a | s) q(s, a), pi being the behaviour.
template <class Real>
void expected_values(Block<Real>& b, Tile<Real> tile, const std::int32_t* state, Real* value) {
  if (b.learner.behaviour == Behaviour::softmax) {
    alignas(64) double total[kLanes];
    alignas(64) double sum[kLanes] = {};
    weigh_actions(b, preferences(b, tile, state), total);
    for (std::int32_t a = 0; a < b.actions && !stop_at(b, a); ++a) {
#pragma omp simd
      for (int l = 0; l < kLanes; ++l) sum[l] += b.softmax[a][l] * static_cast<double>(tile[a][l]);
    }
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) value[l] = bounded(static_cast<Real>(sum[l] / total[l]));
    return;
  }
  mean_of_tile(tile, b.actions, value);
  if (b.learner.behaviour == Behaviour::uniform) return;
  alignas(64) Real greedy[kLanes];
  if (b.learner.bonus == 0.0) {
    largest_in_tile(tile, b.actions, greedy);
  } else {
    greedy_values(tile, preferences(b, tile, state), b.actions, greedy);
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const Real epsilon = b.epsilon_now[l];
    value[l] = epsilon * value[l] + (Real{1} - epsilon) * greedy[l];
  }
}

}  // namespace
}  // namespace metarl_fast
