// SPDX-License-Identifier: MIT
// Tasks that a family draws when somebody looks.
#pragma once

#include <cstdint>
#include <memory>
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
  std::int64_t episodes_per_segment() const override { return family_->episodes_per_segment(); }
  bool is_one_task() const override { return family_->is_one_task(); }
  bool has_formula() const override { return family_->has_formula(); }
  std::unique_ptr<TaskFormula> formula(std::int64_t index) const override {
    return family_->formula(key_, ids()[index]);
  }

 private:
  TaskView do_load(std::int64_t index, std::int64_t segment, TaskBuffer& buffer,
                   const Interrupt& interrupt) const override {
    family_->write(key_, ids()[index], segment, buffer, interrupt);
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
