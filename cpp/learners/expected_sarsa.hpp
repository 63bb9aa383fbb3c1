// SPDX-License-Identifier: MIT
// Expected SARSA (van Seijen, van Hasselt, Whiteson and Wiering 2009; Sutton and Barto, 2nd ed., equation
// 6.9).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct ExpectedSarsa : OffPolicyRule {
  static constexpr const char* kName = "expected_sarsa";
  // sum_a pi(a | s_t) q(s_t, a), pi being the behaviour
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.expected_next_values(lanes.ahead);
  }
};

}  // namespace metarl_fast
