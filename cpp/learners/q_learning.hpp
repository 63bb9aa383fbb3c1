// SPDX-License-Identifier: MIT
// Q-learning (Watkins 1989; Sutton and Barto, "Reinforcement Learning", 2nd ed., equation 6.8).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct QLearning : OffPolicyRule {
  // max_a q(s_t, a)
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.largest_next_values(lanes.ahead);
  }
};

}  // namespace metarl_fast
