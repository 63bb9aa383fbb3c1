// SPDX-License-Identifier: MIT
// Tasks that go through a few draws of a family in turn, again and again.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../rng.hpp"
#include "changing.hpp"

namespace metarl_fast {

class Seasonal final : public Changing {
 public:
  static constexpr const char* kName = "Seasonal";

  std::int64_t seasons = 2;

  template <class Self, class Visitor>
  static void parameters(Self& seasonal, const Visitor& visit) {
    Changing::parameters(seasonal, visit);
    visit("seasons", seasonal.seasons, at_least(1));
  }

  void check() const override {
    check_parameters(*this);
    check_inside();
  }

 private:
  void write_at(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                const Interrupt& interrupt) const override {
    const auto season = static_cast<std::uint64_t>(time % seasons);
    task.reward_noise = shape().reward_noise;
    family->write(key_of_part(key, season), id, 0, task, interrupt);
  }
};

}  // namespace metarl_fast
