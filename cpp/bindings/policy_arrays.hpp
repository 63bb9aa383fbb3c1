// SPDX-License-Identifier: MIT
// Given policies, from NumPy arrays.
#pragma once

#include <string>

#include "arrays.hpp"

namespace metarl_fast::bindings {

// Policies [N or 1][P][T][S][A] or [N or 1][P][T][S], or neither.
inline EvaluateArrays policy_arrays(const TaskBatch& batch, const OptionalArray<double>& probability,
                                    const OptionalArray<std::int32_t>& action) {
  EvaluateArrays arrays;
  const std::int64_t s = batch.shape().states;
  const auto read = [&](const py::array& policy, const char* name, std::int64_t axes) {
    require(policy.ndim() == axes, (std::string("the number of axes of ") + name).c_str(),
            static_cast<double>(policy.ndim()), axes == 5 ? "5" : "4");
    arrays.shared = policy.shape(0) == 1;
    arrays.num_policies = policy.shape(1);
    arrays.num_steps = policy.shape(2);
    return arrays.shared ? std::int64_t{1} : batch.size();
  };
  if (probability) {
    const std::int64_t n = read(*probability, "probability", 5);
    require_shape(*probability, "probability",
                  {n, arrays.num_policies, arrays.num_steps, s, batch.shape().actions});
    arrays.probability = probability->data();
  } else if (action) {
    const std::int64_t n = read(*action, "action", 4);
    require_shape(*action, "action", {n, arrays.num_policies, arrays.num_steps, s});
    for (py::ssize_t k = 0; k < action->size(); ++k) {
      const std::int32_t a = action->data()[k];
      require(a >= 0 && a < batch.shape().actions, "an action", a, "one of the task's");
    }
    arrays.action = action->data();
  }
  return arrays;
}

}  // namespace metarl_fast::bindings
