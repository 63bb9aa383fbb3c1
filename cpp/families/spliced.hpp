// SPDX-License-Identifier: MIT
// Tasks with the rows, starts and terminal states of one family's and the rewards of another's.
//
// A pair pays what it is expected to pay there, wherever it leads here: rewards of outcomes would need the
// same outcomes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "layout.hpp"

namespace metarl_fast {

class Spliced final : public Family {
 public:
  static constexpr const char* kName = "Spliced";

  FamilyPtr dynamics, rewards;

  template <class Self, class Visitor>
  static void parameters(Self& spliced, const Visitor& visit) {
    visit("dynamics", spliced.dynamics);
    visit("rewards", spliced.rewards);
  }

  void check() const override {
    check_parameters(*this);
    dynamics->check();
    rewards->check();
    common_shape(dynamics->shape(), rewards->shape());
    for (const FamilyPtr& family : {dynamics, rewards}) {
      require(family->episodes_per_segment() == 0, "a family's episodes per segment",
              static_cast<double>(family->episodes_per_segment()), "0, of tasks that do not change");
    }
  }
  Shape shape() const override {
    Shape of = dynamics->shape();
    of.reward_noise = rewards->shape().reward_noise;
    return of;
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void Spliced::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  const Shape of = shape();
  const Shape paid = rewards->shape();
  TaskBuffer payer(paid);
  rewards->write(key_of_part(key, 1), id, segment, payer, interrupt);
  dynamics->write(key_of_part(key, 0), id, segment, task, interrupt);
  task.reward_noise = payer.reward_noise;

  Meter meter(interrupt);
  const std::int64_t rewards_of_pair = of.dense ? 1 : of.outcomes;
  for (std::int64_t pair = 0; pair < of.pairs(); ++pair) {
    meter.count(paid.outcomes + rewards_of_pair);
    double expected = 0.0;
    if (paid.dense) {
      expected = payer.reward[static_cast<std::size_t>(pair)];
    } else {
      for (std::int64_t k = pair * paid.outcomes; k < (pair + 1) * paid.outcomes; ++k) {
        const auto place = static_cast<std::size_t>(k);
        expected += payer.probability[place] * payer.reward[place];
      }
    }
    if (task.terminal[static_cast<std::size_t>(pair / of.actions)]) expected = 0.0;
    for (std::int64_t k = pair * rewards_of_pair; k < (pair + 1) * rewards_of_pair; ++k) {
      task.reward[static_cast<std::size_t>(k)] = expected;
    }
  }
}

}  // namespace metarl_fast
