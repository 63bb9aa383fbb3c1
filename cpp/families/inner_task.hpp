// SPDX-License-Identifier: MIT
// Room for a task that another one is written from.
#pragma once

#include "../mdp.hpp"

namespace metarl_fast {

// Gone when the other one is written. What the inner family keeps, so as not to draw it again, lies with the
// other task, which stays.
class InnerTask : public TaskBuffer {
 public:
  InnerTask(const Shape& shape, TaskBuffer& outer) : TaskBuffer(shape), outer_(outer) {
    memory.swap(outer_.memory);
  }
  InnerTask(const InnerTask&) = delete;
  InnerTask& operator=(const InnerTask&) = delete;
  ~InnerTask() { memory.swap(outer_.memory); }

 private:
  TaskBuffer& outer_;
};

}  // namespace metarl_fast
