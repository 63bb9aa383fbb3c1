// SPDX-License-Identifier: MIT
// Contextual bandits whose expected rewards are linear in features: r(s, a) = <phi(s, a), theta>.
//
// All tasks share phi ~ N(0, I/d), drawn from a seed of the family; each has a theta ~ N(0, I/d) of its own.
// After each pull the next context is any of them, whatever was pulled.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"

namespace metarl_fast {

class LinearBandit final : public Family {
 public:
  static constexpr const char* kName = "LinearBandit";

  std::int64_t contexts = 1;
  std::int64_t arms = 10;
  std::int64_t dimension = 2;
  std::int64_t features = 0;  // the seed of phi
  double noise = 1.0;

  template <class Self, class Visitor>
  static void parameters(Self& bandit, const Visitor& visit) {
    visit("num_contexts", bandit.contexts, at_least(1));
    visit("num_arms", bandit.arms, at_least(1));
    visit("dimension", bandit.dimension, at_least(1));
    visit("features", bandit.features, at_least(0));
    visit("noise", bandit.noise, at_least(0));
  }

  void check() const override { check_parameters(*this); }
  Shape shape() const override { return {contexts, arms, contexts, true, noise}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void LinearBandit::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                                const Interrupt& interrupt) const {
  Meter meter(interrupt);
  const double scale = 1.0 / square_root(static_cast<double>(dimension));
  const auto draw = [scale](Stream& stream) { return scale * normal_quantile_32(open_unit(next(stream))); };
  Stream own = make_stream(key, id, Purpose::rewards);
  std::vector<double> theta(static_cast<std::size_t>(dimension));
  for (double& weight : theta) weight = draw(own);

  Stream shared = make_stream(static_cast<std::uint64_t>(features), 0, Purpose::rewards);
  for (double& reward : task.reward) {
    meter.count(dimension);
    reward = 0.0;
    for (const double weight : theta) reward += draw(shared) * weight;
  }
  meter.count(contexts * arms * contexts);
  const double even = 1.0 / static_cast<double>(contexts);
  std::fill(task.probability.begin(), task.probability.end(), even);
  std::fill(task.start.begin(), task.start.end(), even);
  std::fill(task.terminal.begin(), task.terminal.end(), std::uint8_t{0});
}

}  // namespace metarl_fast
