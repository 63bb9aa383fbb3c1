// SPDX-License-Identifier: MIT
// A family's tasks that pay one of two numbers: the high one as often as makes the mean what the family pays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"
#include "inner_task.hpp"
#include "layout.hpp"

namespace metarl_fast {

class BernoulliRewards final : public Around {
 public:
  static constexpr const char* kName = "BernoulliRewards";

  double low = 0.0, high = 1.0;

  template <class Self, class Visitor>
  static void parameters(Self& paying, const Visitor& visit) {
    visit("family", paying.family);
    visit("low", paying.low, finite());
    visit("high", paying.high, finite());
  }

  void check() const override {
    check_parameters(*this);
    family->check();
    require(low < high, "high", high, "above low");
  }
  // Each outcome twice: with the high and with the low reward.
  Shape shape() const override {
    Shape of = as_lists(family->shape());
    of.outcomes *= 2;
    of.reward_noise = 0.0;
    return of;
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void BernoulliRewards::write(std::uint64_t key, std::uint64_t id, std::int64_t segment,
                                    TaskBuffer& task, const Interrupt& interrupt) const {
  const Shape of = as_lists(family->shape());
  InnerTask from(of, task);
  write_as(*family, key, id, segment, of, from, interrupt);
  task.terminal = from.terminal;
  task.start = from.start;
  task.reward_noise = 0.0;

  Meter meter(interrupt);
  for (std::size_t k = 0; k < from.probability.size(); ++k) {
    meter.count(2);
    const auto state = static_cast<std::int64_t>(k) / (of.actions * of.outcomes);
    const bool ends = from.terminal[static_cast<std::size_t>(state)] != 0;
    const double often = std::min(std::max((from.reward[k] - low) / (high - low), 0.0), 1.0);
    for (const std::size_t second : {std::size_t{0}, std::size_t{1}}) {
      const std::size_t place = 2 * k + second;
      // What is terminal is written as staying there for nothing.
      const double share = ends ? 1.0 - static_cast<double>(second) : second ? 1.0 - often : often;
      task.probability[place] = from.probability[k] * share;
      task.next_state[place] = from.next_state[k];
      task.reward[place] = ends ? 0.0 : second ? low : high;
      task.terminated[place] = from.terminated[k];
    }
  }
}

}  // namespace metarl_fast
