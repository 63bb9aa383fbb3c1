// SPDX-License-Identifier: MIT
// A family of one task, which lies in memory: its tasks differ in what happens in them alone.
#pragma once

#include <cstdint>
#include <memory>

#include "../parameters.hpp"
#include "family.hpp"
#include "layout.hpp"

namespace metarl_fast {

class SameTask final : public Family {
 public:
  static constexpr const char* kName = "SameTask";

  std::shared_ptr<const TaskBatch> tasks;  // the first one counts

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("tasks", family.tasks);
  }

  void check() const override {
    check_parameters(*this);
    require(tasks->size() > 0, "the number of tasks", static_cast<double>(tasks->size()), "one at least");
  }
  Shape shape() const override { return tasks->shape(); }
  bool is_one_task() const override { return true; }

  void write(std::uint64_t, std::uint64_t, std::int64_t, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    Meter meter(interrupt);
    TaskBuffer room(shape());
    copy_task(shape(), tasks->load(0, room, interrupt), shape(), task, meter);
  }
};

}  // namespace metarl_fast
