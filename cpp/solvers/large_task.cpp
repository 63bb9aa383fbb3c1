// SPDX-License-Identifier: MIT
#include "large_task.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../elementary.hpp"
#include "improvement.hpp"

namespace metarl_fast {
namespace {

constexpr double kMostMultiplications = 2e9;  // about a second
constexpr double kMostEntries = 3.2e7;        // 256 MB
constexpr std::int64_t kFewestRows = 4096;    // of a range that one thread sweeps
constexpr std::int64_t kMostRanges = 64;
constexpr double kQuick = 0.6;         // the part of a policy's bound that a quick sweep leaves, or less
constexpr std::int64_t kOnTrial = 4;   // sweeps before it is judged whether they are quick
constexpr double kSurelyNearer = 0.1;  // a bound that is this part of the last known one, or less
constexpr double kGoodEnough = 0.1;  // the part of the bound down to which a policy that may change is valued
constexpr int kPatience = 200;       // rounds in which values far below the largest may still settle

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
double square(double x) { return x * x; }

// How far a sweep, or a look at Tv - v, moves values.
struct Moves {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  void add(const Moves& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
  }
  double largest() const { return std::max(-least, most); }
};

// What one look finds besides: the range of Tv, the largest |Tv - v| / |v|, whether a policy's action
// changed.
struct Look {
  Moves moves;
  Moves range;
  double relative = 0.0;
  bool switched = false;

  void add(const Look& other) {
    moves.add(other.moves);
    range.add(other.range);
    relative = std::max(relative, other.relative);
    switched = switched || other.switched;
  }
};

// How sweeps use new values: at once where episodes may end, or where too few sweeps follow a policy to judge
// them; else after, until those of a policy are not quick, and from then on at once.
enum class Way {
  after,   // when all are there (Jacobi): brings all up to a common constant, which the bounds know of
  at_once  // (Gauss and Seidel), there and back, staying solved for: carries rewards a long way in a sweep
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
        factor_(model.discount / (1.0 - model.discount)),
        quick_(std::max(kQuick, square(square(model.discount)))),
        ends_(std::any_of(model.excess.begin(), model.excess.end(),
                          [&](double excess) { return excess != 1.0 - model.discount; })),
        way_(ends_ || sweeps.policy <= kOnTrial ? Way::at_once : Way::after) {}

  std::int64_t solve(const Interrupt& interrupt) {
    const double rest = 1.0 - model_.discount;
    const double reachable = 32.0 * kRounding / rest;
    const double settled = std::max(kLargeTaskError * rest, 16.0 * kRounding);
    double known = std::numeric_limits<double>::infinity();  // what values were off at most, once
    int patience = kPatience;
    for (std::int64_t rounds = 1;; ++rounds) {
      if (interrupt()) return 0;
      const Look found = look();
      // `next_` holds Tv.
      values_.swap(next_);
      const double bound = bound_of(found.moves);
      const double middle = middle_of(found.moves);
      const double scale =
          std::max(std::fabs(found.range.least + middle), std::fabs(found.range.most + middle));
      const double wanted = std::max(std::min(sweeps_.absolute, sweeps_.relative * scale), reachable * scale);
      const bool close = bound <= wanted;
      if (rounds == 1) known = factor_ * found.moves.largest();
      // After sweeps at once the bounds may be wide though the values are not: to their middle only if that
      // is nearer for certain, else sweeps and such moves can drive each other away from the optimum.
      if (close || bound <= kSurelyNearer * known) {
        for (double& value : values_) value += middle;
        known = bound;
      }
      if (close && (found.relative <= settled || !ends_ || !sweeps_.settle || --patience == 0)) return rounds;
      // A policy that is not the last one is not worth being valued to the end.
      const double enough = std::max(found.switched ? kGoodEnough * bound : 0.0, 0.5 * wanted);
      follow(close ? 0.0 : enough, interrupt);
    }
  }

 private:
  // Of values that a sweep has moved so, how far they may be from those that no sweep moves.
  double bound_of(const Moves& moves) const {
    return ends_ ? factor_ * moves.largest() : 0.5 * factor_ * (moves.most - moves.least);
  }
  // Where episodes end, the middle would move values that are far below the largest.
  double middle_of(const Moves& moves) const {
    return ends_ ? 0.0 : 0.5 * factor_ * (moves.least + moves.most);
  }

