// SPDX-License-Identifier: MIT
// Bandits whose arms pay 1 or nothing.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

class BernoulliBandit final : public Family {
 public:
  static constexpr const char* kName = "BernoulliBandit";

  std::int64_t arms = 10;
  double low = 0.0, high = 1.0;  // between which each arm's probability is drawn

  template <class Self, class Visitor>
  static void parameters(Self& bandit, const Visitor& visit) {
    visit("num_arms", bandit.arms, at_least(1));
    visit("low", bandit.low, between(0, 1));
    visit("high", bandit.high, between(0, 1));
  }

  void check() const override {
    check_parameters(*this);
    require(low <= high, "high", high, "at least low");
  }
  Shape shape() const override { return {1, arms, 2, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void BernoulliBandit::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                                   const Interrupt& interrupt) const {
  Stream stream = make_stream(key, id, Purpose::rewards);
  Meter meter(interrupt);
  OutcomeWriter out(shape(), task, meter);
  out.start(0);
  for (std::int64_t arm = 0; arm < arms; ++arm) {
    const std::uint32_t x = next(stream);
    const double mean = low + (high - low) * unit_53(x, stream.s[kCompanion]);
    out.begin(0, arm);
    out.add(mean, 0, 1.0);
    out.add(1.0 - mean, 0, 0.0);
  }
}

}  // namespace metarl_fast
