// SPDX-License-Identifier: MIT
// The two-step task: a choice that mostly leads where it should, and a second one that pays with
// probabilities which change from trial to trial.
//
// An episode is a trial, and a segment of time as well. State 0 is the first stage; action a leads to state
// 1 + a with probability `common`, else to the other one. There both actions pay 1 or nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

class TwoStep final : public Family {
 public:
  static constexpr const char* kName = "TwoStep";

  // How probabilities change: each walks at random between low and high, or a state's two are high, the other
  // state's are low, and they swap.
  enum class Drift { walk, swap };
  static constexpr Word<Drift> kDrifts[] = {{"walk", Drift::walk}, {"swap", Drift::swap}};

  double common = 0.7;
  Drift drift = Drift::walk;
  double low = 0.25, high = 0.75;
  double walk_std = 0.025;    // of a trial's step
  double swap = 0.025;        // how often a trial begins with a swap
  std::int64_t segment = -1;  // the trial that stays, or -1 if time goes on

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("common", family.common, between(0, 1));
    visit("drift", family.drift, kDrifts);
    visit("low", family.low, between(0, 1));
    visit("high", family.high, between(0, 1));
    visit("walk_std", family.walk_std, at_least(0));
    visit("swap", family.swap, between(0, 1));
    visit("segment", family.segment, at_least(-1));
  }

  void check() const override {
    check_parameters(*this);
    require(low <= high, "high", high, "at least low");
  }
  Shape shape() const override { return {3, 2, 2, false, 0.0}; }
  std::int64_t episodes_per_segment() const override { return segment < 0 ? 1 : 0; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  using Chances = std::array<double, 4>;  // of both actions in state 1, and in state 2
  Chances walk(Stream& stream, std::int64_t trials, Meter& meter) const;
  Chances swapped(Stream& stream, std::int64_t trials, Meter& meter) const;
};

// Steps of a Gaussian random walk are reflected at both bounds.
inline TwoStep::Chances TwoStep::walk(Stream& stream, std::int64_t trials, Meter& meter) const {
  Chances p{};
  for (double& chance : p) chance = low + (high - low) * unit(next(stream), double{});
  for (std::int64_t t = 0; t < trials; ++t) {
    meter.count(4);
    for (double& chance : p) {
      chance += walk_std * normal_quantile_32(open_unit(next(stream)));
      if (chance > high) chance = 2.0 * high - chance;
      if (chance < low) chance = 2.0 * low - chance;
      if (chance > high) chance = high;  // a step longer than the way
    }
  }
  return p;
}

inline TwoStep::Chances TwoStep::swapped(Stream& stream, std::int64_t trials, Meter& meter) const {
  bool first_pays = unit(next(stream), double{}) < 0.5;
  for (std::int64_t t = 0; t < trials; ++t) {
    meter.count(1);
    if (unit(next(stream), double{}) < swap) first_pays = !first_pays;
  }
  return first_pays ? Chances{high, high, low, low} : Chances{low, low, high, high};
}

inline void TwoStep::write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::rewards);
  const std::int64_t trial = segment < 0 ? now : segment;
  const Chances pays = drift == Drift::walk ? walk(stream, trial, meter) : swapped(stream, trial, meter);
  OutcomeWriter out(shape(), task, meter);
  out.start(0);
  for (std::int64_t action = 0; action < 2; ++action) {
    out.begin(0, action);
    out.add(common, 1 + action, 0.0);
    out.add(1.0 - common, 2 - action, 0.0);
    for (std::int64_t state = 1; state < 3; ++state) {
      const double p = pays[static_cast<std::size_t>((state - 1) * 2 + action)];
      out.begin(state, action);
      out.add(p, state, 1.0, true);
      out.add(1.0 - p, state, 0.0, true);
    }
  }
}

}  // namespace metarl_fast
