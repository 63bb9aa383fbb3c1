// SPDX-License-Identifier: MIT
// Tasks that are another draw of a family every so many episodes.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"

namespace metarl_fast {

class Switching final : public Family {
 public:
  static constexpr const char* kName = "Switching";

  FamilyPtr family;
  std::int64_t every = 1;     // episodes
  std::int64_t segment = -1;  // the one that stays, or -1 if time goes on

  template <class Self, class Visitor>
  static void parameters(Self& switching, const Visitor& visit) {
    visit("family", switching.family);
    visit("every", switching.every, at_least(1));
    visit("segment", switching.segment, at_least(-1));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
    require(family->episodes_per_segment() == 0, "a family's episodes per segment",
            static_cast<double>(family->episodes_per_segment()), "0, of tasks that do not change themselves");
  }
  Shape shape() const override { return family->shape(); }
  std::int64_t episodes_per_segment() const override { return segment < 0 ? every : 0; }

  void write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    const auto draw = static_cast<std::uint64_t>(segment < 0 ? now : segment);
    task.reward_noise = shape().reward_noise;
    family->write(key_of_part(key, draw), id, 0, task, interrupt);
  }
};

}  // namespace metarl_fast
