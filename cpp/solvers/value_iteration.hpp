// SPDX-License-Identifier: MIT
// Optimal values by sweeps, with a bound that holds (Puterman 1994, sections 6.3 and 6.6). If every state's
// best advantage over v lies between `low` and `high`, then
//   v + low / (1 - discount) <= v* <= v + high / (1 - discount)        (MacQueen 1966),
// and what rounding adds to the advantages is known. Without terminations the values are kept as a common
// base and small differences from it, and the base moves to the middle of the bounds after each sweep: then
// only the differences have to converge, which they do as fast as the task mixes, and a large base costs no
// digits.
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "bellman.hpp"
#include "policy_iteration.hpp"

namespace metarl_fast {

// Room that one thread reuses from task to task.
struct SweepScratch {
  std::vector<double> difference;
  std::vector<double> best;
};

// Values v[S], action values q[S][A] and a greedy policy[S], the first best action. Its
// bound is how far a value may be from v*: at most `tolerance`, and `tolerance` times the largest value, if
// doubles can hold that, else what they can.
Solved value_iteration(const Shape&, const TaskView&, double discount, double tolerance, double* values,
                       double* q_values, std::int32_t* policy, SweepScratch&, const Interrupt&);

}  // namespace metarl_fast
