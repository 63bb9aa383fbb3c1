// SPDX-License-Identifier: MIT
// A task's policies among those given for all tasks.
#pragma once

#include <cstdint>

#include "../engine.hpp"
#include "../solvers/finite_horizon.hpp"

namespace metarl_fast {

inline Policies policies_of(const Shape& shape, const EvaluateArrays& arrays, std::int64_t task) {
  const std::int64_t rows = arrays.shared ? 0 : task * arrays.num_policies * arrays.num_steps;
  return {{arrays.probability ? arrays.probability + rows * shape.pairs() : nullptr,
           arrays.action ? arrays.action + rows * shape.states : nullptr, task},
          arrays.num_policies,
          arrays.num_steps};
}

}  // namespace metarl_fast
