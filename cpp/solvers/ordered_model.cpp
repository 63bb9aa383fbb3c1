// SPDX-License-Identifier: MIT
#include "ordered_model.hpp"

#include <algorithm>

#include "large_task.hpp"
#include "ordering.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void OrderedModel::take(const Shape& shape, const TaskView& task, double discount,
                        const Interrupt& interrupt) {
  build(shape, task, discount, nullptr, model_, interrupt);
  order_ = elimination_order(model_, interrupt);
  if (!order_.empty()) build(shape, task, discount, &order_, model_, interrupt);
  require(
      !is_too_large_to_eliminate(elimination_cost(model_, interrupt)), "num_states",
      static_cast<double>(shape.states),
      "fewer, or on a line or a grid: this takes an elimination, here of more than 2e9 multiplications or "
      "256 MB");
}

SparseModel OrderedModel::chain(const double* policy) const {
  std::vector<double> own(size(model_.pairs()));
  for (std::int64_t i = 0; i < model_.states; ++i) {
    std::copy_n(policy + task_state(i) * model_.actions, model_.actions, own.data() + i * model_.actions);
  }
  return under_policy(model_, own.data());
}

SparseModel OrderedModel::chain(const std::vector<std::int32_t>& policy) const {
  std::vector<double> own(size(model_.pairs()), 0.0);
  for (std::int64_t s = 0; s < model_.states; ++s) own[size(s * model_.actions + policy[size(s)])] = 1.0;
  return under_policy(model_, own.data());
}

}  // namespace metarl_fast
