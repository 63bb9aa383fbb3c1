// SPDX-License-Identifier: MIT
// The tasks of a family from an id on: what stands for them in a family around it, which counts from 0.
#pragma once

#include <cstdint>
#include <memory>

#include "../parameters.hpp"
#include "around.hpp"

namespace metarl_fast {

class FamilyPart final : public Around {
 public:
  static constexpr const char* kName = "FamilyPart";

  std::int64_t first = 0;

  template <class Self, class Visitor>
  static void parameters(Self& part, const Visitor& visit) {
    visit("family", part.family);
    visit("first", part.first, half_open(0, 0x1p56));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    family->write(key, id + static_cast<std::uint64_t>(first), segment, task, interrupt);
  }
  bool has_formula() const override { return family->has_formula(); }
  std::unique_ptr<TaskFormula> formula(std::uint64_t key, std::uint64_t id) const override {
    return family->formula(key, id + static_cast<std::uint64_t>(first));
  }
};

}  // namespace metarl_fast
