// SPDX-License-Identifier: MIT
#include "occupancy.hpp"

#include <algorithm>
#include <limits>

#include "patience.hpp"

namespace metarl_fast {
namespace {

constexpr double kForgotten = 0x1p-1074;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void Occupancy::take(const TaskView& task, double discount, const Interrupt& interrupt) {
  task_ = task;
  model_.take(shape_, task, discount, interrupt);
}

// Recurrent classes, at discount 1, are closed at their first states.
void Occupancy::eliminate(const SparseModel& chain, const Interrupt& interrupt) {
  classes_ = chain.discount == 1.0 ? recurrent_classes(chain, interrupt) : RecurrentClasses{};
  const std::vector<double> nothing(size(chain.states), 0.0);
  metarl_fast::eliminate(chain, classes_, nothing, nothing, true, envelope_, interrupt);
}

void Occupancy::start_and_solve() {
  visits_.resize(size(shape_.states));
  for (std::int64_t i = 0; i < shape_.states; ++i) {
    const std::int64_t s = model_.task_state(i);
    visits_[size(i)] = task_.terminal[s] ? 0.0 : task_.start[s];
  }
  envelope_.solve_visits(visits_.data());
}

void Occupancy::visits(const std::vector<double>& policy, double* visits, const Interrupt& interrupt) {
  eliminate(model_.chain(policy.data()), interrupt);
  start_and_solve();
  if (model_->discount == 1.0) {  // a class that is entered is never left
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      const std::int32_t of = classes_.of[size(s)];
      if (of < 0 || classes_.first[size(of)] == s) continue;
      const bool entered = visits_[size(classes_.first[size(of)])] > 0.0;
      visits_[size(s)] = entered ? std::numeric_limits<double>::infinity() : 0.0;
    }
    for (const std::int32_t first : classes_.first) {
      if (visits_[size(first)] > 0.0) visits_[size(first)] = std::numeric_limits<double>::infinity();
    }
  }
  write(policy, visits);
}

// A class's share is how likely one ends up in it; within it, that of a cycle from its first state back
// there.
void Occupancy::shares(const std::vector<double>& policy, double* shares, const Interrupt& interrupt) {
  const SparseModel chain = model_.chain(policy.data());
  eliminate(chain, interrupt);
  start_and_solve();
  later_.assign(size(shape_.states), 0.0);
  for (const std::int32_t first : classes_.first) {
    const double likely = visits_[size(first)];
    for (std::int64_t k = chain.begin[size(first)]; k < chain.begin[size(first + 1)]; ++k) {
      later_[size(chain.successor[size(k)])] += likely * chain.weight[size(k)];
    }
  }
  envelope_.solve_visits(later_.data());
  for (const std::int32_t first : classes_.first) later_[size(first)] = visits_[size(first)];
  std::vector<double> cycle(classes_.first.size(), 0.0);
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    if (classes_.of[size(s)] >= 0) cycle[size(classes_.of[size(s)])] += later_[size(s)];
  }
  std::vector<double> likely(classes_.first.size());
  for (std::size_t c = 0; c < likely.size(); ++c) likely[c] = visits_[size(classes_.first[c])];
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    const std::int32_t of = classes_.of[size(s)];
    const bool visited = of >= 0 && cycle[size(of)] > 0.0;
    visits_[size(s)] = visited ? likely[size(of)] * (later_[size(s)] / cycle[size(of)]) : 0.0;
  }
  write(policy, shares);
}

void Occupancy::write(const std::vector<double>& policy, double* out) const {
  for (std::int64_t i = 0; i < shape_.states; ++i) {
    const std::int64_t s = model_.task_state(i);
    for (std::int64_t pair = s * shape_.actions; pair < (s + 1) * shape_.actions; ++pair) {
      const double p = policy[size(pair)];
      out[pair] = task_.terminal[s] || p == 0.0 ? 0.0 : visits_[size(i)] * p;
    }
  }
}

void visits_of_steps(const Shape& shape, const TaskView& task, const Criterion& criterion,
                     const Policies& policies, std::int64_t policy, double* visits,
                     const Interrupt& interrupt) {
  Patience patience(interrupt);
  Chain chain;
  std::vector<double> probability;
  std::vector<double> now(task.start, task.start + shape.states);
  std::vector<double> next(now.size());
  std::fill_n(visits, shape.pairs(), 0.0);
  double weight = 1.0;
  for (std::int64_t step = 0; step < criterion.horizon && weight >= kForgotten; ++step) {
    if (step == 0 || policies.steps > 1) {
      write_probabilities(shape, task, policies.at(shape, policy, step), probability);
      follow(shape, task, probability, chain);
    }
    std::fill(next.begin(), next.end(), 0.0);
    double left = 0.0;
    for (std::int64_t s = 0; s < shape.states; ++s) {
      const double here = task.terminal[s] ? 0.0 : now[size(s)];
      if (here == 0.0) continue;
      left += here;
      for (std::int64_t a = 0; a < shape.actions; ++a) {
        visits[s * shape.actions + a] += weight * here * probability[size(s * shape.actions + a)];
      }
      if (patience.ends(chain.begin[size(s + 1)] - chain.begin[size(s)] + shape.actions)) return;
      for (std::int64_t k = chain.begin[size(s)]; k < chain.begin[size(s + 1)]; ++k) {
        next[size(chain.successor[size(k)])] += here * chain.weight[size(k)];
      }
    }
    if (left == 0.0) return;
    now.swap(next);
    weight *= criterion.discount;
  }
}

}  // namespace metarl_fast
