// SPDX-License-Identifier: MIT
#include "large_task.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "improvement.hpp"

namespace metarl_fast {
namespace {

constexpr double kMostMultiplications = 2e9;  // about a second
constexpr double kMostEntries = 3.2e7;        // 256 MB
constexpr std::int64_t kFewestRows = 4096;    // of a range that one thread sweeps
constexpr std::int64_t kMostRanges = 64;
constexpr int kPatience = 200;  // rounds in which values far below the largest may still settle

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// What one look at Tv - v finds.
struct Residual {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  double relative = 0.0;  // the largest |Tv - v| / |v|
  double largest_value = 0.0;

  void add(const Residual& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
    relative = std::max(relative, other.relative);
    largest_value = std::max(largest_value, other.largest_value);
  }
};

class LargeTask {
 public:
  LargeTask(const SparseModel& model, std::vector<double>& values, std::vector<std::int32_t>& policy,
            const Sweeps& sweeps, const RowLoop& rows)
      : model_(model),
        begin_(model.begin.data()),
        successor_(model.successor.data()),
        weight_(model.weight.data()),
        values_(values),
        next_(values),
        policy_(policy),
        sweeps_(sweeps),
        rows_(rows),
        rows_at_once_(std::max(kFewestRows, (model.states + kMostRanges - 1) / kMostRanges)),
        ends_(std::any_of(model.excess.begin(), model.excess.end(),
                          [&](double excess) { return excess != 1.0 - model.discount; })) {}

  std::int64_t solve(const Interrupt& interrupt) {
    const double rest = 1.0 - model_.discount;
    const double reachable = 32.0 * kRounding / rest;
    const double settled = std::max(kLargeTaskError * rest, 16.0 * kRounding);
    std::int64_t rounds = 0;
    for (int patience = kPatience; patience > 0;) {
      ++rounds;
      for (std::int64_t n = 0; n < sweeps_.greedy; ++n) {
        if (interrupt()) return 0;
        sweep(n % 2 == 0, true);
      }
      for (std::int64_t n = 0; n < sweeps_.policy && model_.actions > 1; ++n) {
        if (interrupt()) return 0;
        sweep(n % 2 == 0, false);
      }
      if (interrupt()) return 0;
      const Residual residual = look();
      const double factor = model_.discount / rest;
      // `next_` holds Tv. Where episodes end, the middle would move values that are far below the largest.
      const double middle = ends_ ? 0.0 : 0.5 * factor * (residual.least + residual.most);
      const double bound = ends_ ? factor * std::max(-residual.least, residual.most)
                                 : 0.5 * factor * (residual.most - residual.least);
      for (double& value : next_) value += middle;
      values_.swap(next_);
      const double wanted = std::min(sweeps_.absolute, sweeps_.relative * residual.largest_value);
      if (bound > std::max(wanted, reachable * residual.largest_value)) continue;
      if (residual.relative <= settled || !ends_ || !sweeps_.settle) return rounds;
      --patience;
    }
    return rounds;
  }

 private:
  double value_of(std::int64_t t, std::int64_t begin, std::int64_t end) const {
    return (t >= begin && t < end ? next_ : values_)[size(t)];
  }

  // Tv(s) - v(s) by the better action if asked, else by the policy's. States from `begin` to `end` count with
  // their newest value, others with that before the sweep, so that it does not matter who sweeps what when.
  double advantage(std::int64_t s, std::int64_t action, std::int64_t begin, std::int64_t end) const {
    const std::int64_t pair = s * model_.actions + action;
    const double value = value_of(s, begin, end);
    double differences = 0.0;
    for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
      differences += weight_[k] * (value_of(successor_[k], begin, end) - value);
    }
    return model_.reward[size(pair)] + differences - model_.excess[size(pair)] * value;
  }
  double best_advantage(std::int64_t s, std::int64_t begin, std::int64_t end) {
    std::int32_t& action = policy_[size(s)];
    double best = advantage(s, action, begin, end);
    const std::int32_t incumbent = action;
    for (std::int64_t a = 0; a < model_.actions; ++a) {
      if (a == incumbent || !model_.usable[size(s * model_.actions + a)]) continue;
      const double other = advantage(s, a, begin, end);
      if (other > best) {
        best = other;
        action = static_cast<std::int32_t>(a);
      }
    }
    return best;
  }

