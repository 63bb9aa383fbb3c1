// SPDX-License-Identifier: MIT
// The average reward criterion (Puterman 1994, chapters 8 and 9): a policy's gain g, what it earns a step in
// the long run, and its bias h, how much more than that it earns in all from a state on,
//
//   g = P g,   h = r - g + P h,   and in each recurrent class the bias has the mean 0,
//
// and the policy of the best gain, by policy iteration for tasks of several classes (section 9.2): actions
// are improved in P_a g first, and where that is equal in r_a - g + P_a h. After the end of an episode
// nothing is earned: gain and bias are 0.
//
// A class is valued by what happens between two visits to its first state: its gain is the reward of such a
// cycle by the cycle's length. All sums are found by an elimination that subtracts nothing (envelope.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "envelope.hpp"
#include "improvement.hpp"
#include "ordered_model.hpp"
#include "recurrent_classes.hpp"

namespace metarl_fast {

// Where what is found of one task goes. Classes are numbered by their first states; -1: transient.
struct LongRun {
  double* gain;                   // [S]
  double* bias;                   // [S]
  std::int32_t* recurrent_class;  // [S]
  std::int32_t* classes;          // how many; the end is one, if episodes may end
};

// One thread's solver of tasks of one shape.
class AverageReward {
 public:
  explicit AverageReward(const Shape& shape) : shape_(shape) {}

  // Makes `task` the one to be solved. Throws std::invalid_argument for one too large to be eliminated.
  void take(const TaskView& task, const Interrupt&);

  // A policy [S] of the best gain in every state, and its own gain and bias. Returns the policies valued.
  std::int64_t solve(std::int32_t* policy, const LongRun&, const Interrupt&);

  // Those of a stationary stochastic policy [S][A].
  void evaluate(const double* policy, const LongRun&, const Interrupt&);

 private:
  struct Advantage {
    double value;
    TermSizes sizes;
  };
  void value(const SparseModel& chain, const Interrupt&);
  void solve_sums(const SparseModel& chain, const std::vector<double>& pay, const std::vector<double>& closed,
                  std::vector<double>& sums, const Interrupt&);
  double over_cycle(const SparseModel& chain, std::int64_t first, double pay,
                    const std::vector<double>& sums) const;
  void find_gains(const SparseModel& chain, const Interrupt&);
  void find_biases(const SparseModel& chain, const Interrupt&);
  Gain improve_gains();
  Gain improve_biases();
  double change(std::int64_t pair, const std::vector<double>& v, TermSizes& sizes) const;
  Advantage gain_advantage(std::int64_t pair) const;
  Advantage bias_advantage(std::int64_t pair) const;
  void write(const LongRun&) const;

  const Shape shape_;
  OrderedModel model_;
  Envelope envelope_;
  RecurrentClasses classes_;
  std::vector<double> gain_, bias_;       // [S]
  std::vector<double> cycle_;             // [classes], mean steps between two visits to the first state
  std::vector<double> pay_, sums_, own_;  // [S]
  std::vector<double> closed_;            // [classes]
  std::vector<std::int32_t> policy_;      // [S]
  std::vector<double> advantage_;         // [A]
  Changes changes_;
};

}  // namespace metarl_fast
