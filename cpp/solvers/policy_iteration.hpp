// SPDX-License-Identifier: MIT
// Exact planning without a horizon: policy iteration (Howard 1960; Puterman 1994, section 6.4) with direct
// solves, whose work does not depend on the discount. Every value has a relative error of a few units in the
// last place of what its rewards, made positive, would be worth.
#pragma once

#include <cstdint>
#include <vector>

#include "../aligned.hpp"
#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "dense_solver.hpp"

namespace metarl_fast {

// Where one task's solution goes: values [S], q_values [S][A] (-infinity for actions that are not available),
// policy [S], the first best action of each state.
struct Optimum {
  double* values;
  double* q_values;
  std::int32_t* policy;
};

// What it took.
struct Solved {
  std::int64_t iterations = 0;
  double error_bound = 0.0;  // of any value
};

// Room that one thread reuses from task to task, all of one shape.
class DirectScratch {
 public:
  explicit DirectScratch(const Shape&);

 private:
  friend class DenseTask;
  AlignedArray<double> system_;
  AlignedArray<double> values_;
  std::vector<double> rewards_;  // [S][A], scaled
};

// Bytes of such room.
double direct_scratch_bytes(const Shape&);

Solved policy_iteration(const Shape&, const TaskView&, double discount, const Optimum&, const DenseSolver&,
                        DirectScratch&, const Interrupt&);

// Values v[S] of a stationary stochastic policy [S][A].
void evaluate_directly(const Shape&, const TaskView&, double discount, const double* policy, double* values,
                       const DenseSolver&, DirectScratch&, const Interrupt&);

}  // namespace metarl_fast
