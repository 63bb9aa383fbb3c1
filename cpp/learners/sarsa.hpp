// SPDX-License-Identifier: MIT
// SARSA (Rummery and Niranjan 1994; Sutton and Barto, 2nd ed., equation 6.7).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct Sarsa : OnPolicyRule {
  static constexpr const char* kName = "sarsa";
  // q(s_t, a_t)
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.choose_next_actions();
    lanes.next_values(lanes.ahead);
  }
};

}  // namespace metarl_fast
