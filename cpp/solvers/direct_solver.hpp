// SPDX-License-Identifier: MIT
// Direct solves without a horizon, by the solver that suits the task: dense rows or compressed ones.
#pragma once

#include <optional>

#include "endless.hpp"
#include "policy_iteration.hpp"
#include "sparse_policy_iteration.hpp"

namespace metarl_fast {

// Says that a task at discount 1 never ends.
[[noreturn]] void refuse(std::int64_t task, const NeverEnds&);

// Whether one task may be worth more than one thread.
bool shares_rows(const Shape&, double discount);

// One thread's solver of tasks of one shape.
class DirectSolver {
 public:
  DirectSolver(const Shape&, double discount, const DenseSolver&);

  // Makes `task` the one to be solved; its arrays have to outlive that.
  void take(const TaskView& task, const Interrupt&);

  // At discount 1 both throw NeverEnds as in sparse_policy_iteration.hpp.
  Solved solve(const Optimum&, const Interrupt&, const RowLoop&);
  // Values v[S] of a stationary stochastic policy[S][A].
  void evaluate(const double* policy, double* values, const Interrupt&, const RowLoop&);

 private:
  Shape shape_;
  double discount_;
  const DenseSolver& dense_;
  TaskView task_;
  bool is_sparse_ = true;
  std::optional<DirectScratch> dense_scratch_;
  SparseScratch sparse_scratch_;
};

}  // namespace metarl_fast
