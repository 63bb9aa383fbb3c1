// SPDX-License-Identifier: MIT
// SARSA(lambda) (Rummery and Niranjan 1994; Sutton and Barto, 2nd ed., section 12.7).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct SarsaLambda : OnPolicyRule {
  static constexpr const char* kName = "sarsa_lambda";
  static constexpr bool kTraces = true;

  // q(s_t, a_t)
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.choose_next_actions();
    lanes.next_values(lanes.ahead);
  }
};

}  // namespace metarl_fast
