// SPDX-License-Identifier: MIT
#include "average_reward.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace metarl_fast {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void AverageReward::take(const TaskView& task, const Interrupt& interrupt) {
  model_.take(shape_, task, 1.0, interrupt);
  gain_.resize(size(model_->states));
  bias_.resize(size(model_->states));
  advantage_.resize(size(model_->actions));
}

// sums = pay + P sums but in the classes' first states, whose sums are given; the end has sum 0.
void AverageReward::solve_sums(const SparseModel& chain, const std::vector<double>& pay,
                               const std::vector<double>& closed, std::vector<double>& sums,
                               const Interrupt& interrupt) {
  eliminate(chain, classes_, pay, closed, false, envelope_, interrupt);
  sums.resize(size(chain.states));
  envelope_.solve(sums.data());
}

// From a visit to a class's first state to the next one, if `sums` are 0 there.
double AverageReward::over_cycle(const SparseModel& chain, std::int64_t first, double pay,
                                 const std::vector<double>& sums) const {
  double sum = pay;
  for (std::int64_t k = chain.begin[size(first)]; k < chain.begin[size(first + 1)]; ++k) {
    sum += chain.weight[size(k)] * sums[size(chain.successor[size(k)])];
  }
  return sum;
}

// g of a class = reward of a cycle / its length; elsewhere the mean of where one ends up.
void AverageReward::find_gains(const SparseModel& chain, const Interrupt& interrupt) {
  const std::size_t classes = classes_.first.size();
  closed_.assign(classes, 0.0);
  cycle_.resize(classes);
  own_.assign(size(chain.states), 1.0);
  solve_sums(chain, own_, closed_, sums_, interrupt);
  for (std::size_t c = 0; c < classes; ++c) cycle_[c] = over_cycle(chain, classes_.first[c], 1.0, sums_);
  solve_sums(chain, chain.reward, closed_, sums_, interrupt);
  for (std::size_t c = 0; c < classes; ++c) {
    const std::int64_t first = classes_.first[c];
    closed_[c] = over_cycle(chain, first, chain.reward[size(first)], sums_) / cycle_[c];
  }
  if (std::find(classes_.of.begin(), classes_.of.end(), -1) != classes_.of.end()) {
    own_.assign(size(chain.states), 0.0);
    solve_sums(chain, own_, closed_, gain_, interrupt);
  }
  for (std::int64_t s = 0; s < chain.states; ++s) {
    const std::int32_t of = classes_.of[size(s)];
    if (of >= 0) gain_[size(s)] = closed_[size(of)];
  }
}

// h from r - g, first with 0 in the classes' first states, then less the class's mean.
void AverageReward::find_biases(const SparseModel& chain, const Interrupt& interrupt) {
  pay_.resize(size(chain.states));
  for (std::int64_t s = 0; s < chain.states; ++s) pay_[size(s)] = chain.reward[size(s)] - gain_[size(s)];
  closed_.assign(classes_.first.size(), 0.0);
  solve_sums(chain, pay_, closed_, bias_, interrupt);
  solve_sums(chain, bias_, closed_, sums_, interrupt);
  for (std::size_t c = 0; c < closed_.size(); ++c) {
    closed_[c] = -over_cycle(chain, classes_.first[c], 0.0, sums_) / cycle_[c];
  }
  solve_sums(chain, pay_, closed_, bias_, interrupt);
}

void AverageReward::value(const SparseModel& chain, const Interrupt& interrupt) {
  classes_ = recurrent_classes(chain, interrupt);
  find_gains(chain, interrupt);
  find_biases(chain, interrupt);
}

// (P_a v)(s) - v(s); adds to the sizes of its terms.
double AverageReward::change(std::int64_t pair, const std::vector<double>& v, TermSizes& sizes) const {
  const double here = v[size(pair / model_->actions)];
  const double ends = model_->excess[size(pair)];
  double change = -ends * here;
  sizes.local += ends * std::fabs(here);
  sizes.full += std::fabs(here);
  for (std::int64_t k = model_->begin[size(pair)]; k < model_->begin[size(pair + 1)]; ++k) {
    const double there = v[size(model_->successor[size(k)])];
    change += model_->weight[size(k)] * (there - here);
    sizes.local += model_->weight[size(k)] * std::fabs(there - here);
    sizes.full += model_->weight[size(k)] * std::fabs(there);
  }
  return change;
}

