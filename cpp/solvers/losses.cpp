// SPDX-License-Identifier: MIT
#include "losses.hpp"

#include <algorithm>
#include <cmath>

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

bool less_value(const Expected& a, const Expected& b) { return a.value < b.value; }

}  // namespace

void losses(const Shape& shape, const TaskView& task, double discount, const double* values, double* loss,
            LossScratch& scratch) {
  scratch.row.resize(size(shape.actions));
  for (std::int64_t s = 0; s < shape.states; ++s) {
    for (std::int64_t a = 0; a < shape.actions; ++a) {
      const std::int64_t pair = s * shape.actions + a;
      scratch.row[size(a)] = available(shape, task, pair)
                                 ? advantage(shape, task, discount, 0.0, values, pair)
                                 : Expected{kNever, 0.0};
    }
    const Expected best = *std::max_element(scratch.row.begin(), scratch.row.end(), less_value);
    const double here = std::fabs(values[s]);
    for (std::int64_t a = 0; a < shape.actions; ++a) {
      const Expected& found = scratch.row[size(a)];
      // A value entered is at most a difference and the value here.
      const double local = std::max(best.size, found.size);
      const double tolerance = tie({local, local + 2.0 * here}, discount, here);
      const double lost = best.value - found.value;
      // No number where states are worth -infinity, which no episode comes to.
      loss[s * shape.actions + a] = lost > tolerance && std::isfinite(lost) ? lost : 0.0;
    }
  }
}

void losses(const Expected* q, std::int64_t actions, std::int64_t best, double* loss) {
  for (std::int64_t a = 0; a < actions; ++a) {
    const double lost = q[best].value - q[a].value;
    const double tolerance = kValueNoise * std::max(q[best].size, q[a].size);
    loss[a] = lost > tolerance && std::isfinite(lost) ? lost : 0.0;
  }
}

}  // namespace metarl_fast
