// SPDX-License-Identifier: MIT
// What the update rules share. A rule says how a step looks ahead, in terms of the lanes it runs on
// (kernel/lanes.hpp): `look_ahead` fills lanes.ahead with an estimate of the value of the next state. The
// kernel is compiled once for each rule, so a rule costs no call and no test.
#pragma once

#include "../elementary.hpp"

namespace metarl_fast {

struct OffPolicyRule {
  static constexpr bool kOnPolicy = false;    // the next action is part of the update
  static constexpr bool kTwoTables = false;   // of which one learns, by a coin
  static constexpr bool kTraces = false;      // eligibility traces
  static constexpr bool kCutsTraces = false;  // before an action that is not greedy
  // The rows looked at ahead are the ones to act from in the next step, but for the value that has changed.
  static constexpr bool kTurnsTilesOver = true;
};

struct OnPolicyRule : OffPolicyRule {
  static constexpr bool kOnPolicy = true;
  static constexpr bool kTurnsTilesOver = false;
};

// r_t + discount * ahead, without the second term when the episode terminated.
template <class Real>
static inline Real one_step_target(Real r_t, Real discount, Real ahead, bool terminated) {
  return terminated ? r_t : r_t + discount * ahead;
}

// Action values are held within +-2^126 (floats) and +-2^1022 (doubles): none becomes infinite, and no sum of
// two.
template <class Real>
constexpr Real kLargestValue = sizeof(Real) == 4 ? static_cast<Real>(0x1p126) : static_cast<Real>(0x1p1022);

template <class Real>
static inline Real bounded(Real q) {
  constexpr Real kMost = kLargestValue<Real>;
  const Real capped = kMost < q ? kMost : q;
  return capped < -kMost ? -kMost : capped;
}

// Moves q towards the target. As a weighted mean, so that learning rate 1 gives the target exactly.
template <class Real>
static inline Real towards(Real q_tm1, Real target, Real learning_rate) {
  return (Real{1} - learning_rate) * q_tm1 + learning_rate * target;
}

// min(1, learning_rate / visits^decay), the step size of the visits-th update of an entry.
static inline double decayed_learning_rate(double learning_rate, double visits, double decay) {
  const double rate = learning_rate * inverse_power(visits, decay);
  return rate < 1.0 ? rate : 1.0;
}

// The traces of an episode are a list of cells. A trace below this is dropped.
constexpr double kSmallestTrace = 0x1p-20;

// The row of a table that a step is taken in, and the cell of its action.
struct Taken {
  std::int32_t row, row_size, cell;
};

// Decays n traces (or drops them all), then renews that of the pair taken; returns how many there are. There
// is room for one more than can stay. Replacing traces give way in all of the row, accumulating ones in the
// one cell, where the trace is carried over.
template <bool kAccumulating, class Real>
static inline std::int32_t renew_traces(std::int32_t* cells, Real* traces, std::int32_t n, bool drop,
                                        Real decay, Taken taken) {
  const std::int32_t first = kAccumulating ? taken.cell : taken.row;
  const auto size = static_cast<std::uint32_t>(kAccumulating ? 1 : taken.row_size);
  Real carried = 0;
  std::int32_t kept = 0;
  for (std::int32_t k = 0; !drop && k < n; ++k) {
    const Real trace = traces[k] * decay;
    const std::int32_t cell = cells[k];
    const bool gives_way = static_cast<std::uint32_t>(cell - first) < size;
    const bool stays = trace >= static_cast<Real>(kSmallestTrace);
    traces[kept] = trace;
    cells[kept] = cell;
    if (kAccumulating && gives_way && stays) carried = trace;
    kept += stays && !gives_way;
  }
  cells[kept] = taken.cell;
  traces[kept] = carried + Real{1};
  return kept + 1;
}

}  // namespace metarl_fast
