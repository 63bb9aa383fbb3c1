// SPDX-License-Identifier: MIT
// The tutorial's law of random MDPs: the weights of a row, and the rewards, are uniform. Numbers of their own
// index, so that any one of them can be had alone. The families write tasks out by it, the kernel draws them
// for all lanes at once, or draws nothing but the weights it looks at.
#pragma once

#include <cstdint>

#include "rng.hpp"

namespace metarl_fast {

// Longer rows are drawn from by rejection (mdp.hpp): writing one out costs more than the draws that a learner
// takes from it. Part of what a seed gives.
constexpr std::int64_t kLongestUniformRow = 64;

// The weights of next states k and k + 1 in the row of a pair, below 2^24; k is even.
struct UniformWeights {
  std::uint32_t even, odd;
};
static inline UniformWeights uniform_weights(const IndexKey& key, std::int64_t pair, std::int64_t k) {
  auto x0 = static_cast<std::uint32_t>(k >> 1);
  auto x1 = static_cast<std::uint32_t>(pair);
  threefry2x32(x0, x1, key.word[0], key.word[1]);
  return {x0 >> 8, x1 >> 8};
}

struct UniformLaw {
  std::uint64_t key;            // (key, task) make the keys of weights and of rewards
  const double* start;          // [S]
  const double* fixed_rewards;  // [S][A], alike for all tasks; else null and ...
  bool normal_rewards;          // ... normal or uniform,
  double reward_a, reward_b;    // with mean and standard deviation, or low and high
};

}  // namespace metarl_fast
