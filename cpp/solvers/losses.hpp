// SPDX-License-Identifier: MIT
// What it costs to take an action instead of the best one. A policy's gap to the optimum is the value of what
// it loses, discounted like rewards (Kakade and Langford 2002, lemma 6.1):
//   v*(s) - v_pi(s) = E_pi[ sum_t discount^t loss(s_t, a_t) ],  loss(s, a) = max_b q*(s, b) - q*(s, a).
// All terms are 0 or more, so that nothing cancels: the gap is right in relation to itself, however large the
// values are, and exactly 0 for a policy that takes best actions only.
#pragma once

#include <vector>

#include "bellman.hpp"

namespace metarl_fast {

// Room that one thread reuses from task to task.
struct LossScratch {
  std::vector<Expected> row;
};

// loss[S][A] from the optimal values v*[S] of the discounted problem; 0 where rounding could have made the
// difference, and where the action is not available.
void losses(const Shape&, const TaskView&, double discount, const double* values, double* loss, LossScratch&);

// The same of one state, loss[A] from q(s, a) [A] with the sizes of their terms, as they are found with so
// many steps left, of which the one at `best` is largest.
void losses(const Expected* q, std::int64_t actions, std::int64_t best, double* loss);

}  // namespace metarl_fast
