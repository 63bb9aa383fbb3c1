// SPDX-License-Identifier: MIT
// Planning: optimal values, and values of given policies, one task at a time.
#include "../engine.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "../kernel/kernel.hpp"
#include "../parallel.hpp"
#include "../solvers/endless.hpp"
#include "../solvers/policy_iteration.hpp"
#include "../solvers/sparse_policy_iteration.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

double entries(const Shape& shape) { return static_cast<double>(shape.probabilities()); }

// A guess, to tell small planning from large.
constexpr double kSweeps = 100.0;

void check(const Criterion& criterion) {
  require(criterion.horizon >= 0, "horizon", static_cast<double>(criterion.horizon), ">= 0");
  require(criterion.discount >= 0.0 && criterion.discount <= 1.0, "discount", criterion.discount, "0 to 1");
  require(criterion.tolerance > 0.0, "tolerance", criterion.tolerance, "a number above 0");
}

bool directly(const Criterion& criterion) { return criterion.horizon == 0 && !criterion.sweeps; }
bool by_rows_of_lists(const Shape& shape, const Criterion& criterion) {
  return !shape.dense || criterion.discount == 1.0;
}

[[noreturn]] void refuse(std::int64_t task, const NeverEnds& found) {
  std::ostringstream message;
  message << "discount is 1.0, but task " << task << " may go on for ever in state " << found.state
          << ", where rewards are not 0: give a horizon, or a discount below 1";
  throw std::invalid_argument(message.str());
}

// From here on a task may be worth more than one thread.
constexpr std::int64_t kManyStates = 10'000;

void solve_sparse_tasks(const TaskBatch& batch, const Criterion& criterion, const SolveArrays& out,
                        const RunOptions& options) {
  const Shape& shape = batch.shape();
  for_each_block(
      batch.size(), 1, kSweeps * entries(shape), options,
      [&] {
        return
            [&, buffer = TaskBuffer(shape), scratch = SparseScratch()](std::int64_t i, Pulse& pulse) mutable {
              const TaskView task = batch.load(i, buffer, pulse.interrupt());
              double* values = out.values + i * shape.states;
              prepare_sparse(shape, task, criterion.discount, scratch, pulse.interrupt());
              try {
                solve_sparse(task, scratch, values, out.q_values + i * shape.pairs(),
                             out.policy + i * shape.states, pulse.interrupt(), pulse.row_loop());
              } catch (const NeverEnds& found) {
                refuse(i, found);
              }
              out.returns[i] = start_value(shape, task, values);
              return std::int64_t{1};
            };
      },
      shape.states >= kManyStates);
}

void evaluate_sparse_tasks(const TaskBatch& batch, const Criterion& criterion, const EvaluateArrays& arrays,
                           const RunOptions& options) {
  const Shape& shape = batch.shape();
  for_each_block(
      batch.size(), 1, kSweeps * entries(shape), options,
      [&] {
        return [&, buffer = TaskBuffer(shape), scratch = SparseScratch(),
                room = std::vector<double>(size(shape.states))](std::int64_t i, Pulse& pulse) mutable {
          const TaskView task = batch.load(i, buffer, pulse.interrupt());
          prepare_sparse(shape, task, criterion.discount, scratch, pulse.interrupt());
          for (std::int64_t p = 0; p < arrays.num_policies && !pulse.stop_requested(); ++p) {
            const std::int64_t place = i * arrays.num_policies + p;
            const double* policy = arrays.policy + (arrays.policy_shared ? p : place) * shape.pairs();
            double* values = arrays.values ? arrays.values + place * shape.states : room.data();
            try {
              evaluate_sparse(task, policy, scratch, values, pulse.interrupt(), pulse.row_loop());
            } catch (const NeverEnds& found) {
              refuse(i, found);
            }
            arrays.returns[place] = start_value(shape, task, values);
          }
          return std::int64_t{1};
        };
      },
      shape.states >= kManyStates);
}

// Of a few eliminations, in table entries.
double elimination_work(const Shape& shape) {
  const double states = static_cast<double>(shape.states);
  return entries(shape) + states * states * states / 8.0;
}

// Rows of terminal states are not yet written as staying there; rows that are mostly 0 do better as lists.
bool goes_by_lists(const Shape& shape, const TaskView& task) {
  return is_really_sparse(shape, task) ||
         std::any_of(task.terminal, task.terminal + shape.states, [](std::uint8_t t) { return t != 0; });
}

