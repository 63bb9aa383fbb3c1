// SPDX-License-Identifier: MIT
// Which action to take next: thresholds with which policy iteration neither cycles nor stops early.
//
// Actions are compared by their advantages over the value v_s of the policy now followed, the incumbent,
//
//     adv(s, a) = r + discount sum_k p_k (v_k - v_s) - (1 - discount) v_s,
//
// whose rounding is small where the values of neighbours are alike, however large they are. Two sizes bound
// it: `local`, of the terms themselves, and `full`, of the values that they are differences of.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace metarl_fast {

constexpr double kRounding = std::numeric_limits<double>::epsilon();
constexpr double kNoise = 64.0 * kRounding;        // of an advantage, in units of `local`
constexpr double kValueNoise = 256.0 * kRounding;  // of the values, in units of `full`
constexpr double kAlike = 1e-9;                    // what a tie may cost, in units of (1 - discount) v_s

// After so many rounds in which all gains were within the values' noise, nothing is left to be gained.
constexpr int kWeakRounds = 9;
constexpr int kMostRounds = 1000;

struct TermSizes {
  double local;  // |r| + discount sum p |v_k - v_s| + (1 - discount) |v_s|
  double full;   // |r| + discount sum p |v_k| + |v_s|
};

enum class Gain { none, weak, strong };

// Which one it is cannot be foreseen, so there is no branch on it.
static inline std::int32_t first_largest(const double* numbers, std::int64_t n) {
  std::int32_t best = 0;
  double largest = numbers[0];
  for (std::int32_t k = 1; k < n; ++k) {
    const std::int32_t more = -static_cast<std::int32_t>(numbers[k] > largest);
    best = (k & more) | (best & ~more);
    largest = numbers[k] > largest ? numbers[k] : largest;
  }
  return best;
}

static inline TermSizes larger(const TermSizes& a, const TermSizes& b) {
  return {a.local < b.local ? b.local : a.local, a.full < b.full ? b.full : a.full};
}

// Replaces `action` by the best one if that is better for certain. `sizes(a)` gives an action's sizes;
// `bound` is at least as large as any action's full size.
template <class Sizes>
static inline Gain improve(const double* advantage, std::int64_t actions, std::int32_t& action, double bound,
                           const Sizes& sizes) {
  const std::int32_t best = first_largest(advantage, actions);
  const double gain = advantage[best] - advantage[action];
  if (!(gain > 0.0)) return Gain::none;
  bool strong = gain > kValueNoise * bound;
  if (!strong) {
    const TermSizes size = larger(sizes(best), sizes(action));
    if (!(gain > kNoise * size.local)) return Gain::none;
    strong = gain > kValueNoise * size.full;
  }
  action = best;
  return strong ? Gain::strong : Gain::weak;
}

// What a round changes. Gains within the values' noise wait for a round that has no others: beside these,
// two of them can undo what was gained, and the policies go round in a circle.
class Changes {
 public:
  void add(std::int64_t state, std::int32_t action, Gain gain) {
    if (gain == Gain::none) return;
    if (gain > largest_) changes_.clear();
    if (gain < largest_) return;
    largest_ = gain;
    changes_.push_back({state, action});
  }
  Gain largest() const { return largest_; }

  // Hands each state and its new action to `take`, and begins the next round.
  template <class Take>
  void make(const Take& take) {
    for (const Change& change : changes_) take(change.state, change.action);
    clear();
  }
  void clear() {
    changes_.clear();
    largest_ = Gain::none;
  }

 private:
  struct Change {
    std::int64_t state;
    std::int32_t action;
  };
  std::vector<Change> changes_;
  Gain largest_ = Gain::none;
};

// Below which an advantage smaller than the best one is a tie.
static inline double tie(const TermSizes& size, double discount, double value) {
  const double alike = kAlike * (1.0 - discount) * std::fabs(value);
  const double noise = kValueNoise * size.full;
  return (noise < alike ? noise : alike) + kNoise * size.local;
}

// The first action that ties with the best. Turns advantages into action values, in place: ties have the
// value of the state, the others less, if only by one unit in the last place. `direct(a)` is r + discount sum
// p v, which is the more accurate for actions that are worth much less than the best.
template <class Sizes, class Direct>
static inline std::int32_t finish(double* advantage, std::int64_t actions, double discount, double value,
                                  double bound, const Sizes& sizes, const Direct& direct) {
  const double best = advantage[first_largest(advantage, actions)];
  std::int32_t first = -1;
  for (std::int64_t a = 0; a < actions; ++a) {
    const double gap = best - advantage[a];
    const bool equal =
        gap == 0.0 || (gap <= (kNoise + kValueNoise) * bound && gap <= tie(sizes(a), discount, value));
    if (equal) {
      if (first < 0) first = static_cast<std::int32_t>(a);
      advantage[a] = value;
    } else if (std::isinf(gap)) {
      advantage[a] = -std::numeric_limits<double>::infinity();  // not available
    } else {
      const double worth = 2.0 * gap <= std::fabs(value) ? value - gap : direct(a);
      advantage[a] = worth < value ? worth : std::nextafter(value, -std::numeric_limits<double>::infinity());
    }
  }
  return first;
}

}  // namespace metarl_fast
