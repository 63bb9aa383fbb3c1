// SPDX-License-Identifier: MIT
// Watkins's Q(lambda) (Watkins 1989; Sutton and Barto, 2nd ed., section 12.10).
#pragma once

#include "rule.hpp"

namespace metarl_fast {

struct QLambda : OffPolicyRule {
  static constexpr const char* kName = "q_lambda";
  static constexpr bool kTraces = true;
  static constexpr bool kCutsTraces = true;  // before an action that is not greedy
  static constexpr bool kTurnsTilesOver = false;

  // max_a q(s_t, a)
  template <class Lanes>
  static void look_ahead(Lanes& lanes) {
    lanes.largest_next_values(lanes.ahead);
  }
};

}  // namespace metarl_fast
