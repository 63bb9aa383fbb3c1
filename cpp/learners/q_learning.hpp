// SPDX-License-Identifier: MIT
// Q-learning (Watkins 1989; Sutton and Barto, "Reinforcement Learning", 2nd ed., equation 6.8).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct QLearning : OffPolicyRule {
  static constexpr const char* kName = "q_learning";
  // max_a q(s_t, a)
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.largest_next_values(lanes.ahead);
  }
};

}  // namespace metarl_fast
