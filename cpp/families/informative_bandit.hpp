// SPDX-License-Identifier: MIT
// Bandits of which one arm pays well and the last one, little itself, says by what it pays which that is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"

namespace metarl_fast {

class InformativeBandit final : public Family {
 public:
  static constexpr const char* kName = "InformativeBandit";

  std::int64_t arms = 11;
  std::vector<std::int64_t> targets;  // of which every task has one, evenly; none: all arms but the last
  double target_reward = 5.0, other_reward = 1.0;

  template <class Self, class Visitor>
  static void parameters(Self& bandit, const Visitor& visit) {
    visit("num_arms", bandit.arms, at_least(2));
    visit("targets", bandit.targets, at_least(0));
    visit("target_reward", bandit.target_reward, finite());
    visit("other_reward", bandit.other_reward, finite());
  }

  void check() const override {
    check_parameters(*this);
    for (const std::int64_t target : targets) {
      require(target + 1 < arms, "a target", static_cast<double>(target), "below num_arms - 1");
    }
  }
  Shape shape() const override { return {1, arms, 1, true, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void InformativeBandit::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                                     const Interrupt&) const {
  Stream stream = make_stream(key, id, Purpose::rewards);
  const std::int64_t last = arms - 1;
  const std::int64_t among = targets.empty() ? last : static_cast<std::int64_t>(targets.size());
  const std::int64_t drawn = below(next(stream), static_cast<std::uint32_t>(among));
  const std::int64_t target = targets.empty() ? drawn : targets[static_cast<std::size_t>(drawn)];
  std::fill(task.probability.begin(), task.probability.end(), 1.0);
  std::fill(task.reward.begin(), task.reward.end(), other_reward);
  task.reward[static_cast<std::size_t>(target)] = target_reward;
  task.reward.back() = static_cast<double>(target + 1) / static_cast<double>(last);
  task.terminal[0] = 0;
  task.start[0] = 1.0;
}

}  // namespace metarl_fast
