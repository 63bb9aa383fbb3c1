// SPDX-License-Identifier: MIT
// Double Q-learning (van Hasselt 2010; Sutton and Barto, 2nd ed., equation 6.10).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct DoubleQLearning : OffPolicyRule {
  static constexpr const char* kName = "double_q_learning";
  static constexpr bool kTwoTables = true;
  static constexpr bool kTurnsTilesOver = false;

  // q_2(s_t, argmax_a q_1(s_t, a)) where a fair coin says which of the tables learns and is q_1.
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.toss_coins();
    lanes.values_in_the_other_table(lanes.ahead);
  }
};

}  // namespace metarl_fast