  // Sweeps until the values of the policy found are known well enough.
  void follow(double enough, const Interrupt& interrupt) {
    for (std::int64_t n = 0; n < sweeps_.greedy && way_ == Way::at_once; ++n) {
      if (interrupt()) return;
      sweep(n % 2 == 0, true);
    }
    double if_quick = 0.0;  // what the bound would be by now, had each sweep been just quick
    for (std::int64_t n = 0; n < sweeps_.policy; ++n) {
      if (interrupt()) return;
      const Moves moves = sweep(n % 2 == 0, false);
      const double bound = way_ == Way::after ? bound_of(moves) : factor_ * moves.largest();
      if (bound <= enough) return;
      if_quick = n == 0 ? bound : if_quick * quick_;
      if (way_ == Way::after && n >= kOnTrial && bound > if_quick) {
        way_ = Way::at_once;
        return;
      }
    }
  }

  // Tv(s) - v(s) under one action. At once, states from `begin` to `end` count with their newest value,
  // others with that before the sweep, so that it does not matter who sweeps what when.
  template <Way way>
  double advantage(std::int64_t s, std::int64_t action, std::int64_t begin, std::int64_t end) const {
    const auto value_of = [&](std::int64_t t) {
      return (way == Way::at_once && t >= begin && t < end ? next_ : values_)[size(t)];
    };
    const std::int64_t pair = s * model_.actions + action;
    const double value = value_of(s);
    double differences = 0.0;
    for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
      differences += weight_[k] * (value_of(successor_[k]) - value);
    }
    const double gain = model_.reward[size(pair)] + differences - model_.excess[size(pair)] * value;
    return way == Way::at_once ? gain / (1.0 - model_.stay[size(pair)]) : gain;
  }
  // Makes the policy take the better action.
  template <Way way>
  double best_advantage(std::int64_t s, std::int64_t begin, std::int64_t end) {
    std::int32_t& action = policy_[size(s)];
    double best = advantage<way>(s, action, begin, end);
    const std::int32_t incumbent = action;
    for (std::int64_t a = 0; a < model_.actions; ++a) {
      if (a == incumbent || !model_.usable[size(s * model_.actions + a)]) continue;
      const double other = advantage<way>(s, a, begin, end);
      if (other > best) {
        best = other;
        action = static_cast<std::int32_t>(a);
      }
    }
    return best;
  }

  // By the better action if asked, else by the policy's.
  Moves sweep(bool forward, bool greedy) {
    const Moves moves = way_ == Way::after ? sweep_ranges<Way::after>(forward, greedy)
                                           : sweep_ranges<Way::at_once>(forward, greedy);
    values_.swap(next_);
    return moves;
  }
  template <Way way>
  Moves sweep_ranges(bool forward, bool greedy) {
    return for_ranges<Moves>([&](std::int64_t begin, std::int64_t end) {
      if (way == Way::at_once) std::copy(values_.data() + begin, values_.data() + end, next_.data() + begin);
      Moves moves;
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t s = forward ? i : begin + end - 1 - i;
        const double move =
            greedy ? best_advantage<way>(s, begin, end) : advantage<way>(s, policy_[size(s)], begin, end);
        next_[size(s)] = (way == Way::at_once ? next_ : values_)[size(s)] + move;
        moves.add({move, move});
      }
      return moves;
    });
  }

  // Leaves Tv in `next_`, and the policy greedy.
  Look look() {
    return for_ranges<Look>([&](std::int64_t begin, std::int64_t end) {
      Look all;
      for (std::int64_t s = begin; s < end; ++s) {
        const double value = values_[size(s)];
        const std::int32_t action = policy_[size(s)];
        const double move = best_advantage<Way::after>(s, 0, 0);
        next_[size(s)] = value + move;
        const double relative = move == 0.0 ? 0.0 : std::fabs(move / value);
        all.add({{move, move}, {value + move, value + move}, relative, policy_[size(s)] != action});
      }
      return all;
    });
  }

  // What `body` finds in each range of states, put together.
  template <class Found, class Body>
  Found for_ranges(const Body& body) {
    std::vector<Found> parts(size((model_.states + rows_at_once_ - 1) / rows_at_once_));
    rows_(model_.states, rows_at_once_, [&](std::int64_t begin, std::int64_t end) {
      parts[size(begin / rows_at_once_)] = body(begin, end);
    });
    Found all;
    for (const Found& part : parts) all.add(part);
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
  const double factor_;
  const double quick_;  // the part of the bound that a quick sweep leaves at this discount
  const bool ends_;     // whether an episode may end
  Way way_;
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
