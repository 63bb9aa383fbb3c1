// SPDX-License-Identifier: MIT
// Gradients of the returns of softmax policies, one task at a time.
#include "../solvers/policy_gradient.hpp"

#include <algorithm>

#include "../engine.hpp"
#include "../parallel.hpp"
#include "../task_checks.hpp"

namespace metarl_fast {

void policy_gradient(const TaskBatch& batch, double discount, const std::int64_t* horizon,
                     const PolicyGradientArrays& arrays, const RunOptions& options) {
  require(discount >= 0.0 && discount <= 1.0, "discount", discount, "0 to 1");
  const Shape& shape = batch.shape();
  double longest = 10.0;  // an elimination, in sweeps
  for (std::int64_t i = 0; horizon && i < batch.size(); ++i) {
    require(horizon[i] >= 1, "horizon", static_cast<double>(horizon[i]), "at least 1");
    longest = std::max(longest, static_cast<double>(horizon[i]));
  }
  const double work = 4.0 * longest * static_cast<double>(shape.probabilities());
  for_each_block(batch.size(), 1, work, options, [&] {
    return [&, buffer = TaskBuffer(shape), solver = PolicyGradient(shape)](std::int64_t i,
                                                                           Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer, pulse.interrupt());
      const std::int64_t pairs = shape.pairs(), place = i * pairs;
      const SoftmaxPolicyView of = {
          arrays.preference + (arrays.shared_preference ? 0 : place),
          arrays.direction ? arrays.direction + (arrays.shared_direction ? 0 : place) : nullptr};
      const SoftmaxGradient out = {arrays.gradient + place,
                                   arrays.direction ? arrays.product + place : nullptr};
      arrays.returns[i] =
          horizon ? solver.find_of_steps(task, i, {discount, horizon[i]}, of, out, pulse.interrupt())
                  : solver.find(task, i, discount, of, out, pulse.interrupt());
      check_values(out.gradient, pairs, i);
      if (out.product) check_values(out.product, pairs, i);
      return std::int64_t{1};
    };
  });
}

}  // namespace metarl_fast
