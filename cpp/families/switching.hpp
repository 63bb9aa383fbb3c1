// SPDX-License-Identifier: MIT
// Tasks that are another draw of a family every so many episodes.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../rng.hpp"
#include "changing.hpp"

namespace metarl_fast {

class Switching final : public Changing {
 public:
  static constexpr const char* kName = "Switching";

  void check() const override {
    check_parameters(*this);
    check_inside();
  }

  void write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    const auto draw = static_cast<std::uint64_t>(segment_at(now));
    task.reward_noise = shape().reward_noise;
    family->write(key_of_part(key, draw), id, 0, task, interrupt);
  }
};

}  // namespace metarl_fast
