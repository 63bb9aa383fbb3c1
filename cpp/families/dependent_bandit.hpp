// SPDX-License-Identifier: MIT
// Bandits of two arms of which one pays as often as the other does not: each pull says as much of both.
#pragma once

#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

class DependentBandit final : public Family {
 public:
  static constexpr const char* kName = "DependentBandit";

  double low = 0.0, high = 1.0;  // between which the first arm's probability is drawn
  std::vector<double> values;    // or of which it is one

  template <class Self, class Visitor>
  static void parameters(Self& bandit, const Visitor& visit) {
    visit("low", bandit.low, between(0, 1));
    visit("high", bandit.high, between(0, 1));
    visit("values", bandit.values, between(0, 1));
  }

  void check() const override {
    check_parameters(*this);
    require(low <= high, "high", high, "at least low");
  }
  Shape shape() const override { return {1, 2, 2, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void DependentBandit::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                                   const Interrupt& interrupt) const {
  Stream stream = make_stream(key, id, Purpose::rewards);
  const std::uint32_t x = next(stream);
  const double first = values.empty() ? low + (high - low) * unit_53(x, stream.s[kCompanion])
                                      : values[below(x, static_cast<std::uint32_t>(values.size()))];
  Meter meter(interrupt);
  OutcomeWriter out(shape(), task, meter);
  out.start(0);
  out.begin(0, 0);
  out.add(first, 0, 1.0);
  out.add(1.0 - first, 0, 0.0);
  out.begin(0, 1);
  out.add(1.0 - first, 0, 1.0);
  out.add(first, 0, 0.0);
}

}  // namespace metarl_fast
