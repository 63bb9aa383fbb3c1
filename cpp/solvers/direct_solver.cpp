// SPDX-License-Identifier: MIT
#include "direct_solver.hpp"

#include <sstream>
#include <stdexcept>

namespace metarl_fast {
namespace {

constexpr std::int64_t kManyStates = 10'000;

}  // namespace

void refuse(std::int64_t task, const NeverEnds& found) {
  std::ostringstream message;
  message << "discount is 1.0, but task " << task << " may go on for ever in state " << found.state
          << ", where rewards are not 0: give a horizon, or a discount below 1";
  throw std::invalid_argument(message.str());
}

bool shares_rows(const Shape& shape, double discount) {
  return (!shape.dense || discount == 1.0) && shape.states >= kManyStates;
}

DirectSolver::DirectSolver(const Shape& shape, double discount, const DenseSolver& dense)
    : shape_(shape), discount_(discount), dense_(dense) {}

void DirectSolver::take(const TaskView& task, const Interrupt& interrupt) {
  task_ = task;
  is_sparse_ = !shape_.dense || discount_ == 1.0 || is_really_sparse(shape_, task);
  if (is_sparse_) {
    prepare_sparse(shape_, task, discount_, sparse_scratch_, interrupt);
  } else if (!dense_scratch_) {
    dense_scratch_.emplace(shape_);
  }
}

Solved DirectSolver::solve(const Optimum& out, const Interrupt& interrupt, const RowLoop& rows) {
  if (is_sparse_) return solve_sparse(task_, sparse_scratch_, out, interrupt, rows);
  return policy_iteration(shape_, task_, discount_, out, dense_, *dense_scratch_, interrupt);
}

void DirectSolver::evaluate(const double* policy, double* values, const Interrupt& interrupt,
                            const RowLoop& rows) {
  if (is_sparse_) {
    evaluate_sparse(task_, policy, sparse_scratch_, values, interrupt, rows);
  } else {
    evaluate_directly(shape_, task_, discount_, policy, values, dense_, *dense_scratch_, interrupt);
  }
}

}  // namespace metarl_fast
