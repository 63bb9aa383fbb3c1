// SPDX-License-Identifier: MIT
// Planning: optimal values, and values of given policies, one task at a time.
#include "../engine.hpp"

#include <vector>

#include "../parallel.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

double entries(const Shape& shape) { return static_cast<double>(shape.probabilities()); }

// A guess, to tell small planning from large.
constexpr double kSweeps = 100.0;

void check(const Criterion& criterion) {
  require(criterion.horizon >= 0, "horizon", static_cast<double>(criterion.horizon), ">= 0");
  require(criterion.discount >= 0.0 && criterion.discount <= 1.0, "discount", criterion.discount, "0 to 1");
  require(criterion.horizon > 0 || criterion.discount < 1.0, "discount", criterion.discount,
          "below 1 when there is no horizon");
  require(criterion.tolerance > 0.0, "tolerance", criterion.tolerance, "a number above 0");
}

}  // namespace

void solve(const TaskBatch& batch, const Criterion& criterion, const SolveArrays& out,
           const RunOptions& options) {
  check(criterion);
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
