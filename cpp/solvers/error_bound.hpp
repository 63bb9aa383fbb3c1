// SPDX-License-Identifier: MIT
// How far values may be from the optimum, whatever made them: if no state's best advantage over v is larger
// than m, in size, then
//   |v* - v| <= m / (1 - discount)                                     (MacQueen 1966),
// and what rounding adds to an advantage is known from the range of the values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "improvement.hpp"

namespace metarl_fast {

class ErrorBound {
 public:
  // Counts a state: its value, and the largest of its advantages. Where episodes may end, the end counts too.
  void add(double value, double best_advantage) {
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
    residual_ = std::max(residual_, std::fabs(best_advantage));
  }

  void add(const ErrorBound& other) {
    low_ = std::min(low_, other.low_);
    high_ = std::max(high_, other.high_);
    residual_ = std::max(residual_, other.residual_);
  }

  // For pairs of so many outcomes at most. Infinite at discount 1, where nothing is known.
  double of(double discount, double largest_reward, std::int64_t outcomes) const {
    if (discount == 1.0) return std::numeric_limits<double>::infinity();
    const double left = 1.0 - discount;
    const double terms = largest_reward + discount * (high_ - low_) + left * std::max(high_, -low_);
    return (residual_ + kRounding * static_cast<double>(outcomes + 8) * terms) / left;
  }

 private:
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
  double residual_ = 0.0;
};

}  // namespace metarl_fast