  // Gauss-Seidel within ranges, Jacobi between them.
  void sweep(bool forward, bool greedy) {
    rows_(model_.states, rows_at_once_, [&](std::int64_t begin, std::int64_t end) {
      std::copy(values_.data() + begin, values_.data() + end, next_.data() + begin);
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t s = forward ? i : begin + end - 1 - i;
        next_[size(s)] += greedy ? best_advantage(s, begin, end) : advantage(s, policy_[size(s)], begin, end);
      }
    });
    values_.swap(next_);
  }

  // Leaves Tv in `next_`.
  Residual look() {
    std::vector<Residual> parts(size((model_.states + rows_at_once_ - 1) / rows_at_once_));
    rows_(model_.states, rows_at_once_, [&](std::int64_t begin, std::int64_t end) {
      Residual part;
      for (std::int64_t s = begin; s < end; ++s) {
        const double value = values_[size(s)];
        const double change = best_advantage(s, 0, 0);
        next_[size(s)] = value + change;
        const double relative = change == 0.0 ? 0.0 : std::fabs(change / value);
        part.add({change, change, relative, std::fabs(value)});
      }
      parts[size(begin / rows_at_once_)] = part;
    });
    Residual all;
    for (const Residual& part : parts) all.add(part);
    return all;
  }

  const SparseModel& model_;
  const std::int64_t* const begin_;
  const std::int32_t* const successor_;
  const double* const weight_;
  std::vector<double>& values_;
  std::vector<double> next_;
  std::vector<std::int32_t>& policy_;
  const Sweeps sweeps_;
  const RowLoop& rows_;
  const std::int64_t rows_at_once_;
  const bool ends_;  // whether an episode may end
};

}  // namespace

bool is_too_large_to_eliminate(const EliminationCost& cost) {
  return cost.multiplications > kMostMultiplications || cost.entries > kMostEntries;
}

std::int64_t solve_large(const SparseModel& model, std::vector<double>& values,
                         std::vector<std::int32_t>& policy, const Sweeps& sweeps, const Interrupt& interrupt,
                         const RowLoop& rows) {
  return LargeTask(model, values, policy, sweeps, rows).solve(interrupt);
}

SparseModel under_policy(const SparseModel& model, const double* policy) {
  SparseModel chain;
  chain.states = model.states;
  chain.actions = 1;
  chain.discount = model.discount;
  chain.scale = model.scale;
  chain.largest_reward = model.largest_reward;
  chain.begin.push_back(0);
  for (std::int64_t s = 0; s < model.states; ++s) {
    double reward = 0.0;
    double reward_size = 0.0;
    double excess = 0.0;
    double stay = 0.0;
    for (std::int64_t pair = s * model.actions; pair < (s + 1) * model.actions; ++pair) {
      const double p = policy[pair];
      if (p == 0.0) continue;
      for (std::int64_t k = model.begin[size(pair)]; k < model.begin[size(pair + 1)]; ++k) {
        chain.successor.push_back(model.successor[size(k)]);
        chain.weight.push_back(p * model.weight[size(k)]);
      }
      reward += p * model.reward[size(pair)];
      reward_size += p * model.reward_size[size(pair)];
      excess += p * model.excess[size(pair)];
      stay += p * model.stay[size(pair)];
    }
    chain.begin.push_back(static_cast<std::int64_t>(chain.successor.size()));
    chain.reward.push_back(reward);
    chain.reward_size.push_back(reward_size);
    chain.excess.push_back(excess);
    chain.stay.push_back(stay);
    chain.usable.push_back(1);
  }
  return chain;
}

}  // namespace metarl_fast
