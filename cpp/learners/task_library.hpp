// SPDX-License-Identifier: MIT
// Tasks that are known, each with a chance that the one at hand is it.
#pragma once

#include <cstdint>
#include <vector>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "agent.hpp"

namespace metarl_fast {

// L tasks as lists of K outcomes, side by side for each pair: what is asked is how likely a step is in all of
// them.
struct TaskLibrary {
  std::int64_t outcomes = 0;              // K
  std::vector<double> weight;             // [L], above 0
  std::vector<double> probability;        // [S][A][L][K]
  std::vector<std::int32_t> next_state;   // the same
  std::vector<double> reward;             // the same; means, where there is noise
  std::vector<std::int32_t> termination;  // the same, 0 or 1
  std::vector<double> reward_noise;       // [L], standard deviations: all 0, or none
  std::vector<double> value;              // [L][S][A], q* of each

  std::size_t size() const { return weight.size(); }

  // Refuses arrays that do not fit together, or tasks of another shape.
  void check(const Shape& shape) const {
    const auto pairs = static_cast<std::size_t>(shape.pairs());
    const auto fits = [](const char* name, std::size_t found, std::size_t expected) {
      require(found == expected, name, static_cast<double>(found), "one for each of its tasks, and theirs");
    };
    fits("value's size", value.size(), size() * pairs);
    fits("reward_noise's size", reward_noise.size(), size());
    fits("probability's size", probability.size(), size() * pairs * static_cast<std::size_t>(outcomes));
    fits("next_state's size", next_state.size(), probability.size());
    fits("reward's size", reward.size(), probability.size());
    fits("termination's size", termination.size(), probability.size());
    for (const double noise : reward_noise) {
      require((noise > 0.0) == (reward_noise[0] > 0.0), "a task's noise", noise,
              "0 in all tasks, or in none");
    }
  }

  // How likely a step is in the l'th task: sum_k p_k [s' = s'_k] [ends alike] f(r | r_k). Without noise f is
  // 1 if rewards agree as floats do, with it the density of Normal(r_k, noise), but for a factor.
  double likelihood(std::size_t l, std::size_t pair, const Step& step) const {
    const auto places = static_cast<std::size_t>(outcomes);
    const std::size_t first = (pair * size() + l) * places;
    const double noise = reward_noise[l];
    double found = 0.0;
    for (std::size_t k = first; k < first + places; ++k) {
      if (next_state[k] != step.next_state || (termination[k] != 0) != step.terminated) continue;
      if (noise > 0.0) {
        const double z = (step.reward - reward[k]) / noise;
        found += probability[k] * (portable_exp(-0.5 * (z * z)) / noise);
      } else if (static_cast<float>(step.reward) == static_cast<float>(reward[k])) {
        found += probability[k];
      }
    }
    return found;
  }
};

}  // namespace metarl_fast
