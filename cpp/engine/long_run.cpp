// SPDX-License-Identifier: MIT
// The long run, and where policies spend their time, one task at a time.
#include <algorithm>
#include <vector>

#include "../engine.hpp"
#include "../parallel.hpp"
#include "../solvers/average_reward.hpp"
#include "../solvers/occupancy.hpp"
#include "../task_checks.hpp"
#include "policies_of.hpp"

namespace metarl_fast {
namespace {

// Of a few eliminations of outcome lists, in table entries.
double work_of(const Shape& shape, std::int64_t policies) {
  return 100.0 * static_cast<double>(policies) * static_cast<double>(shape.probabilities());
}

LongRun long_run_of(const Shape& shape, const LongRunArrays& out, std::int64_t place) {
  const std::int64_t first = place * shape.states;
  return {out.gain + first, out.bias + first, out.recurrent_class + first, out.classes + place};
}

}  // namespace

void average_reward(const TaskBatch& batch, std::int32_t* policy, std::int64_t* iterations,
                    const LongRunArrays& out, const RunOptions& options) {
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, work_of(shape, 1), options, [&] {
    return
        [&, buffer = TaskBuffer(shape), solver = AverageReward(shape)](std::int64_t i, Pulse& pulse) mutable {
          const TaskView task = batch.load(i, buffer, pulse.interrupt());
          const LongRun found = long_run_of(shape, out, i);
          solver.take(task, pulse.interrupt());
          iterations[i] = solver.solve(policy + i * shape.states, found, pulse.interrupt());
          check_values(found.gain, shape.states, i);
          check_values(found.bias, shape.states, i);
          out.returns[i] = start_value(shape, task, found.gain);
          return std::int64_t{1};
        };
  });
}

void gain_and_bias(const TaskBatch& batch, const EvaluateArrays& arrays, const LongRunArrays& out,
                   const RunOptions& options) {
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, work_of(shape, arrays.num_policies), options, [&] {
    return [&, buffer = TaskBuffer(shape), solver = AverageReward(shape),
            probability = std::vector<double>()](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const Policies policies = policies_of(shape, arrays, i);
      solver.take(task, pulse.interrupt());
      for (std::int64_t p = 0; p < policies.count; ++p) {
        const std::int64_t place = i * policies.count + p;
        const LongRun found = long_run_of(shape, out, place);
        write_probabilities(shape, task, policies.at(shape, p, 0), probability);
        solver.evaluate(probability.data(), found, pulse.interrupt());
        check_values(found.gain, shape.states, i);
        check_values(found.bias, shape.states, i);
        out.returns[place] = start_value(shape, task, found.gain);
      }
      return std::int64_t{1};
    };
  });
}

void occupancy(const TaskBatch& batch, double discount, const std::int64_t* horizon,
               const EvaluateArrays& arrays, double* visits, const RunOptions& options) {
  require(discount >= 0.0 && discount <= 1.0, "discount", discount, "0 to 1");
  const Shape& shape = batch.shape();
  for (std::int64_t i = 0; horizon && i < batch.size(); ++i) {
    require(horizon[i] >= 1 && (arrays.num_steps == 1 || horizon[i] <= arrays.num_steps), "horizon",
            static_cast<double>(horizon[i]), "at least 1, at most the steps of the policy");
  }
  for_each_block(batch.size(), 1, work_of(shape, arrays.num_policies), options, [&] {
    return [&, buffer = TaskBuffer(shape), solver = Occupancy(shape), probability = std::vector<double>()](
               std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const Policies policies = policies_of(shape, arrays, i);
      if (!horizon) solver.take(task, discount, pulse.interrupt());
      for (std::int64_t p = 0; p < policies.count; ++p) {
        double* const found = visits + (i * policies.count + p) * shape.pairs();
        if (horizon) {
          visits_of_steps(shape, task, {discount, horizon[i]}, policies, p, found, pulse.interrupt());
        } else {
          write_probabilities(shape, task, policies.at(shape, p, 0), probability);
          solver.visits(probability, found, pulse.interrupt());
        }
      }
      return std::int64_t{1};
    };
  });
}

void long_run_occupancy(const TaskBatch& batch, const EvaluateArrays& arrays, double* shares,
                        const RunOptions& options) {
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, work_of(shape, arrays.num_policies), options, [&] {
    return [&, buffer = TaskBuffer(shape), solver = Occupancy(shape), probability = std::vector<double>()](
               std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const Policies policies = policies_of(shape, arrays, i);
      solver.take(task, 1.0, pulse.interrupt());
      for (std::int64_t p = 0; p < policies.count; ++p) {
        write_probabilities(shape, task, policies.at(shape, p, 0), probability);
        solver.shares(probability, shares + (i * policies.count + p) * shape.pairs(), pulse.interrupt());
      }
      return std::int64_t{1};
    };
  });
}

}  // namespace metarl_fast
