// SPDX-License-Identifier: MIT
// Exact planning for one task, in double. The engine runs these over batches.
// Notation: q(s, a) = sum_k p_k (r_k + discount * v(s'_k)), v dropped where the outcome terminates
// (Sutton and Barto, chapters 3 and 4).
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"

namespace metarl_fast {

struct Criterion {
  double discount = 0.95;
  std::int64_t horizon = 0;  // 0: for ever
  double tolerance = 1e-8;   // for ever, by sweeps: largest error of a value
  bool sweeps = false;       // for ever: value iteration instead of policy iteration
};

// Room that one thread reuses from task to task.
struct PlanningScratch {
  std::vector<double> previous;
  std::vector<double> q_row;
  std::vector<std::int64_t> begin;  // of each state's successors under a policy
  std::vector<std::int32_t> successor;
  std::vector<double> weight;
  std::vector<double> reward;
};

// q(s, a) for all pairs from the values of the states entered.
void action_values(const Shape&, const TaskView&, double discount, const double* values, double* q_values);

// Optimal values v[S], action values q[S][A] and a greedy policy[S] (the first best action).
// With a horizon: those of the first step, by backward induction; `plan` [horizon][S] then takes the
// policy of every step if it is not null.
void solve(const Shape&, const TaskView&, const Criterion&, double* values, double* q_values,
           std::int32_t* policy, std::int32_t* plan, PlanningScratch&, const Interrupt&);

// Values v[S] of a stationary stochastic policy[S][A].
void evaluate_policy(const Shape&, const TaskView&, const Criterion&, const double* policy, double* values,
                     PlanningScratch&, const Interrupt&);

// Expectation of v over the start states.
double start_value(const Shape&, const TaskView&, const double* values);

}  // namespace metarl_fast
