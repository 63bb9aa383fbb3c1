// SPDX-License-Identifier: MIT
// Values of given policies, and their gaps to the optimum, one task at a time.
#include "../engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "../kernel/kernel.hpp"
#include "../parallel.hpp"
#include "../solvers/direct_solver.hpp"
#include "../solvers/finite_horizon.hpp"
#include "../task_checks.hpp"
#include "policies_of.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Policies without a horizon; one thread's, reused from task to task.
class EndlessEvaluation {
 public:
  EndlessEvaluation(const Shape& shape, double discount, const DenseSolver& dense)
      : shape_(shape), discount_(discount), solver_(shape, discount, dense), values_(size(shape.states)) {}

  // Values [policies][S] or null, and returns [policies] or null.
  void evaluate(const TaskView& task, const Policies& policies, double* values, double* returns,
                const Interrupt& interrupt, const RowLoop& rows) {
    solver_.take(task, interrupt);
    for (std::int64_t p = 0; p < policies.count && !interrupt(); ++p) {
      double* v = values ? values + p * shape_.states : values_.data();
      write_probabilities(shape_, task, policies.at(shape_, p, 0), probability_);
      solver_.evaluate(probability_.data(), v, interrupt, rows);
      if (returns) returns[p] = start_value(shape_, task, v);
    }
  }

  // How much less than the optimum the policies return, [policies].
  void find_gaps(const TaskView& task, const Policies& policies, const double* optimal_values, double* gaps,
                 const Interrupt& interrupt, const RowLoop& rows) {
    if (discount_ == 1.0) return find_gaps_to_the_end(task, policies, optimal_values, gaps, interrupt, rows);
    evaluate(paid_losses(task, optimal_values), policies, nullptr, gaps, interrupt, rows);
  }

 private:
  // The same task, paid what its actions lose.
  TaskView paid_losses(const TaskView& task, const double* optimal_values) {
    loss_.resize(size(shape_.pairs()));
    losses(shape_, task, discount_, optimal_values, loss_.data(), loss_scratch_);
    TaskView paid = task;
    paid.reward = loss_.data();
    if (shape_.dense) return paid;
    loss_of_outcome_.resize(size(shape_.probabilities()));
    for (std::int64_t pair = 0; pair < shape_.pairs(); ++pair) {
      std::fill_n(loss_of_outcome_.begin() + pair * shape_.outcomes, shape_.outcomes, loss_[size(pair)]);
    }
    paid.reward = loss_of_outcome_.data();
    return paid;
  }

  // At discount 1 a policy may also lose by never ending: all if that costs, else what it could have had
  // where it rests, which it loses at no step.
  void find_gaps_to_the_end(const TaskView& task, const Policies& policies, const double* optimal_values,
                            double* gaps, const Interrupt& interrupt, const RowLoop& rows) {
    const double best = start_value(shape_, task, optimal_values);
    const TaskView paid = paid_losses(task, optimal_values);
    for (std::int64_t p = 0; p < policies.count && !interrupt(); ++p) {
      const Policies one{policies.at(shape_, p, 0)};
      double earned = 0.0;
      if (!ends(task, one, &earned, interrupt, rows)) {
        gaps[p] = std::numeric_limits<double>::infinity();
        continue;
      }
      const double difference = best - earned;
      const bool known = ends(paid, one, gaps + p, interrupt, rows);
      const double rounding = kAlike * (std::fabs(best) + std::fabs(earned));
      if (!known || difference - gaps[p] > rounding) gaps[p] = difference;
    }
  }

  bool ends(const TaskView& task, const Policies& policy, double* returned, const Interrupt& interrupt,
            const RowLoop& rows) {
    try {
      evaluate(task, policy, nullptr, returned, interrupt, rows);
      return true;
    } catch (const NeverEnds&) {
      return false;
    }
  }

  Shape shape_;
  double discount_;
  DirectSolver solver_;
  LossScratch loss_scratch_;
  std::vector<double> values_;
  std::vector<double> loss_;
  std::vector<double> loss_of_outcome_;
  std::vector<double> probability_;
};

