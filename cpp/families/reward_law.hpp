// SPDX-License-Identifier: MIT
// Laws from which expected rewards are drawn, each of one number.
#pragma once

#include <cstdint>

#include "../elementary.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"

namespace metarl_fast {

enum class RewardLaw { normal, uniform, fixed };
inline constexpr Word<RewardLaw> kRewardLaws[] = {
    {"normal", RewardLaw::normal}, {"uniform", RewardLaw::uniform}, {"fixed", RewardLaw::fixed}};

// Normal of mean a and standard deviation b, or uniform from a to b.
inline double draw_reward(RewardLaw law, double a, double b, std::uint32_t x) {
  return law == RewardLaw::normal ? a + b * normal_quantile(open_unit(x)) : a + (b - a) * unit(x, double{});
}

}  // namespace metarl_fast
