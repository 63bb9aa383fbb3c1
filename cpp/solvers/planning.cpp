// SPDX-License-Identifier: MIT
#include "planning.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace metarl_fast {
namespace {

// About 0.1 ms of work: a large task is looked at after every sweep.
constexpr std::int64_t kOutcomesBetweenChecks = 1 << 16;

double action_value(const Shape& shape, const TaskView& task, double discount, const double* values,
                    std::int64_t pair) {
  const double* p = task.probability + pair * shape.outcomes;
  double expected = 0.0;
  if (shape.dense) {
    for (std::int64_t k = 0; k < shape.outcomes; ++k) expected += task.terminal[k] ? 0.0 : p[k] * values[k];
    return task.reward[pair] + discount * expected;
  }
  const std::int64_t first = pair * shape.outcomes;
  for (std::int64_t k = 0; k < shape.outcomes; ++k) {
    const double next = task.terminated[first + k] ? 0.0 : values[task.next_state[first + k]];
    expected += p[k] * (task.reward[first + k] + discount * next);
  }
  return expected;
}

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

double largest_change(const double* a, const std::vector<double>& b) {
  double change = 0.0;
  for (std::size_t s = 0; s < b.size(); ++s) change = std::max(change, std::fabs(a[s] - b[s]));
  return change;
}

// Repeats `sweep(previous, values)`, a contraction by `discount`, until the values are within the tolerance
// of its fixed point: |v - v*| <= discount / (1 - discount) * |v - previous| (Puterman 1994, theorem 6.3.3).
// A change of a few units in the last place is as good as doubles can be, so it also ends the loop.
template <class Sweep>
void iterate(const Criterion& criterion, const Shape& shape, double* values, PlanningScratch& scratch,
             const Interrupt& interrupt, Sweep sweep) {
  const std::int64_t states = shape.states;
  const std::int64_t sweeps_between_checks =
      std::max<std::int64_t>(1, kOutcomesBetweenChecks / shape.probabilities());
  std::fill_n(values, states, 0.0);
  const bool endless = criterion.horizon == 0;
  const double factor = criterion.discount / (1.0 - criterion.discount);
  for (std::int64_t k = 0; endless || k < criterion.horizon; ++k) {
    if (k % sweeps_between_checks == 0 && interrupt()) return;
    scratch.previous.assign(values, values + states);
    sweep(scratch.previous.data(), values, k);
    if (!endless) continue;
    const double change = largest_change(values, scratch.previous);
    double scale = 0.0;
    for (std::int64_t s = 0; s < states; ++s) scale = std::max(scale, std::fabs(values[s]));
    if (change * factor <= criterion.tolerance) return;
    if (change <= 4.0 * std::numeric_limits<double>::epsilon() * scale) return;
  }
}

// The model under a policy: outcomes of each state with their joint probabilities, and expected rewards.
void collapse(const Shape& shape, const TaskView& task, const double* policy, PlanningScratch& m) {
  m.begin.assign(1, 0);
  m.successor.clear();
  m.weight.clear();
  m.reward.assign(size(shape.states), 0.0);
  for (std::int64_t s = 0; s < shape.states; ++s) {
    for (std::int64_t a = 0; a < shape.actions; ++a) {
      const std::int64_t pair = s * shape.actions + a;
      if (policy[pair] == 0.0) continue;
      if (shape.dense) m.reward[size(s)] += policy[pair] * task.reward[pair];
      for (std::int64_t k = 0; k < shape.outcomes; ++k) {
        const std::int64_t place = pair * shape.outcomes + k;
        const double weight = policy[pair] * task.probability[place];
        if (weight == 0.0) continue;
        if (!shape.dense) m.reward[size(s)] += weight * task.reward[place];
        if (shape.dense ? task.terminal[k] : task.terminated[place]) continue;
        m.successor.push_back(shape.dense ? static_cast<std::int32_t>(k) : task.next_state[place]);
        m.weight.push_back(weight);
      }
    }
    m.begin.push_back(static_cast<std::int64_t>(m.successor.size()));
  }
}

}  // namespace

void action_values(const Shape& shape, const TaskView& task, double discount, const double* values,
                   double* q_values) {
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    q_values[pair] = action_value(shape, task, discount, values, pair);
  }
}

void solve(const Shape& shape, const TaskView& task, const Criterion& criterion, double* values,
           double* q_values, std::int32_t* policy, std::int32_t* plan, PlanningScratch& scratch,
           const Interrupt& interrupt) {
  const auto sweep = [&](const double* previous, double* next, std::int64_t k) {
    action_values(shape, task, criterion.discount, previous, q_values);
    // Sweep k works out the step that has k more steps after it.
    std::int32_t* best =
        plan != nullptr && criterion.horizon > 0 ? plan + (criterion.horizon - 1 - k) * shape.states : policy;
    for (std::int64_t s = 0; s < shape.states; ++s) {
      const double* q = q_values + s * shape.actions;
      best[s] = static_cast<std::int32_t>(std::max_element(q, q + shape.actions) - q);
      policy[s] = best[s];
      next[s] = q[best[s]];
    }
  };
  iterate(criterion, shape, values, scratch, interrupt, sweep);
  if (criterion.horizon == 0) {
    // q and the policy belong to the values returned, not to those of the sweep before.
    std::vector<double>& last = scratch.previous;
    last.assign(values, values + shape.states);
    sweep(last.data(), values, 0);
  }
}

void evaluate_policy(const Shape& shape, const TaskView& task, const Criterion& criterion,
                     const double* policy, double* values, PlanningScratch& scratch,
                     const Interrupt& interrupt) {
  collapse(shape, task, policy, scratch);
  iterate(criterion, shape, values, scratch, interrupt,
          [&](const double* previous, double* next, std::int64_t) {
            for (std::int64_t s = 0; s < shape.states; ++s) {
              double expected = 0.0;
              for (std::int64_t k = scratch.begin[size(s)]; k < scratch.begin[size(s) + 1]; ++k) {
                expected += scratch.weight[size(k)] * previous[scratch.successor[size(k)]];
              }
              next[s] = scratch.reward[size(s)] + criterion.discount * expected;
            }
          });
}

double start_value(const Shape& shape, const TaskView& task, const double* values) {
  double expected = 0.0;
  for (std::int64_t s = 0; s < shape.states; ++s) {
    if (task.start[s] > 0.0) expected += task.start[s] * values[s];  // others may be worth infinity
  }
  return expected;
}

}  // namespace metarl_fast
