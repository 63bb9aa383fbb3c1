// SPDX-License-Identifier: MIT
// Exact planning of sparse tasks without a horizon: policy iteration (Howard 1960; Puterman 1994,
// section 6.4) with sweeps between direct solves. At discount 1 these are stochastic shortest paths
// (endless.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "../row_loop.hpp"
#include "envelope.hpp"
#include "ordering.hpp"
#include "policy_iteration.hpp"
#include "sparse_model.hpp"

namespace metarl_fast {

// Room that one thread reuses from task to task.
struct SparseScratch {
  SparseModel model;
  std::vector<std::int32_t> order;  // state order[i] of the task is the model's state i; empty: the same
  EliminationCost elimination{0.0, 0.0};  // at most
  Envelope envelope;
  std::vector<double> values;
  std::vector<std::int32_t> policy;
  std::vector<double> advantage;        // [A]
  std::vector<std::uint8_t> abandoned;  // states that nothing leads to and that never end, see solve_sparse
};

// Puts the task into `scratch`, in the order in which it is best eliminated. Throws Interrupted.
void prepare_sparse(const Shape&, const TaskView&, double discount, SparseScratch& scratch,
                    const Interrupt& interrupt = {});

// Optimal values [S], action values [S][A] (-infinity where an action is not available) and policy [S], the
// first best action of each state, of a task that has been prepared. At discount 1 the policy ends, or rests
// where rewards are 0. Throws NeverEnds with the task's state if no policy does, or if rewards can be
// collected for ever; but states that no start leads to and that cost more and more for ever have value
// -infinity. Iterations are policies valued, or rounds of sweeps.
Solved solve_sparse(const TaskView&, SparseScratch& scratch, const Optimum&, const Interrupt&,
                    const RowLoop& = {});

// The same of a task that has not been prepared, below discount 1, by sweeps alone.
Solved solve_by_sweeps(const Shape&, const TaskView&, double discount, double tolerance, std::int64_t sweeps,
                       SparseScratch& scratch, const Optimum&, const Interrupt&, const RowLoop&);

// Values [S] of a stationary stochastic policy [S][A] on a task that has been prepared. At discount 1 throws
// NeverEnds if the policy leads from a start to where it never ends and rewards are not all 0; such states
// that no start leads to have value -infinity, +infinity, or NaN if their rewards have both signs.
void evaluate_sparse(const TaskView&, const double* policy, SparseScratch& scratch, double* values,
                     const Interrupt&, const RowLoop& = {});

}  // namespace metarl_fast
