// SPDX-License-Identifier: MIT
// A task made ready to look ahead from again and again: what each pair pays, and the outcomes that lead on.
// The terms of `action_value` (bellman.hpp), in its order, without those that are 0.
#pragma once

#include <cstdint>
#include <vector>

#include "bellman.hpp"
#include "patience.hpp"

namespace metarl_fast {

class PreparedTask {
 public:
  // The task has to stay where it is. Dense rows are read as they stand, unless most of them is 0.
  void take(const Shape&, const TaskView&, Patience&);

  // q(s, a) from the values of the states entered; -infinity for what is not available.
  Expected operator()(std::int64_t pair, double discount, const double* values) const {
    if (!available(shape_, task_, pair)) return {kNever, 0.0};
    if (!listed_) return action_value(shape_, task_, discount, values, pair);
    const auto at = static_cast<std::size_t>(pair);
    Expected next;
    for (std::size_t k = begin_[at]; k < begin_[at + 1]; ++k) next.add(weight_[k], values[successor_[k]]);
    return {reward_[at].value + discount * next.value, reward_[at].size + discount * next.size};
  }

 private:
  Shape shape_;
  TaskView task_;
  bool listed_ = false;
  std::vector<Expected> reward_;    // [pairs]
  std::vector<std::size_t> begin_;  // [pairs + 1], into the next two
  std::vector<std::int32_t> successor_;
  std::vector<double> weight_;
};

}  // namespace metarl_fast
