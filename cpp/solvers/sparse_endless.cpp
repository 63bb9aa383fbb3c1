// SPDX-License-Identifier: MIT
// Policy iteration of sparse tasks at discount 1: which states never end, and where resting is best.
#include "sparse_task.hpp"

#include <algorithm>

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

// Marks the states that a policy can be in after s; null for the policy now followed.
std::vector<std::uint8_t> SparseTask::class_of(std::int64_t s, const double* policy) const {
  std::vector<std::uint8_t> marked(size(model_.states), 0);
  marked[size(s)] = 1;
  if (policy) {
    mark_reachable(model_, policy, marked);
    return marked;
  }
  std::vector<std::int64_t> queue{s};
  while (!queue.empty()) {
    const std::int64_t from = queue.back();
    queue.pop_back();
    const std::int64_t pair = from * model_.actions + room_.policy[size(from)];
    for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
      if (marked[size(successor_[k])]) continue;
      marked[size(successor_[k])] = 1;
      queue.push_back(successor_[k]);
    }
  }
  return marked;
}

// Marks the states in which an episode may start; all, if none of those does anything.
std::vector<std::uint8_t> SparseTask::started() const {
  std::vector<std::uint8_t> marked(size(model_.states), 0);
  bool any = false;
  for (std::int64_t i = 0; i < model_.states; ++i) {
    const std::int64_t s = task_state(i);
    marked[size(i)] = task_.start[s] > 0.0 && !task_.terminal[s];
    any = any || marked[size(i)];
  }
  if (!any) std::fill(marked.begin(), marked.end(), std::uint8_t{1});
  return marked;
}

// Takes a policy that ends, from wherever one does.
void SparseTask::start_over() {
  started_over_ = true;
  const Predecessors before = predecessors(model_);
  const ProperPolicy proper = proper_policy(model_, before, resting_actions(model_, before));
  std::vector<std::uint8_t> reached = started();
  mark_reachable(model_, nullptr, reached);
  room_.abandoned.assign(size(model_.states), 0);
  for (std::int64_t s = 0; s < model_.states; ++s) {
    room_.policy[size(s)] = proper.action[size(s)];
    if (proper.action[size(s)] >= 0) continue;
    // Nothing from here ends for certain: worth -infinity, if nobody comes here and nothing is gained.
    const bool matters = reached[size(s)] && proper.no_exit[size(s)];
    for (std::int64_t pair = s * model_.actions; pair < (s + 1) * model_.actions; ++pair) {
      if (model_.reward[size(pair)] > 0.0 || (matters && model_.reward[size(pair)] < 0.0)) never_ends(s);
    }
    room_.policy[size(s)] = static_cast<std::int32_t>(model_.first_usable(s));
    room_.abandoned[size(s)] = 1;
  }
  for (std::int64_t pair = 0; pair < model_.pairs(); ++pair) {
    if (room_.abandoned[size(pair / model_.actions)]) continue;
    for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
      if (room_.abandoned[size(successor_[k])]) model_.usable[size(pair)] = 0;
    }
  }
}

// Where resting for ever, which is worth 0, beats what the policy does. Improvement alone cannot see that: to
// rest looks as good as what comes after it.
bool SparseTask::rest_where_negative() {
  bool may_rest = false;
  for (std::int64_t pair = 0; pair < model_.pairs() && !may_rest; ++pair) {
    may_rest = room_.values[size(pair / model_.actions)] < 0.0 && model_.usable[size(pair)] &&
               model_.reward[size(pair)] == 0.0 && model_.excess[size(pair)] == 0.0;
  }
  if (!may_rest) return false;
  const std::vector<std::int32_t> resting = resting_actions(model_, predecessors(model_));
  bool any = false;
  for (std::int64_t s = 0; s < model_.states; ++s) {
    if (resting[size(s)] < 0 || !(room_.values[size(s)] < 0.0) || abandoned(s)) continue;
    room_.policy[size(s)] = resting[size(s)];
    any = true;
  }
  return any;
}

}  // namespace metarl_fast
