// SPDX-License-Identifier: MIT
// Every task of a batch several times, one after the other: for runs that differ in the learner's luck alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mdp.hpp"

namespace metarl_fast {

class RepeatedTasks final : public TaskBatch {
 public:
  RepeatedTasks(const TaskBatch& of, std::int64_t times)
      : TaskBatch(of.shape(), repeated(of.ids(), times)), of_(of), times_(times) {}

  std::optional<UniformLaw> uniform_law() const override { return of_.uniform_law(); }
  std::int64_t episodes_per_segment() const override { return of_.episodes_per_segment(); }
  bool is_one_task() const override {
    return of_.is_one_task() || (of_.size() == 1 && of_.episodes_per_segment() == 0);
  }
  bool has_formula() const override { return of_.has_formula(); }
  std::unique_ptr<TaskFormula> formula(std::int64_t index) const override {
    return of_.formula(index / times_);
  }

 private:
  TaskView do_load(std::int64_t index, std::int64_t segment, TaskBuffer& buffer,
                   const Interrupt& interrupt) const override {
    return of_.load(index / times_, buffer, interrupt, segment);
  }

  static TaskIds repeated(const TaskIds& ids, std::int64_t times) {
    const auto list = std::make_shared<std::vector<std::uint64_t>>();
    list->reserve(static_cast<std::size_t>(ids.count * times));
    for (std::int64_t task = 0; task < ids.count; ++task) {
      list->insert(list->end(), static_cast<std::size_t>(times), ids[task]);
    }
    return {0, ids.count * times, std::shared_ptr<const std::uint64_t>(list, list->data())};
  }

  const TaskBatch& of_;
  std::int64_t times_;
};

}  // namespace metarl_fast
