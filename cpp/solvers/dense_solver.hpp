// SPDX-License-Identifier: MIT
// What planning asks of the processor's vectors for dense tasks. Plain pointers and numbers only: the answers
// are compiled once per instruction set (kernel/dense_solver.cpp) and share no inline code with the rest.
//
// A policy's values solve (I - discount P) v = r. They are found without a subtraction (Grassmann, Taksar and
// Heyman 1985, "Regenerative analysis and steady state distributions for Markov chains"): the diagonal is
// never stored, but each row's excess d over what leaves it, 1 - discount at first, so that a pivot is a sum
// of numbers that are not negative. Every component of v then has a few correct units in the last place,
// whatever the discount (O'Cinneide 1993, "Entrywise perturbation theory and error analysis for Markov
// chains").
#pragma once

#include <cstdint>

namespace metarl_fast {

// One policy's system, row by row: discount p(s, .) in columns 0 .. states - 1, the excess d in column
// `states`, zeros, and the reward in the last column. Rows begin on a cache line.
struct DenseSystem {
  double* rows;
  std::int64_t states;
  std::int64_t stride;  // doubles from row to row: `dense_stride(states)`
};

constexpr std::int64_t kPanel = 8;  // rows eliminated together

constexpr std::int64_t dense_stride(std::int64_t states) { return (states + 2 + 7) / 8 * 8; }

// Eight small tasks side by side, one a lane: every array has eight neighbours where one task has a number.
constexpr int kSideBySide = 8;
constexpr std::int64_t side_by_side_width(std::int64_t states) { return (states + 2 + 3) / 4 * 4; }

struct DenseLanes {
  std::int64_t states;
  std::int64_t actions;
  std::int64_t width;  // of a row: `side_by_side_width(states)`
  double discount;
  double near;          // see finish_lanes
  double* probability;  // [S][A][S][8]
  double* reward;       // [S][A][8]; -infinity for actions that are not available
  double* system;       // [S][width][8], as in DenseSystem
  double* factor;       // [S][width][8], what elimination makes of it
  double* values;       // [S][8]
  double* next;         // [S][8], what replaces them
  double* advantage;    // [S][A][8]
  double* q_values;     // [S][A][8]
  double* policy;       // [S][8], actions as numbers
  // Of each lane [8]: the sizes of its largest reward and value, what turns its values into those of the
  // rewards given, its lowest and highest value, and the size of the largest of all states' best advantages.
  double *largest_reward, *largest_value, *unit, *low, *high, *residual;
  std::uint8_t* better;  // [S], bit l: lane l has an action that looks better than the policy's
  std::uint8_t* odd;     // [S], bit l: an action of lane l may tie with the best, or is not there
};

struct DenseSolver {
  // Eliminates states first .. first + kPanel - 1 from the rows below; `first` is 0, kPanel, 2 kPanel, ...
  void (*eliminate_panel)(const DenseSystem&, std::int64_t first);
  // Then the values [stride]; those beyond the states are 0.
  void (*substitute_back)(const DenseSystem&, double* values);
  // out[a] = sum_j p(s, a, j) (v(j) - v_s) for one state's rows [actions][states] and v [stride].
  void (*expected_differences)(const double* probability, std::int64_t actions, std::int64_t states,
                               const double* values, double value, double* out);

  // out[i][l] = factor rows[l][i] for eight rows of n numbers; and back, without the factor.
  void (*put_side_by_side)(const double* const* rows, std::int64_t n, double factor, double* out);
  void (*take_apart)(const double* lanes, std::int64_t n, double* const* rows);
  // Fills probability and reward; `policy` is greedy for the values after sweeps - 1 sweeps from each state's
  // largest reward.
  void (*start_lanes)(const DenseLanes&, const double* const* probability, const double* const* rewards,
                      int sweeps);
  // The values of the policy in `system`.
  void (*solve_lanes)(const DenseLanes&);
  // The advantages over `values`, and where they are positive.
  void (*improve_lanes)(const DenseLanes&);
  // Action values from advantages, in the rewards' own unit, the values so in `next`, and the first best
  // actions. All but where it is `odd`: where an advantage is less than the best one by no more than `near`
  // times the sizes of what it is made of, or is that of an action not available.
  void (*finish_lanes)(const DenseLanes&);
};

}  // namespace metarl_fast
