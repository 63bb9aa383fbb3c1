// SPDX-License-Identifier: MIT
// Tasks that a family draws when somebody looks.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "families/family.hpp"
#include "mdp.hpp"

namespace metarl_fast {

class GeneratedTasks final : public TaskBatch {
 public:
  GeneratedTasks(FamilyPtr family, std::uint64_t key, TaskIds ids)
      : TaskBatch(checked_shape(*family), std::move(ids)), family_(std::move(family)), key_(key) {}

  std::optional<UniformLaw> uniform_law() const override { return family_->uniform_law(key_); }

 private:
  TaskView do_load(std::int64_t index, TaskBuffer& buffer, const Interrupt& interrupt) const override {
    family_->write(key_, ids()[index], 0, buffer, interrupt);
    return buffer.view();
  }

  static Shape checked_shape(const Family& family) {
    family.check();
    return family.shape();
  }

  FamilyPtr family_;
  std::uint64_t key_;
};

}  // namespace metarl_fast
