// SPDX-License-Identifier: MIT
// Planning: optimal values, one task at a time.
#include "../engine.hpp"

#include <algorithm>
#include <vector>

#include "../kernel/kernel.hpp"
#include "../parallel.hpp"
#include "../solvers/direct_solver.hpp"
#include "../solvers/finite_horizon.hpp"
#include "../solvers/side_by_side.hpp"
#include "../solvers/value_iteration.hpp"
#include "../task_checks.hpp"

namespace metarl_fast {
namespace {

double entries(const Shape& shape) { return static_cast<double>(shape.probabilities()); }

// A guess, to tell small planning from large.
constexpr double kSweeps = 100.0;

// Of a few eliminations, in table entries.
double elimination_work(const Shape& shape) {
  if (!shape.dense) return kSweeps * entries(shape);
  const double states = static_cast<double>(shape.states);
  return entries(shape) + states * states * states / 8.0;
}

// What one task's solution took.
void write_solved(const SolveArrays& out, std::int64_t task, const Solved& found) {
  if (out.iterations) out.iterations[task] = found.iterations;
  if (out.error_bound) out.error_bound[task] = found.error_bound;
}

void solve_side_by_side(const TaskBatch& batch, double discount, const SolveArrays& out,
                        const RunOptions& options) {
  const Shape& shape = batch.shape();
  const DenseSolver& dense = *kernels().dense_solver;
  for_each_block(batch.size(), kSideBySide, elimination_work(shape), options, [&] {
    return [&, buffers = std::vector<TaskBuffer>(kSideBySide, TaskBuffer(shape)),
            lanes = SideBySide(shape, discount, dense)](std::int64_t block, Pulse& pulse) mutable {
      const std::int64_t first = block * kSideBySide;
      const int count = static_cast<int>(std::min<std::int64_t>(kSideBySide, batch.size() - first));
      TaskView tasks[kSideBySide];
      Optimum optima[kSideBySide] = {};
      Solved found[kSideBySide];
      for (int k = 0; k < count; ++k) {
        const std::int64_t i = first + k;
        tasks[k] = batch.load(i, buffers[static_cast<std::size_t>(k)], pulse.interrupt());
        optima[k] = {out.values + i * shape.states, out.q_values + i * shape.pairs(),
                     out.policy + i * shape.states};
      }
      lanes.solve(tasks, count, optima, found, pulse.interrupt());
      for (int k = 0; k < count; ++k) {
        check_values(optima[k].values, shape.states, first + k);
        out.returns[first + k] = start_value(shape, tasks[k], optima[k].values);
        write_solved(out, first + k, found[k]);
      }
      return std::int64_t{count};
    };
  });
}

}  // namespace

void policy_iteration(const TaskBatch& batch, double discount, const SolveArrays& out,
                      const RunOptions& options) {
  require(discount >= 0.0 && discount <= 1.0, "discount", discount, "0 to 1");
  const Shape& shape = batch.shape();
  if (discount < 1.0 && fit_side_by_side(shape)) return solve_side_by_side(batch, discount, out, options);
  const DenseSolver& dense = *kernels().dense_solver;
  for_each_block(
      batch.size(), 1, elimination_work(shape), options,
      [&] {
        return [&, buffer = TaskBuffer(shape), solver = DirectSolver(shape, discount, dense)](
                   std::int64_t i, Pulse& pulse) mutable {
          const TaskView task = batch.load(i, buffer, pulse.interrupt());
          const Optimum optimum{out.values + i * shape.states, out.q_values + i * shape.pairs(),
                                out.policy + i * shape.states};
          try {
            solver.take(task, pulse.interrupt());
            write_solved(out, i, solver.solve(optimum, pulse.interrupt(), pulse.row_loop()));
          } catch (const NeverEnds& found) {
            refuse(i, found);
          }
          out.returns[i] = start_value(shape, task, optimum.values);
          if (discount < 1.0) {
            check_values(optimum.values, shape.states, i);
          } else {  // states that no start leads to may cost for ever
            check_values(out.returns + i, 1, i);
          }
          return std::int64_t{1};
        };
      },
      shares_rows(shape, discount));
}

void value_iteration(const TaskBatch& batch, double discount, double tolerance, const SolveArrays& out,
                     const RunOptions& options) {
  require(discount >= 0.0 && discount < 1.0, "discount", discount, "0 to below 1");
  require(tolerance > 0.0, "tolerance", tolerance, "a number above 0");
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, kSweeps * entries(shape), options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = SweepScratch()](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      double* values = out.values + i * shape.states;
      const Solved found =
          value_iteration(shape, task, discount, tolerance, values, out.q_values + i * shape.pairs(),
                          out.policy + i * shape.states, scratch, pulse.interrupt());
      write_solved(out, i, found);
      check_values(values, shape.states, i);
      out.returns[i] = start_value(shape, task, values);
      return std::int64_t{1};
    };
  });
}

void modified_policy_iteration(const TaskBatch& batch, double discount, double tolerance, std::int64_t sweeps,
                               const SolveArrays& out, const RunOptions& options) {
  require(discount >= 0.0 && discount < 1.0, "discount", discount, "0 to below 1");
  require(tolerance > 0.0, "tolerance", tolerance, "a number above 0");
  require(sweeps >= 1, "sweeps", static_cast<double>(sweeps), "at least 1");
  const Shape& shape = batch.shape();
  for_each_block(
      batch.size(), 1, kSweeps * entries(shape), options,
      [&] {
        return
            [&, buffer = TaskBuffer(shape), scratch = SparseScratch()](std::int64_t i, Pulse& pulse) mutable {
              const TaskView task = batch.load(i, buffer, pulse.interrupt());
              const Optimum optimum{out.values + i * shape.states, out.q_values + i * shape.pairs(),
                                    out.policy + i * shape.states};
              write_solved(out, i,
                           solve_by_sweeps(shape, task, discount, tolerance, sweeps, scratch, optimum,
                                           pulse.interrupt(), pulse.row_loop()));
              check_values(optimum.values, shape.states, i);
              out.returns[i] = start_value(shape, task, optimum.values);
              return std::int64_t{1};
            };
      },
      shares_rows(shape, discount));
}

void backward_induction(const TaskBatch& batch, double discount, const std::int64_t* horizon,
                        const SolveArrays& out, std::int32_t* plan, std::int64_t longest,
                        const RunOptions& options) {
  require(discount >= 0.0 && discount <= 1.0, "discount", discount, "0 to 1");
  const Shape& shape = batch.shape();
  for (std::int64_t i = 0; i < batch.size(); ++i) {
    require(horizon[i] >= 1 && (plan == nullptr || horizon[i] <= longest), "horizon",
            static_cast<double>(horizon[i]), "at least 1, at most the longest");
  }
  for_each_block(batch.size(), 1, kSweeps * entries(shape), options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = FiniteScratch()](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      double* values = out.values + i * shape.states;
      std::int32_t* steps = plan ? plan + i * longest * shape.states : nullptr;
      if (steps) std::fill(steps + horizon[i] * shape.states, steps + longest * shape.states, -1);
      backward_induction(shape, task, {discount, horizon[i]}, values, out.q_values + i * shape.pairs(),
                         out.policy + i * shape.states, steps, scratch, pulse.interrupt());
      check_values(values, shape.states, i);
      out.returns[i] = start_value(shape, task, values);
      return std::int64_t{1};
    };
  });
}

}  // namespace metarl_fast
