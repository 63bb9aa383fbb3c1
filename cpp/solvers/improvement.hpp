// SPDX-License-Identifier: MIT
// When policy iteration switches an action, stops, and calls two actions equally good: thresholds a few
// roundings wide, so that it neither cycles between ties nor stops early.
//
// In advantage form, where e_j = 0 after termination and v_j otherwise, and q(s, a) = v_s + advantage:
//
//   advantage(s, a) = r + discount sum_j p_j (e_j - v_s) - (1 - discount) v_s
//   local           = |r| + discount sum_j p_j |e_j| + (1 - discount) |v_s|      what was added up
//   full            = |r| + discount sum_j p_j |e_j| + |v_s|                     the same without cancelling
//
// Outcomes that stay in s contribute nothing to the advantage, not even a rounding.
#pragma once

#include <algorithm>
#include <limits>

namespace metarl_fast {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kGainThreshold = 64.0 * kEpsilon;     // of `local`: below it the incumbent stays
constexpr double kStrongThreshold = 256.0 * kEpsilon;  // of `full`: above it the switch is no rounding
constexpr double kTieThreshold = 1e-9;                 // of (1 - discount) |v_s|: what a tie may cost at most
constexpr int kWeakRounds = 8;                         // rounds of none but weak switches that are gone along
constexpr int kMostRounds = 1000;

// Whether an action whose advantage is larger than the incumbent's by `gain` takes its place.
inline bool is_better(double gain, double local) { return gain > kGainThreshold * local; }
inline bool is_strong(double gain, double full) { return gain > kStrongThreshold * full; }

// How far an action's advantage may lie below the best and still be called equally good. `rest` is
// (1 - discount) |v_s|. At discount 1 there is no such room: a tie may be a policy that never ends.
inline double tie_tolerance(double local, double full, double rest) {
  return std::min(kStrongThreshold * full, kTieThreshold * rest) + kGainThreshold * local;
}

// Counts the rounds of policy iteration and says when to stop.
class Rounds {
 public:
  bool go_on(bool any_switch, bool any_strong) {
    ++all_;
    if (!any_switch || all_ >= kMostRounds) return false;
    if (!any_strong) ++weak_;
    return any_strong || weak_ <= kWeakRounds;
  }

 private:
  int all_ = 0;
  int weak_ = 0;
};

}  // namespace metarl_fast