void solve_dense_tasks(const TaskBatch& batch, const Criterion& criterion, const SolveArrays& out,
                       const RunOptions& options) {
  const Shape& shape = batch.shape();
  const DenseSolver& solver = *kernels().dense_solver;
  for_each_block(batch.size(), 1, elimination_work(shape), options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = DirectScratch(shape), sparse = SparseScratch()](
               std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const Optimum optimum{out.values + i * shape.states, out.q_values + i * shape.pairs(),
                            out.policy + i * shape.states};
      if (goes_by_lists(shape, task)) {
        prepare_sparse(shape, task, criterion.discount, sparse, pulse.interrupt());
        solve_sparse(task, sparse, optimum.values, optimum.q_values, optimum.policy, pulse.interrupt());
      } else {
        policy_iteration(shape, task, criterion.discount, optimum, solver, scratch, pulse.interrupt());
      }
      out.returns[i] = start_value(shape, task, optimum.values);
      return std::int64_t{1};
    };
  });
}

void evaluate_dense_tasks(const TaskBatch& batch, const Criterion& criterion, const EvaluateArrays& arrays,
                          const RunOptions& options) {
  const Shape& shape = batch.shape();
  const DenseSolver& solver = *kernels().dense_solver;
  const double work = static_cast<double>(arrays.num_policies) * elimination_work(shape);
  for_each_block(batch.size(), 1, work, options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = DirectScratch(shape), sparse = SparseScratch(),
            room = std::vector<double>(size(shape.states))](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const bool lists = goes_by_lists(shape, task);
      if (lists) prepare_sparse(shape, task, criterion.discount, sparse, pulse.interrupt());
      for (std::int64_t p = 0; p < arrays.num_policies && !pulse.stop_requested(); ++p) {
        const std::int64_t place = i * arrays.num_policies + p;
        const double* policy = arrays.policy + (arrays.policy_shared ? p : place) * shape.pairs();
        double* values = arrays.values ? arrays.values + place * shape.states : room.data();
        if (lists) {
          evaluate_sparse(task, policy, sparse, values, pulse.interrupt());
        } else {
          evaluate_directly(shape, task, criterion.discount, policy, values, solver, scratch,
                            pulse.interrupt());
        }
        arrays.returns[place] = start_value(shape, task, values);
      }
      return std::int64_t{1};
    };
  });
}

}  // namespace

void solve(const TaskBatch& batch, const Criterion& criterion, const SolveArrays& out,
           const RunOptions& options) {
  check(criterion);
  if (directly(criterion)) {
    return by_rows_of_lists(batch.shape(), criterion) ? solve_sparse_tasks(batch, criterion, out, options)
                                                      : solve_dense_tasks(batch, criterion, out, options);
  }
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, kSweeps * entries(batch.shape()), options, [&] {
    return
        [&, buffer = TaskBuffer(shape), scratch = PlanningScratch()](std::int64_t i, Pulse& pulse) mutable {
          const TaskView task = batch.load(i, buffer, pulse.interrupt());
          double* values = out.values + i * shape.states;
          std::int32_t* plan = out.plan ? out.plan + i * criterion.horizon * shape.states : nullptr;
          metarl_fast::solve(shape, task, criterion, values, out.q_values + i * shape.pairs(),
                             out.policy + i * shape.states, plan, scratch, pulse.interrupt());
          out.returns[i] = start_value(shape, task, values);
          return std::int64_t{1};
        };
  });
}

void evaluate(const TaskBatch& batch, const Criterion& criterion, const EvaluateArrays& arrays,
              const RunOptions& options) {
  check(criterion);
  if (directly(criterion)) {
    return by_rows_of_lists(batch.shape(), criterion)
               ? evaluate_sparse_tasks(batch, criterion, arrays, options)
               : evaluate_dense_tasks(batch, criterion, arrays, options);
  }
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, kSweeps * entries(batch.shape()), options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = PlanningScratch(),
            room = std::vector<double>(size(shape.states))](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      for (std::int64_t p = 0; p < arrays.num_policies && !pulse.stop_requested(); ++p) {
        const std::int64_t place = i * arrays.num_policies + p;
        const double* policy = arrays.policy + (arrays.policy_shared ? p : place) * shape.pairs();
        double* values = arrays.values ? arrays.values + place * shape.states : room.data();
        evaluate_policy(shape, task, criterion, policy, values, scratch, pulse.interrupt());
        arrays.returns[place] = start_value(shape, task, values);
      }
      return std::int64_t{1};
    };
  });
}

}  // namespace metarl_fast
