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

struct DenseSolver {
  // Eliminates states first .. first + kPanel - 1 from the rows below; `first` is 0, kPanel, 2 kPanel, ...
  void (*eliminate_panel)(const DenseSystem&, std::int64_t first);
  // Then the values [stride]; those beyond the states are 0.
  void (*substitute_back)(const DenseSystem&, double* values);
  // out[a] = sum_j p(s, a, j) (v(j) - v_s) for one state's rows [actions][states] and v [stride].
  void (*expected_differences)(const double* probability, std::int64_t actions, std::int64_t states,
                               const double* values, double value, double* out);
};

}  // namespace metarl_fast
