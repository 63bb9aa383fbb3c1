// SPDX-License-Identifier: MIT
// The two-step task: a choice that mostly leads where it should, and a second one that pays with
// probabilities which change from trial to trial.
//
// An episode is a trial, and a segment of time as well. State 0 is the first stage; action a leads to state
// 1 + a with probability `common`, else to the other one. There both actions pay 1 or nothing.
#pragma once

#include <any>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

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
  // How far the rewards of a task came, and the stream from which they go on.
  struct Reached {
    const TwoStep* family = nullptr;
    std::uint64_t key = 0;
    std::uint64_t id = 0;
    std::int64_t trial = 0;
    Stream stream{};
    std::array<double, 4> pays{};  // chances of both actions in state 1, and in state 2
  };
  // Tasks of a buffer, each at its id modulo their number: those in a worker's lanes, or in the places of an
  // environment.
  using Memory = std::vector<Reached>;
  static constexpr std::size_t kFewest = 64, kMost = 1 << 13;

  Reached& place_of(std::uint64_t key, std::uint64_t id, std::any& memory) const;
  Reached at(std::uint64_t key, std::uint64_t id, std::int64_t trial, std::any& memory, Meter& meter) const;
  void begin(Reached& task) const;
  void walk(Reached& task) const;
  void maybe_swap(Reached& task) const;
  std::array<double, 4> paying(bool first) const {
    return first ? std::array<double, 4>{high, high, low, low} : std::array<double, 4>{low, low, high, high};
  }
};

// Where another task of this family lies, there is too little room.
inline TwoStep::Reached& TwoStep::place_of(std::uint64_t key, std::uint64_t id, std::any& memory) const {
  if (!std::any_cast<Memory>(&memory)) memory.emplace<Memory>(kFewest);
  auto& kept = *std::any_cast<Memory>(&memory);
  for (;;) {
    Reached& place = kept[static_cast<std::size_t>(id % kept.size())];
    const bool taken = place.family == this && place.key == key && place.id != id;
    if (!taken || kept.size() == kMost) return place;
    Memory larger(2 * kept.size());
    for (const Reached& task : kept) {
      if (task.family) larger[static_cast<std::size_t>(task.id % larger.size())] = task;
    }
    kept.swap(larger);
  }
}

// Trials of a task mostly come one after the other: what was reached is remembered, and gone on from.
inline TwoStep::Reached TwoStep::at(std::uint64_t key, std::uint64_t id, std::int64_t trial, std::any& memory,
                                    Meter& meter) const {
  Reached& kept = place_of(key, id, memory);
  Reached task = kept;
  if (task.family != this || task.key != key || task.id != id || task.trial > trial) {
    task = {this, key, id, 0, make_stream(key, id, Purpose::rewards), {}};
    begin(task);
  }
  for (; task.trial < trial; ++task.trial) {
    meter.count(4);
    drift == Drift::walk ? walk(task) : maybe_swap(task);
  }
  return kept = task;
}

inline void TwoStep::begin(Reached& task) const {
  if (drift == Drift::swap) {
    task.pays = paying(unit(next(task.stream), double{}) < 0.5);
    return;
  }
  for (double& chance : task.pays) chance = low + (high - low) * unit(next(task.stream), double{});
}

// Steps of a Gaussian random walk are reflected at both bounds.
inline void TwoStep::walk(Reached& task) const {
  for (double& chance : task.pays) {
    chance += walk_std * normal_quantile_32(open_unit(next(task.stream)));
    if (chance > high) chance = 2.0 * high - chance;
    if (chance < low) chance = 2.0 * low - chance;
    if (chance > high) chance = high;  // a step longer than the way
  }
}

inline void TwoStep::maybe_swap(Reached& task) const {
  if (unit(next(task.stream), double{}) < swap) std::swap(task.pays[0], task.pays[2]);
  task.pays[1] = task.pays[0];
  task.pays[3] = task.pays[2];
}

inline void TwoStep::write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Meter meter(interrupt);
  const auto pays = at(key, id, segment < 0 ? now : segment, task.memory, meter).pays;
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
