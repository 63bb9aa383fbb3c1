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

// 1, and the visits that the initial values are worth.
template <class Real>
Real one_visit_more(const Block<Real>& b) {
  return static_cast<Real>(1.0 + b.learner.initial_visits);
}

// What actions are chosen by: the values of the tile, with the bonus if there is one.
template <class Real>
Tile<Real> preferences(const Block<Real>& b, Tile<Real> tile, const std::int32_t* state) {
  if (b.learner.bonus == 0.0) return tile;
  alignas(64) std::int32_t cell[kLanes];
  locate_rows(b, state, cell);
  read_rows_of(b.visits, b.q_stride, cell, b.visit_tile);
  const bool two_tables = b.second_table != 0;
  const Count<Real>(*second)[kLanes] = b.visit_tile;
  if (two_tables) {
    read_rows_of(b.visits + b.second_table, b.q_stride, cell, b.visit_tile + b.q_stride);
    second += b.q_stride;
  }
  const Real before = one_visit_more(b);
  for (std::int32_t a = 0; a < b.actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const Real more = two_tables ? static_cast<Real>(second[a][l]) : Real{0};
      const Real visits = static_cast<Real>(b.visit_tile[a][l]) + more + before;
      b.preference[a][l] = tile[a][l] + exploration_bonus(b.bonus_now[l], visits);
    }
  }
  return b.preference;
}

// Uniformly among the actions that are available.
template <class Real>
void choose_available(Tile<Real> tile, std::int32_t actions, const std::uint32_t* y, std::int32_t* action) {
  using Index = Count<Real>;
  alignas(64) Real lowest[kLanes];
  alignas(64) Index count[kLanes];
  alignas(64) Index picked[kLanes];
  for (int l = 0; l < kLanes; ++l) lowest[l] = kLowestValue<Real>;
  find_at_least(tile, actions, lowest, count, picked);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) count[l] = uniform_action(y[l], static_cast<std::int32_t>(count[l]));
  pick_at_least(tile, actions, lowest, count, picked);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) action[l] = static_cast<std::int32_t>(picked[l]);
}

template <class Real>
[[gnu::always_inline]] inline void choose_uniformly(const Block<Real>& b, Tile<Real> tile,
                                                    std::int32_t* action) {
  const std::int32_t actions = b.actions;
  const std::uint32_t* y = b.rng[kCompanion];
  if (b.masked) return choose_available<Real>(tile, actions, y, action);
#ifdef __AVX2__  // else the compiler's own way is shorter
  constexpr int kWords = kRegisterBytes / 4;
  for (int l = 0; l < kLanes; l += kWords) {
    const auto picked = below_all(load(y + l), static_cast<std::uint32_t>(actions));
    store(action + l, reinterpret_cast<Register<std::int32_t>>(picked));
  }
#else
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) action[l] = uniform_action(y[l], actions);
#endif
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
  const std::uint32_t* y = b.rng[kCompanion];
  largest_in_tile(tile, actions, largest);
  find_at_least(tile, actions, largest, ties, best);
  Index some_ties = 0;
#pragma omp simd reduction(| : some_ties)
  for (int l = 0; l < kLanes; ++l) some_ties |= ties[l] - 1;
  if (some_ties) {
    alignas(64) Index skip[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) skip[l] = uniform_action(y[l], static_cast<std::int32_t>(ties[l]));
    pick_at_least(tile, actions, largest, skip, best);
  }
  choose_uniformly(b, tile, explore);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    action[l] = explores(x[l], b.last_exploring_now[l]) ? explore[l] : static_cast<std::int32_t>(best[l]);
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
  const std::uint32_t* y = b.rng[kCompanion];
  weigh_actions(b, tile, total);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    u[l] = unit_53(x[l], y[l]) * total[l];
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

// An action for each lane, in the states whose rows are in the tile; x has just been drawn.
template <class Real>
void choose_actions(Block<Real>& b, Tile<Real> tile, const std::int32_t* state, const std::uint32_t* x,
                    std::int32_t* action) {
  switch (b.learner.behaviour) {
    case Behaviour::uniform: return choose_uniformly(b, tile, action);
    case Behaviour::epsilon_greedy: return choose_epsilon_greedy(b, preferences(b, tile, state), x, action);
    case Behaviour::softmax: return choose_by_softmax(b, preferences(b, tile, state), x, action);
  }
}

// The same for one lane, in its present state; for rules with one table.
template <class Real>
std::int32_t choose_action(Block<Real>& b, int lane, std::uint32_t x) {
  if (b.actions > kActionsBetweenQuestions && stop_at(b, kActionsBetweenQuestions - 1)) return 0;
  const std::uint32_t y = b.rng[kCompanion][lane];
  const std::int64_t cell = b.first_cell[lane] + b.state[lane] * b.q_stride;
  const Real* preference = b.q_table + cell;
  if (b.learner.bonus != 0.0) {
    const Real before = one_visit_more(b);
    for (std::int32_t a = 0; a < b.actions; ++a) {
      const Real visits = static_cast<Real>(b.visits[cell + a]) + before;
      b.row_of_one[a] = preference[a] + exploration_bonus(b.bonus_now[lane], visits);
    }
    preference = b.row_of_one;
  }
  if (b.learner.behaviour == Behaviour::softmax) {
    return softmax_action(preference, b.actions, unit_53(x, y), b.temperature_now[lane]);
  }
  const bool greedy = b.learner.behaviour == Behaviour::epsilon_greedy;
  if (greedy && !explores(x, b.last_exploring_now[lane])) return greedy_action(preference, b.actions, y);
  return b.masked ? uniform_available_action(preference, b.actions, y) : uniform_action(y, b.actions);
}

// Where an action is not a greedy one: its value is below the largest of the tile's row.
template <class Real>
void find_exploratory(Tile<Real> tile, std::int32_t actions, const std::int32_t* action,
                      std::int32_t* exploratory) {
  alignas(64) Real largest[kLanes];
  largest_in_tile(tile, actions, largest);
  for (int l = 0; l < kLanes; ++l) exploratory[l] = tile[action[l]][l] < largest[l];
}

// sum_a q(s, a) / A of a tile, in order, over the actions that are available.
template <class Real>
void mean_of_available(Tile<Real> tile, std::int32_t actions, Real* mean) {
  alignas(64) Real count[kLanes] = {};
  for (int l = 0; l < kLanes; ++l) mean[l] = Real{-0.0};  // leaves the first value as it is
  for (std::int32_t a = 0; a < actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const bool there = tile[a][l] >= kLowestValue<Real>;
      mean[l] += there ? tile[a][l] : Real{-0.0};
      count[l] += there ? Real{1} : Real{0};
    }
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) mean[l] = bounded(mean[l] / count[l]);
}

// The same where all are.
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
      for (int l = 0; l < kLanes; ++l) {
        const bool there = tile[a][l] >= kLowestValue<Real>;  // -infinity times weight 0 is no number
        sum[l] += b.softmax[a][l] * static_cast<double>(there ? tile[a][l] : Real{0});
      }
    }
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) value[l] = bounded(static_cast<Real>(sum[l] / total[l]));
    return;
  }
  b.masked ? mean_of_available(tile, b.actions, value) : mean_of_tile(tile, b.actions, value);
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
