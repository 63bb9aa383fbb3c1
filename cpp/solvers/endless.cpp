// SPDX-License-Identifier: MIT
#include "endless.hpp"

#include <algorithm>
#include <numeric>

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// States from which the end may be reached by actions that are allowed, each with the first such action
// found, nearest the end first.
std::vector<std::int32_t> label(const SparseModel& model, const Predecessors& before,
                                const std::vector<std::int32_t>& resting,
                                const std::vector<std::uint8_t>& allowed) {
  std::vector<std::int32_t> action(size(model.states), -1);
  std::vector<std::int64_t> queue;
  for (std::int64_t s = 0; s < model.states; ++s) {
    action[size(s)] = resting[size(s)];
    for (std::int64_t a = 0; a < model.actions && action[size(s)] < 0; ++a) {
      const std::int64_t pair = s * model.actions + a;
      if (allowed[size(pair)] && model.excess[size(pair)] > 0.0)
        action[size(s)] = static_cast<std::int32_t>(a);
    }
    if (action[size(s)] >= 0) queue.push_back(s);
  }
  for (std::size_t next = 0; next < queue.size(); ++next) {
    for (std::int64_t k = before.begin[size(queue[next])]; k < before.begin[size(queue[next] + 1)]; ++k) {
      const std::int64_t pair = before.pair[size(k)];
      const std::int64_t s = pair / model.actions;
      if (!allowed[size(pair)] || action[size(s)] >= 0) continue;
      action[size(s)] = static_cast<std::int32_t>(pair % model.actions);
      queue.push_back(s);
    }
  }
  return action;
}

}  // namespace

Predecessors predecessors(const SparseModel& model) {
  Predecessors before;
  before.begin.assign(size(model.states) + 1, 0);
  for (const std::int32_t t : model.successor) ++before.begin[size(t) + 1];
  std::partial_sum(before.begin.begin(), before.begin.end(), before.begin.begin());
  before.pair.resize(model.successor.size());
  std::vector<std::int64_t> place(before.begin.begin(), before.begin.end() - 1);
  for (std::int64_t pair = 0; pair < model.pairs(); ++pair) {
    for (std::int64_t k = model.begin[size(pair)]; k < model.begin[size(pair + 1)]; ++k) {
      before.pair[size(place[size(model.successor[size(k)])]++)] = pair;
    }
  }
  return before;
}

std::vector<std::int32_t> resting_actions(const SparseModel& model, const Predecessors& before) {
  // All pairs without reward and end, less those that leave the states that have such a pair, until none
  // does.
  std::vector<std::uint8_t> rests(size(model.pairs()));
  std::vector<std::int64_t> count(size(model.states), 0);
  std::vector<std::int64_t> restless;
  for (std::int64_t s = 0; s < model.states; ++s) {
    for (std::int64_t pair = s * model.actions; pair < (s + 1) * model.actions; ++pair) {
      rests[size(pair)] =
          model.usable[size(pair)] && model.reward[size(pair)] == 0.0 && model.excess[size(pair)] == 0.0;
      count[size(s)] += rests[size(pair)];
    }
    if (count[size(s)] == 0) restless.push_back(s);
  }
  for (std::size_t next = 0; next < restless.size(); ++next) {
    for (std::int64_t k = before.begin[size(restless[next])]; k < before.begin[size(restless[next] + 1)];
         ++k) {
      const std::int64_t pair = before.pair[size(k)];
      if (!rests[size(pair)]) continue;
      rests[size(pair)] = 0;
      if (--count[size(pair / model.actions)] == 0) restless.push_back(pair / model.actions);
    }
  }
  std::vector<std::int32_t> action(size(model.states), -1);
  for (std::int64_t pair = model.pairs() - 1; pair >= 0; --pair) {
    if (rests[size(pair)])
      action[size(pair / model.actions)] = static_cast<std::int32_t>(pair % model.actions);
  }
  return action;
}

ProperPolicy proper_policy(const SparseModel& model, const Predecessors& before,
                           const std::vector<std::int32_t>& resting) {
  // An action that may lead where there is no way out is not allowed; then there may be no way out elsewhere.
  std::vector<std::uint8_t> allowed = model.usable;
  ProperPolicy found;
  std::vector<std::uint8_t> excluded(size(model.states), 0);
  for (bool grew = true; grew;) {
    grew = false;
    found.action = label(model, before, resting, allowed);
    if (found.no_exit.empty()) {
      for (const std::int32_t action : found.action) found.no_exit.push_back(action < 0);
    }
    for (std::int64_t s = 0; s < model.states; ++s) {
      if (found.action[size(s)] >= 0 || excluded[size(s)]) continue;
      grew = true;
      excluded[size(s)] = 1;
      for (std::int64_t k = before.begin[size(s)]; k < before.begin[size(s + 1)]; ++k) {
        allowed[size(before.pair[size(k)])] = 0;
      }
    }
  }
  return found;
}

void mark_reachable(const SparseModel& model, const double* policy, std::vector<std::uint8_t>& marked) {
  std::vector<std::int64_t> queue;
  for (std::int64_t s = 0; s < model.states; ++s) {
    if (marked[size(s)]) queue.push_back(s);
  }
  while (!queue.empty()) {
    const std::int64_t s = queue.back();
    queue.pop_back();
    for (std::int64_t pair = s * model.actions; pair < (s + 1) * model.actions; ++pair) {
      if (policy ? policy[pair] == 0.0 : !model.usable[size(pair)]) continue;
      for (std::int64_t k = model.begin[size(pair)]; k < model.begin[size(pair + 1)]; ++k) {
        const auto t = size(model.successor[size(k)]);
        if (marked[t]) continue;
        marked[t] = 1;
        queue.push_back(model.successor[size(k)]);
      }
    }
  }
}

}  // namespace metarl_fast
