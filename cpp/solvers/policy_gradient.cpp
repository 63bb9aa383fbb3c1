// SPDX-License-Identifier: MIT
#include "policy_gradient.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "../elementary.hpp"
#include "bellman.hpp"
#include "recurrent_classes.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

[[noreturn]] void refuse(std::int64_t task, const char* what, std::int64_t state, const char* expected) {
  std::ostringstream message;
  message << "task " << task << what << state << expected;
  throw std::invalid_argument(message.str());
}

}  // namespace

void PolicyGradient::write_policy(const TaskView& task, std::int64_t index, const SoftmaxPolicyView& of) {
  policy_.assign(size(shape_.pairs()), 0.0);
  policy_turn_.assign(of.direction ? policy_.size() : 0, 0.0);
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    const std::int64_t first = s * shape_.actions, end = first + shape_.actions;
    double largest = -kInfinity, total = 0.0, mean = 0.0;
    for (std::int64_t pair = first; pair < end; ++pair) {
      if (available(shape_, task, pair)) largest = std::max(largest, of.preference[pair]);
    }
    if (largest == -kInfinity) {
      refuse(index, " has state ", s, ", in which the preference of every available action is -inf");
    }
    for (std::int64_t pair = first; pair < end; ++pair) {
      if (available(shape_, task, pair)) policy_[size(pair)] = portable_exp(of.preference[pair] - largest);
      total += policy_[size(pair)];
    }
    for (std::int64_t pair = first; pair < end; ++pair) policy_[size(pair)] /= total;
    if (!of.direction) continue;
    for (std::int64_t pair = first; pair < end; ++pair) mean += policy_[size(pair)] * of.direction[pair];
    for (std::int64_t pair = first; pair < end; ++pair) {
      policy_turn_[size(pair)] = policy_[size(pair)] * (of.direction[pair] - mean);
    }
  }
}

// values = pay + discount P values
void PolicyGradient::solve_backwards(const SparseModel& chain, const std::vector<double>& pay,
                                     bool keeps_factors, std::vector<double>& values,
                                     const Interrupt& interrupt) {
  eliminate(chain, {}, pay, {}, keeps_factors, envelope_, interrupt);
  values.resize(size(chain.states));
  envelope_.solve(values.data());
}

// discount sum_s' p(s' | s, a) x(s') - x(s), which loses nothing to a large x
double PolicyGradient::ahead(std::int64_t pair, const std::vector<double>& values) const {
  const SparseModel& model = *model_;
  const double here = values[size(pair / model.actions)];
  double sum = 0.0;
  for (std::int64_t k = model.begin[size(pair)]; k < model.begin[size(pair + 1)]; ++k) {
    sum += model.weight[size(k)] * (values[size(model.successor[size(k)])] - here);
  }
  return sum - model.excess[size(pair)] * here;
}

// d' and v' of the policy in `chain`, whose factors are there.
void PolicyGradient::find_turn(const SparseModel& chain, const Interrupt& interrupt) {
  const SparseModel& model = *model_;
  visits_turn_.assign(size(model.states), 0.0);
  pay_.assign(size(model.states), 0.0);
  for (std::int64_t i = 0; i < model.states; ++i) {
    for (std::int64_t a = 0; a < model.actions; ++a) {
      const std::int64_t pair = i * model.actions + a;
      const double turn = policy_turn_[size(model_.task_state(i) * model.actions + a)];
      if (!model.usable[size(pair)]) continue;
      pay_[size(i)] += turn * advantage_[size(pair)];
      const double flow = visits_[size(i)] * turn;
      visits_turn_[size(i)] += flow * model.stay[size(pair)];
      for (std::int64_t k = model.begin[size(pair)]; k < model.begin[size(pair + 1)]; ++k) {
        visits_turn_[size(model.successor[size(k)])] += flow * model.weight[size(k)];
      }
    }
  }
  envelope_.solve_visits(visits_turn_.data());
  solve_backwards(chain, pay_, false, values_turn_, interrupt);
}

double PolicyGradient::find(const TaskView& task, std::int64_t index, double discount,
                            const SoftmaxPolicyView& of, const SoftmaxGradient& out,
                            const Interrupt& interrupt) {
  write_policy(task, index, of);
  model_.take(shape_, task, discount, interrupt);
  const SparseModel& model = *model_;
  const SparseModel chain = model_.chain(policy_.data());
  if (discount == 1.0) {
    const RecurrentClasses classes = recurrent_classes(chain, interrupt);
    if (!classes.first.empty()) {
      refuse(index, " may go on for ever in state ", model_.task_state(classes.first.front()),
             ": give a horizon, or a discount below 1");
    }
  }
  solve_backwards(chain, chain.reward, true, values_, interrupt);
  visits_.resize(values_.size());
  double returns = 0.0;
  for (std::int64_t i = 0; i < model.states; ++i) {
    const std::int64_t s = model_.task_state(i);
    visits_[size(i)] = task.terminal[s] ? 0.0 : task.start[s];
    returns += visits_[size(i)] * values_[size(i)];
  }
  envelope_.solve_visits(visits_.data());
  advantage_.resize(size(model.pairs()));
  for (std::int64_t pair = 0; pair < model.pairs(); ++pair) {
    advantage_[size(pair)] = model.reward[size(pair)] + ahead(pair, values_);
  }
  if (of.direction) find_turn(chain, interrupt);
  std::fill_n(out.gradient, shape_.pairs(), 0.0);
  if (of.direction) std::fill_n(out.product, shape_.pairs(), 0.0);
  for (std::int64_t pair = 0; pair < model.pairs(); ++pair) {
    const std::int64_t i = pair / model.actions, s = model_.task_state(i);
    const std::int64_t place = s * model.actions + pair % model.actions;
    if (!model.usable[size(pair)] || task.terminal[s]) continue;
    const double pi = policy_[size(place)], d = visits_[size(i)], advantage = advantage_[size(pair)];
    out.gradient[place] = d * pi * advantage / model.scale;
    if (!of.direction) continue;
    const double turn = visits_turn_[size(i)] * pi + d * policy_turn_[size(place)];
    out.product[place] = (turn * advantage + d * pi * ahead(pair, values_turn_)) / model.scale;
  }
  return returns / model.scale;
}