void start_values(const Shape& shape, const TaskView& task, const double* values, std::int64_t policies,
                  double* out) {
  for (std::int64_t p = 0; p < policies; ++p) out[p] = start_value(shape, task, values + p * shape.states);
}

void evaluate_for_ever(const TaskBatch& batch, double discount, const EvaluateArrays& arrays,
                       const RunOptions& options) {
  const Shape& shape = batch.shape();
  const DenseSolver& dense = *kernels().dense_solver;
  const double states = static_cast<double>(shape.states);
  const double work = static_cast<double>(arrays.num_policies) * static_cast<double>(shape.probabilities()) *
                      (shape.dense ? 1.0 + states : 20.0);
  for_each_block(
      batch.size(), 1, work, options,
      [&] {
        return [&, buffer = TaskBuffer(shape), evaluation = EndlessEvaluation(shape, discount, dense)](
                   std::int64_t i, Pulse& pulse) mutable {
          const TaskView task = batch.load(i, buffer, pulse.interrupt());
          const Policies policies = policies_of(shape, arrays, i);
          const std::int64_t place = i * arrays.num_policies;
          double* values = arrays.values ? arrays.values + place * shape.states : nullptr;
          double* returns = arrays.returns ? arrays.returns + place : nullptr;
          try {
            if (values || returns) {
              evaluation.evaluate(task, policies, values, returns, pulse.interrupt(), pulse.row_loop());
              // At discount 1 states that no start leads to may cost for ever.
              if (values && discount < 1.0) check_values(values, arrays.num_policies * shape.states, i);
              if (returns) check_values(returns, arrays.num_policies, i);
            }
          } catch (const NeverEnds& found) {
            refuse(i, found);
          }
          if (arrays.gaps) {
            evaluation.find_gaps(task, policies, arrays.optimal_values + i * shape.states,
                                 arrays.gaps + place, pulse.interrupt(), pulse.row_loop());
          }
          return std::int64_t{1};
        };
      },
      shares_rows(shape, discount));
}

void evaluate_episodes(const TaskBatch& batch, double discount, const std::int64_t* horizon,
                       const EvaluateArrays& arrays, const RunOptions& options) {
  const Shape& shape = batch.shape();
  const std::int64_t p = arrays.num_policies;
  const double work = 20.0 * static_cast<double>(p * shape.probabilities());
  for_each_block(batch.size(), 1, work, options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = FiniteScratch(),
            room = std::vector<double>(size(p * shape.states))](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const Criterion criterion{discount, horizon[i]};
      const Policies policies = policies_of(shape, arrays, i);
      if (arrays.values || arrays.returns) {
        double* values = arrays.values ? arrays.values + i * p * shape.states : room.data();
        evaluate_steps(shape, task, criterion, policies, values, scratch, pulse.interrupt());
        check_values(values, p * shape.states, i);
        if (arrays.returns) start_values(shape, task, values, p, arrays.returns + i * p);
      }
      if (arrays.gaps) {
        find_gaps_of_steps(shape, task, criterion, policies, room.data(), scratch, pulse.interrupt());
        start_values(shape, task, room.data(), p, arrays.gaps + i * p);
      }
      return std::int64_t{1};
    };
  });
}

}  // namespace

void evaluate(const TaskBatch& batch, double discount, const std::int64_t* horizon,
              const EvaluateArrays& arrays, const RunOptions& options) {
  require(discount >= 0.0 && discount <= 1.0, "discount", discount, "0 to 1");
  require(horizon || arrays.num_steps == 1, "num_steps", static_cast<double>(arrays.num_steps),
          "1 when there is no horizon");
  if (arrays.gaps && !horizon && !arrays.optimal_values) {
    throw std::invalid_argument("gaps without a horizon need optimal_values");
  }
  for (std::int64_t i = 0; horizon && i < batch.size(); ++i) {
    require(horizon[i] >= 1 && (arrays.num_steps == 1 || horizon[i] <= arrays.num_steps), "horizon",
            static_cast<double>(horizon[i]), "at least 1, at most the steps of the policy");
  }
  horizon ? evaluate_episodes(batch, discount, horizon, arrays, options)
          : evaluate_for_ever(batch, discount, arrays, options);
}

}  // namespace metarl_fast
