// SPDX-License-Identifier: MIT
// A task as compressed rows in the order in which its states are best eliminated, for what solves a policy's
// chain by an elimination and by nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "sparse_model.hpp"

namespace metarl_fast {

class OrderedModel {
 public:
  // Throws std::invalid_argument for a task that is too large to be eliminated.
  void take(const Shape&, const TaskView&, double discount, const Interrupt&);

  const SparseModel& operator*() const { return model_; }
  const SparseModel* operator->() const { return &model_; }

  // The model's state i, as the task numbers it.
  std::int64_t task_state(std::int64_t i) const {
    return order_.empty() ? i : order_[static_cast<std::size_t>(i)];
  }

  // The chain under a policy [S][A], whose states are the task's, or [S] of the model's.
  SparseModel chain(const double* policy) const;
  SparseModel chain(const std::vector<std::int32_t>& policy) const;

 private:
  SparseModel model_;
  std::vector<std::int32_t> order_;  // empty: the task's own
};

}  // namespace metarl_fast