// v and v' of a step from those of the next one.
void PolicyGradient::step_back(const TaskView& task, double discount, std::size_t step, bool turns) {
  const std::size_t states = size(shape_.states);
  const double* next = values_.data() + (step + 1) * states;
  const double* next_turn = turns ? values_turn_.data() + (step + 1) * states : nullptr;
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    if (task.terminal[s]) continue;
    double value = 0.0, turn = 0.0;
    for (std::int64_t pair = s * shape_.actions; pair < (s + 1) * shape_.actions; ++pair) {
      if (!available(shape_, task, pair)) continue;
      const double q = action_value(shape_, task, discount, next, pair).value;
      value += policy_[size(pair)] * q;
      if (!turns) continue;
      double later = 0.0;
      for (std::int64_t k = 0; k < shape_.outcomes; ++k) {
        later +=
            task.probability[pair * shape_.outcomes + k] * value_entered(shape_, task, next_turn, pair, k);
      }
      turn += policy_turn_[size(pair)] * q + policy_[size(pair)] * discount * later;
    }
    values_[step * states + size(s)] = value;
    if (turns) values_turn_[step * states + size(s)] = turn;
  }
}

// What the states of a step add, and d and d' of the next one.
void PolicyGradient::step_on(const TaskView& task, double discount, double weight, std::size_t step,
                             const SoftmaxGradient& out) {
  const bool turns = out.product != nullptr;
  const std::size_t states = size(shape_.states);
  const double *here = values_.data() + step * states, *next = here + states;
  const double* here_turn = turns ? values_turn_.data() + step * states : nullptr;
  next_.assign(states, 0.0);
  next_turn_.assign(states, 0.0);
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    const double d = visits_[size(s)], d_turn = visits_turn_[size(s)];
    if (task.terminal[s] || (d == 0.0 && d_turn == 0.0)) continue;
    for (std::int64_t pair = s * shape_.actions; pair < (s + 1) * shape_.actions; ++pair) {
      if (!available(shape_, task, pair)) continue;
      const double pi = policy_[size(pair)];
      const double taken_turn = turns ? d_turn * pi + d * policy_turn_[size(pair)] : 0.0;
      double later = 0.0;  // sum p v'
      for (std::int64_t k = 0; k < shape_.outcomes; ++k) {
        const std::int64_t place = pair * shape_.outcomes + k;
        const double p = task.probability[place];
        if (p == 0.0 || (!shape_.dense && task.terminated[place])) continue;
        const std::int64_t s_next = shape_.dense ? k : task.next_state[place];
        next_[size(s_next)] += d * pi * p;
        if (!turns) continue;
        next_turn_[size(s_next)] += taken_turn * p;
        later += p * here_turn[states + size(s_next)];
      }
      const double advantage = action_value(shape_, task, discount, next, pair).value - here[s];
      out.gradient[pair] += weight * d * pi * advantage;
      if (!turns) continue;
      out.product[pair] += weight * (taken_turn * advantage + d * pi * (discount * later - here_turn[s]));
    }
  }
}

double PolicyGradient::find_of_steps(const TaskView& task, std::int64_t index, const Criterion& criterion,
                                     const SoftmaxPolicyView& of, const SoftmaxGradient& out,
                                     const Interrupt& interrupt) {
  write_policy(task, index, of);
  const bool turns = of.direction != nullptr;
  const std::size_t steps = size(criterion.horizon), states = size(shape_.states);
  values_.assign((steps + 1) * states, 0.0);
  values_turn_.assign(turns ? values_.size() : 0, 0.0);
  for (std::size_t step = steps; step-- > 0;) {
    stop_if_asked(interrupt);
    step_back(task, criterion.discount, step, turns);
  }
  std::fill_n(out.gradient, shape_.pairs(), 0.0);
  if (turns) std::fill_n(out.product, shape_.pairs(), 0.0);
  visits_.assign(task.start, task.start + states);
  visits_turn_.assign(states, 0.0);
  const double returns = start_value(shape_, task, values_.data());
  double weight = 1.0;
  for (std::size_t step = 0; step < steps; ++step) {
    stop_if_asked(interrupt);
    step_on(task, criterion.discount, weight, step, out);
    visits_.swap(next_);
    visits_turn_.swap(next_turn_);
    weight *= criterion.discount;
  }
  return returns;
}

}  // namespace metarl_fast
