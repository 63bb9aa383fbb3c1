// SPDX-License-Identifier: MIT
#include "prepared_task.hpp"

#include "sparse_model.hpp"

namespace metarl_fast {

void PreparedTask::take(const Shape& shape, const TaskView& task, Patience& patience) {
  shape_ = shape;
  task_ = task;
  listed_ = !shape.dense || is_really_sparse(shape, task);
  if (!listed_) return;
  reward_.clear();
  begin_.assign(1, 0);
  successor_.clear();
  weight_.clear();
  for (std::int64_t pair = 0; pair < shape.pairs() && !patience.ends(shape.outcomes); ++pair) {
    reward_.push_back(expected_reward(shape, task, pair));
    for (std::int64_t k = 0; k < shape.outcomes; ++k) {
      const std::int64_t place = pair * shape.outcomes + k;
      if (task.probability[place] == 0.0 || (!shape.dense && task.terminated[place])) continue;
      successor_.push_back(shape.dense ? static_cast<std::int32_t>(k) : task.next_state[place]);
      weight_.push_back(task.probability[place]);
    }
    begin_.push_back(weight_.size());
  }
}

}  // namespace metarl_fast
