// SPDX-License-Identifier: MIT
// How the return of a softmax policy moves with its preferences, exactly. With pi(a | s) = exp(h(s, a)) /
// sum_b exp(h(s, b)), visits d = start + discount d P and advantages A = q - v under pi,
//
//   dJ / dh(s, a) = d(s) pi(a | s) A(s, a)
//
// (Sutton, McAllester, Singh and Mansour, NIPS 2000; Sutton and Barto, 2nd ed., section 13.2). The product of
// the Hessian and a direction u is how that moves along u. Writing x' for the derivative of x along u,
//
//   pi' = pi (u - sum_b pi u),  v' = sum_a pi' A + discount P v',  d' = discount (d pi' + d' pi) P:
//
// two more solves of the same two chains. With a horizon all of this goes step by step, v and v' backwards, d
// and d' forwards.
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "envelope.hpp"
#include "finite_horizon.hpp"
#include "ordered_model.hpp"

namespace metarl_fast {

struct SoftmaxPolicyView {
  const double* preference;  // h [S][A]; of what is not available, whatever
  const double* direction;   // u [S][A], or null
};

// [S][A], 0 where actions are not available; product is there if a direction is.
struct SoftmaxGradient {
  double* gradient;
  double* product;
};

// One thread's, of tasks of one shape.
class PolicyGradient {
 public:
  explicit PolicyGradient(const Shape& shape) : shape_(shape) {}

  // Both return J. Without a horizon, at discount 1, the policy has to end: std::invalid_argument names the
  // task, number `index`.
  double find(const TaskView& task, std::int64_t index, double discount, const SoftmaxPolicyView&,
              const SoftmaxGradient& out, const Interrupt&);
  double find_of_steps(const TaskView& task, std::int64_t index, const Criterion&, const SoftmaxPolicyView&,
                       const SoftmaxGradient& out, const Interrupt&);

 private:
  void write_policy(const TaskView&, std::int64_t index, const SoftmaxPolicyView&);
  void solve_backwards(const SparseModel& chain, const std::vector<double>& pay, bool keeps_factors,
                       std::vector<double>& values, const Interrupt&);
  double ahead(std::int64_t pair, const std::vector<double>& values) const;
  void find_turn(const SparseModel& chain, const Interrupt&);
  void step_back(const TaskView&, double discount, std::size_t step, bool turns);
  void step_on(const TaskView&, double discount, double weight, std::size_t step, const SoftmaxGradient& out);

  const Shape shape_;
  OrderedModel model_;
  Envelope envelope_;
  std::vector<double> policy_, policy_turn_;  // pi, pi' [S][A]
  std::vector<double> advantage_;             // A, in the model's order
  std::vector<double> values_, values_turn_;  // v, v', of the model's states; or [steps + 1][S]
  std::vector<double> visits_, visits_turn_;  // d, d'; of one step
  std::vector<double> next_, next_turn_;      // of the next step
  std::vector<double> pay_;
};

}  // namespace metarl_fast
