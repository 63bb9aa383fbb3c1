// SPDX-License-Identifier: MIT
#include "finite_horizon.hpp"

#include <algorithm>

#include "patience.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Below this weight the rewards of the last steps can no longer be seen in any sum; only rounding still
// moves.
constexpr double kForgotten = 1e-300;

bool same(const std::vector<double>& previous, const double* values) {
  return std::equal(previous.begin(), previous.end(), values);
}

// q(s, a) with the sizes of its terms, for every pair.
void look_ahead(const Shape& shape, const TaskView& task, double discount, const double* values,
                std::vector<Expected>& q, Patience& patience) {
  q.resize(size(shape.pairs()));
  for (std::int64_t pair = 0; pair < shape.pairs() && !patience.ends(shape.outcomes); ++pair) {
    q[size(pair)] = available(shape, task, pair) ? action_value(shape, task, discount, values, pair)
                                                 : Expected{kNever, 0.0};
  }
}

// v(s) = max_a q(s, a), and the first action that has it.
void take_best(const Shape& shape, const std::vector<Expected>& q, double* values, std::int32_t* policy) {
  for (std::int64_t s = 0; s < shape.states; ++s) {
    const auto row = q.begin() + s * shape.actions;
    const auto best = std::max_element(
        row, row + shape.actions, [](const Expected& a, const Expected& b) { return a.value < b.value; });
    values[s] = best->value;
    if (policy != nullptr) policy[s] = static_cast<std::int32_t>(best - row);
  }
}

// v(s) = reward(s) + discount * sum_s' p(s' | s) v(s') along a chain.
void step_back(const Chain& chain, const std::vector<double>& reward, double discount,
               const std::vector<double>& previous, double* values, Patience& patience) {
  for (std::size_t s = 0; s < reward.size(); ++s) {
    double expected = 0.0;
    for (std::int64_t k = chain.begin[s]; k < chain.begin[s + 1]; ++k) {
      expected += chain.weight[size(k)] * previous[size(chain.successor[size(k)])];
    }
    values[s] = reward[s] + discount * expected;
    if (patience.ends(chain.begin[s + 1] - chain.begin[s])) return;
  }
}

// The chains of all policies at one step.
void follow_all(const Shape& shape, const TaskView& task, const Policies& policies, std::int64_t step,
                FiniteScratch& scratch) {
  scratch.probability.resize(size(policies.count));
  scratch.chain.resize(size(policies.count));
  for (std::int64_t p = 0; p < policies.count; ++p) {
    write_probabilities(shape, task, policies.at(shape, p, step), scratch.probability[size(p)]);
    follow(shape, task, scratch.probability[size(p)], scratch.chain[size(p)]);
  }
}

// Values of all policies, backwards. Before each step `pay` brings scratch.pay [S][A] up to date, and says
// whether it may still change.
template <class Pay>
void accumulate(const Shape& shape, const TaskView& task, const Criterion& criterion,
                const Policies& policies, double* values, FiniteScratch& scratch, Patience& patience,
                Pay pay) {
  std::fill_n(values, policies.count * shape.states, 0.0);
  scratch.reward.resize(size(shape.states));
  const bool stationary = policies.steps == 1;
  double weight = 1.0;
  for (std::int64_t step = criterion.horizon - 1; step >= 0; --step) {
    bool changed = pay();
    if (!stationary || step == criterion.horizon - 1) follow_all(shape, task, policies, step, scratch);
    for (std::int64_t p = 0; p < policies.count; ++p) {
      double* v = values + p * shape.states;
      scratch.previous.assign(v, v + shape.states);
      expected_pay(shape, scratch.probability[size(p)], scratch.pay.data(), scratch.reward.data());
      step_back(scratch.chain[size(p)], scratch.reward, criterion.discount, scratch.previous, v, patience);
      if (patience.ends(shape.states)) return;
      changed = changed || !same(scratch.previous, v);
    }
    weight *= criterion.discount;
    if (stationary && (!changed || weight < kForgotten)) return;
  }
}

}  // namespace

void backward_induction(const Shape& shape, const TaskView& task, const Criterion& criterion, double* values,
                        double* q_values, std::int32_t* policy, std::int32_t* plan, FiniteScratch& scratch,
                        const Interrupt& interrupt) {
  Patience patience(interrupt);
  double weight = 1.0;
  std::fill_n(values, shape.states, 0.0);
  for (std::int64_t step = criterion.horizon - 1; step >= 0; --step) {
    scratch.previous.assign(values, values + shape.states);
    look_ahead(shape, task, criterion.discount, scratch.previous.data(), scratch.action_values, patience);
    if (patience.ends(0)) return;
    take_best(shape, scratch.action_values, values, policy);
    if (plan != nullptr) std::copy_n(policy, shape.states, plan + step * shape.states);
    weight *= criterion.discount;
    if (!same(scratch.previous, values) && weight >= kForgotten) continue;
    for (std::int64_t t = 0; plan != nullptr && t < step; ++t) {
      std::copy_n(policy, shape.states, plan + t * shape.states);
    }
    break;
  }
  std::transform(scratch.action_values.begin(), scratch.action_values.end(), q_values,
                 [](const Expected& q) { return q.value; });
}

void evaluate_steps(const Shape& shape, const TaskView& task, const Criterion& criterion,
                    const Policies& policies, double* values, FiniteScratch& scratch,
                    const Interrupt& interrupt) {
  Patience patience(interrupt);
  expected_rewards(shape, task, scratch.pay);
  accumulate(shape, task, criterion, policies, values, scratch, patience, [] { return false; });
}

void find_gaps_of_steps(const Shape& shape, const TaskView& task, const Criterion& criterion,
                        const Policies& policies, double* gaps, FiniteScratch& scratch,
                        const Interrupt& interrupt) {
  Patience patience(interrupt);
  scratch.pay.resize(size(shape.pairs()));
  scratch.best.assign(size(shape.states), 0.0);
  const auto pay_losses = [&] {
    scratch.previous = scratch.best;
    look_ahead(shape, task, criterion.discount, scratch.previous.data(), scratch.action_values, patience);
    take_best(shape, scratch.action_values, scratch.best.data(), nullptr);
    losses(shape, scratch.action_values, scratch.pay.data());
    return !same(scratch.previous, scratch.best.data());
  };
  accumulate(shape, task, criterion, policies, gaps, scratch, patience, pay_losses);
}

}  // namespace metarl_fast