AverageReward::Advantage AverageReward::gain_advantage(std::int64_t pair) const {
  Advantage found{};
  found.value = change(pair, gain_, found.sizes);
  return found;
}

// r_a(s) - g(s) + (P_a h)(s) - h(s).
AverageReward::Advantage AverageReward::bias_advantage(std::int64_t pair) const {
  const double gain = gain_[size(pair / model_->actions)];
  const double paid = model_->reward_size[size(pair)] + std::fabs(gain);
  Advantage found{0.0, {paid, paid}};
  found.value = model_->reward[size(pair)] - gain + change(pair, bias_, found.sizes);
  return found;
}

Gain AverageReward::improve_gains() {
  changes_.clear();
  for (std::int64_t s = 0; s < model_->states; ++s) {
    const std::int64_t first = s * model_->actions;
    for (std::int64_t a = 0; a < model_->actions; ++a) {
      advantage_[size(a)] = model_->usable[size(first + a)] ? gain_advantage(first + a).value : -kInfinite;
    }
    std::int32_t action = policy_[size(s)];
    const Gain gain = improve(advantage_.data(), model_->actions, action, kInfinite,
                              [&](std::int64_t a) { return gain_advantage(first + a).sizes; });
    if (gain == Gain::strong) changes_.add(s, action, gain);
  }
  return changes_.largest();
}

// Among the actions that keep the gain.
Gain AverageReward::improve_biases() {
  changes_.clear();
  for (std::int64_t s = 0; s < model_->states; ++s) {
    const std::int64_t first = s * model_->actions;
    for (std::int64_t a = 0; a < model_->actions; ++a) {
      double& advantage = advantage_[size(a)];
      advantage = -kInfinite;
      if (!model_->usable[size(first + a)]) continue;
      const auto [gained, sizes] = gain_advantage(first + a);
      if (a != policy_[size(s)] && -gained > kNoise * sizes.local + kValueNoise * sizes.full) continue;
      advantage = bias_advantage(first + a).value;
    }
    std::int32_t action = policy_[size(s)];
    const Gain gain = improve(advantage_.data(), model_->actions, action, kInfinite,
                              [&](std::int64_t a) { return bias_advantage(first + a).sizes; });
    changes_.add(s, action, gain);
  }
  return changes_.largest();
}

std::int64_t AverageReward::solve(std::int32_t* policy, const LongRun& out, const Interrupt& interrupt) {
  policy_.resize(size(model_->states));
  for (std::int64_t s = 0; s < model_->states; ++s) {
    policy_[size(s)] = static_cast<std::int32_t>(model_->first_usable(s));
  }
  int weak_rounds = 0;
  int rounds = 0;
  while (rounds++ < kMostRounds) {
    value(model_.chain(policy_), interrupt);
    if (improve_gains() == Gain::none) {
      const Gain gain = improve_biases();
      if (gain == Gain::none || (gain == Gain::weak && ++weak_rounds == kWeakRounds)) break;
    }
    changes_.make([&](std::int64_t s, std::int32_t action) { policy_[size(s)] = action; });
  }
  for (std::int64_t i = 0; i < model_->states; ++i) policy[model_.task_state(i)] = policy_[size(i)];
  write(out);
  return std::min(rounds, kMostRounds);
}

void AverageReward::evaluate(const double* policy, const LongRun& out, const Interrupt& interrupt) {
  value(model_.chain(policy), interrupt);
  write(out);
}

// Classes get the numbers that they have in the task's own order of states.
void AverageReward::write(const LongRun& out) const {
  for (std::int64_t i = 0; i < model_->states; ++i) {
    out.gain[model_.task_state(i)] = gain_[size(i)] / model_->scale;
    out.bias[model_.task_state(i)] = bias_[size(i)] / model_->scale;
    out.recurrent_class[model_.task_state(i)] = classes_.of[size(i)];
  }
  std::vector<std::int32_t> number(classes_.first.size(), -1);
  std::int32_t count = 0;
  for (std::int64_t s = 0; s < model_->states; ++s) {
    std::int32_t& of = out.recurrent_class[s];
    if (of < 0) continue;
    if (number[size(of)] < 0) number[size(of)] = count++;
    of = number[size(of)];
  }
  *out.classes = count + classes_.ends;
}

}  // namespace metarl_fast
