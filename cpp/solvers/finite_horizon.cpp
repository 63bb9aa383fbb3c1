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

// The first action of largest q(s, a), and all of q[A] with the sizes of its terms.
std::int64_t take_best(const PreparedTask& task, std::int64_t state, std::int64_t actions, double discount,
                       const double* values, Expected* q) {
  std::int64_t best = 0;
  double most = kNever;
  for (std::int64_t a = 0; a < actions; ++a) {
    q[a] = task(state * actions + a, discount, values);
    if (q[a].value > most) {
      best = a;
      most = q[a].value;
    }
  }
  return best;
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
// whether it had to.
template <class Pay>
void accumulate(const Shape& shape, const TaskView& task, const Criterion& criterion,
                const Policies& policies, double* values, FiniteScratch& scratch, Patience& patience,
                Pay pay) {
  std::fill_n(values, policies.count * shape.states, 0.0);
  scratch.reward.resize(size(policies.count));
  const bool stationary = policies.steps == 1;
  double weight = 1.0;
  for (std::int64_t step = criterion.horizon - 1; step >= 0; --step) {
    bool changed = pay();
    const bool begins = step == criterion.horizon - 1;
    if (!stationary || begins) follow_all(shape, task, policies, step, scratch);
    const bool pays_anew = changed || !stationary || begins;
    for (std::int64_t p = 0; p < policies.count; ++p) {
      double* v = values + p * shape.states;
      std::vector<double>& reward = scratch.reward[size(p)];
      scratch.previous.assign(v, v + shape.states);
      if (pays_anew) {
        reward.resize(size(shape.states));
        expected_pay(shape, scratch.probability[size(p)], scratch.pay.data(), reward.data());
      }
      step_back(scratch.chain[size(p)], reward, criterion.discount, scratch.previous, v, patience);
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
  scratch.task.take(shape, task, patience);
  scratch.action_values.resize(size(shape.pairs()));
  std::fill_n(values, shape.states, 0.0);
  for (std::int64_t step = criterion.horizon - 1; step >= 0; --step) {
    scratch.previous.assign(values, values + shape.states);
    for (std::int64_t s = 0; s < shape.states; ++s) {
      if (patience.ends(shape.actions * shape.outcomes)) return;
      Expected* q = scratch.action_values.data() + s * shape.actions;
      const std::int64_t best =
          take_best(scratch.task, s, shape.actions, criterion.discount, scratch.previous.data(), q);
      values[s] = q[best].value;
      policy[s] = static_cast<std::int32_t>(best);
    }
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
  scratch.task.take(shape, task, patience);
  scratch.pay.resize(size(shape.pairs()));
  scratch.best.assign(size(shape.states), 0.0);
  scratch.action_values.resize(size(shape.actions));
  bool settled = false;  // what is best no longer changes, nor then what is lost
  const auto pay_losses = [&] {
    if (settled) return false;
    scratch.previous = scratch.best;
    for (std::int64_t s = 0; s < shape.states; ++s) {
      if (patience.ends(shape.actions * shape.outcomes)) break;
      Expected* q = scratch.action_values.data();
      const std::int64_t best =
          take_best(scratch.task, s, shape.actions, criterion.discount, scratch.previous.data(), q);
      scratch.best[size(s)] = q[best].value;
      losses(q, shape.actions, best, scratch.pay.data() + s * shape.actions);
    }
    settled = same(scratch.previous, scratch.best.data());
    return true;
  };
  accumulate(shape, task, criterion, policies, gaps, scratch, patience, pay_losses);
}

}  // namespace metarl_fast
