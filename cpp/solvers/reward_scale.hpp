// SPDX-License-Identifier: MIT
// Rewards in units in which planning neither overflows nor loses bits.
#pragma once

#include <algorithm>
#include <cmath>

namespace metarl_fast {

// The power of two by which rewards are multiplied: values are at most 2^53 times the largest reward, and
// what bounds their rounding 2^60 times smaller.
inline double reward_scale(double largest_reward) {
  constexpr int kHighest = 960;
  constexpr int kLowest = -500;
  if (largest_reward == 0.0) return 1.0;
  const int exponent = std::ilogb(largest_reward);
  if (exponent > kHighest) return std::ldexp(1.0, kHighest - exponent);
  if (exponent < kLowest) return std::ldexp(1.0, std::min(-exponent, 1000));
  return 1.0;
}

}  // namespace metarl_fast
