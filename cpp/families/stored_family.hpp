// SPDX-License-Identifier: MIT
// Tasks in memory as a family: those of a batch, found by their ids. So families that the core does not draw
// stand inside families that it does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "../parameters.hpp"
#include "family.hpp"
#include "layout.hpp"

namespace metarl_fast {

class StoredFamily final : public Family {
 public:
  static constexpr const char* kName = "StoredFamily";

  std::shared_ptr<const TaskBatch> tasks;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("tasks", family.tasks);
  }

  void check() const override { check_parameters(*this); }
  Shape shape() const override { return tasks->shape(); }

  // Whatever the key and the segment.
  void write(std::uint64_t, std::uint64_t id, std::int64_t, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    Meter meter(interrupt);
    TaskBuffer room(shape(), false);
    copy_task(shape(), tasks->load(index_of(id), room, interrupt), shape(), task, meter);
  }

 private:
  // Batches that are drawn for a purpose are runs of ids, or short.
  std::int64_t index_of(std::uint64_t id) const {
    const TaskIds& ids = tasks->ids();
    if (!ids.list && id >= ids.first && id - ids.first < static_cast<std::uint64_t>(ids.count)) {
      return static_cast<std::int64_t>(id - ids.first);
    }
    for (std::int64_t k = 0; ids.list && k < ids.count; ++k) {
      if (ids[k] == id) return k;
    }
    std::ostringstream message;
    message << "task " << id << " is not among the tasks of this family";
    throw std::invalid_argument(message.str());
  }
};

}  // namespace metarl_fast
