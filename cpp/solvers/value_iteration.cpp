// SPDX-License-Identifier: MIT
#include "value_iteration.hpp"

#include <algorithm>
#include <cmath>

#include "patience.hpp"

namespace metarl_fast {
namespace {

// What a sweep found: the range of the best advantages, and how far rounding may have moved one.
struct Range {
  double low = 0.0;
  double high = 0.0;
  double rounding = 0.0;
};

bool terminates(const Shape& shape, const TaskView& task) {
  if (std::any_of(task.terminal, task.terminal + shape.states, [](std::uint8_t t) { return t != 0; }))
    return true;
  if (shape.dense) return false;
  for (std::int64_t k = 0; k < shape.probabilities(); ++k) {
    if (task.terminated[k] && task.probability[k] > 0.0) return true;
  }
  return false;
}

// Where the iteration stands: v = base + difference[S], and how far that may be from v*.
struct Iterate {
  double base = 0.0;
  double* difference;
  double error = 0.0;
};

double largest(double base, const double* difference, std::int64_t states) {
  double found = 0.0;
  for (std::int64_t s = 0; s < states; ++s) found = std::max(found, std::fabs(base + difference[s]));
  return found;
}

// The best advantage of each state, and their range.
Range sweep(const Shape& shape, const TaskView& task, double discount, const Iterate& v, bool ends,
            std::vector<double>& best, Patience& patience) {
  // A sum of n terms is off by at most n units of rounding of their sizes; some more for its products.
  const double unit = kRounding * static_cast<double>(shape.outcomes + 8);
  Range range;
  for (std::int64_t s = 0; s < shape.states; ++s) {
    double top = kNever;
    for (std::int64_t pair = s * shape.actions; pair < (s + 1) * shape.actions; ++pair) {
      if (patience.ends(shape.outcomes)) return range;
      if (!available(shape, task, pair)) continue;
      const Expected found = advantage(shape, task, discount, v.base, v.difference, pair);
      range.rounding = std::max(range.rounding, unit * found.size);
      top = std::max(top, found.value);
    }
    best[static_cast<std::size_t>(s)] = top;
    // Where episodes end nothing is gained: the range holds 0.
    const bool first = s == 0 && !ends;
    range.low = first ? top : std::min(range.low, top);
    range.high = first ? top : std::max(range.high, top);
  }
  return range;
}

// q(s, a) = v(s) + advantage, the first best action and its value.
void finish(const Shape& shape, const TaskView& task, double discount, const Iterate& v, double* values,
            double* q_values, std::int32_t* policy, Patience& patience) {
  for (std::int64_t pair = 0; pair < shape.pairs() && !patience.ends(shape.outcomes); ++pair) {
    const double here = v.base + v.difference[pair / shape.actions];
    q_values[pair] = available(shape, task, pair)
                         ? here + advantage(shape, task, discount, v.base, v.difference, pair).value
                         : kNever;
  }
  for (std::int64_t s = 0; s < shape.states; ++s) {
    const double* q = q_values + s * shape.actions;
    policy[s] = static_cast<std::int32_t>(std::max_element(q, q + shape.actions) - q);
    values[s] = q[policy[s]];
  }
}

}  // namespace

Solved value_iteration(const Shape& shape, const TaskView& task, double discount, double tolerance,
                       double* values, double* q_values, std::int32_t* policy, SweepScratch& scratch,
                       const Interrupt& interrupt) {
  Patience patience(interrupt);
  const std::int64_t states = shape.states;
  const bool ends = terminates(shape, task);
  const double left = 1.0 - discount;
  scratch.difference.assign(static_cast<std::size_t>(states), 0.0);
  scratch.best.resize(static_cast<std::size_t>(states));
  Iterate v{0.0, scratch.difference.data()};
  std::int64_t sweeps = 0;
  for (double weight = 1.0;; weight *= discount) {
    ++sweeps;
    const Range range = sweep(shape, task, discount, v, ends, scratch.best, patience);
    if (patience.ends(0)) return {};
    const double middle = ends ? 0.0 : 0.5 * range.low + 0.5 * range.high;
    const double spread = std::max(range.high - middle, middle - range.low);
    v.base += middle / left;
    const double scale = largest(v.base, v.difference, states);
    const double rest = largest(0.0, v.difference, states);
    v.error = (spread + range.rounding) / left + 4.0 * kRounding * (std::fabs(v.base) + rest);
    // No more is gained by sweeps that move the values by rounding only; so written that NaN stops too.
    const bool close = !(v.error > tolerance * std::min(1.0, scale));
    const bool stuck = !(spread > range.rounding + kRounding * rest) || weight < 0x1p-60 * left;
    if (close || stuck) break;
    for (std::int64_t s = 0; s < states; ++s)
      v.difference[s] += scratch.best[static_cast<std::size_t>(s)] - middle;
  }
  finish(shape, task, discount, v, values, q_values, policy, patience);
  return {sweeps, v.error};
}

}  // namespace metarl_fast
