// SPDX-License-Identifier: MIT
// Tasks of low rank: P(s'|s, a) = <phi(s, a), mu(s')> and r(s, a) = <phi(s, a), theta>.
//
// All tasks share phi(s, a) ~ Dirichlet(1, ..., 1) of d numbers, drawn from a seed of the family; each has
// mu_k ~ Dirichlet(1, ..., 1) of S numbers and theta ~ N(0, I) of its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "dirichlet.hpp"
#include "family.hpp"

namespace metarl_fast {

class LowRank final : public Family {
 public:
  static constexpr const char* kName = "LowRank";

  std::int64_t states = 10, actions = 5;
  std::int64_t rank = 3;
  std::int64_t features = 0;  // the seed of phi
  double noise = 0.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("num_states", family.states, at_least(1));
    visit("num_actions", family.actions, at_least(1));
    visit("rank", family.rank, at_least(1));
    visit("features", family.features, at_least(0));
    visit("reward_noise", family.noise, at_least(0));
  }

  void check() const override { check_parameters(*this); }
  Shape shape() const override { return {states, actions, states, true, noise}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void LowRank::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Meter meter(interrupt);
  const auto s = static_cast<std::size_t>(states);
  const auto d = static_cast<std::size_t>(rank);
  Stream own = make_stream(key, id, Purpose::transitions);
  std::vector<double> mu(d * s, 1.0), theta(d), phi, logs;
  for (std::size_t k = 0; k < d; ++k) {
    meter.count(states);
    draw_dirichlet(own, 1.0, mu.data() + k * s, s, logs);
  }
  Stream rewards = make_stream(key, id, Purpose::rewards);
  for (double& weight : theta) weight = normal_quantile(open_unit(next(rewards)));

  Stream shared = make_stream(static_cast<std::uint64_t>(features), 0, Purpose::transitions);
  std::fill(task.probability.begin(), task.probability.end(), 0.0);
  for (std::size_t pair = 0; pair < task.reward.size(); ++pair) {
    meter.count(rank * states);
    phi.assign(d, 1.0);
    draw_dirichlet(shared, 1.0, phi.data(), d, logs);
    double reward = 0.0;
    for (std::size_t k = 0; k < d; ++k) {
      reward += phi[k] * theta[k];
      for (std::size_t to = 0; to < s; ++to) task.probability[pair * s + to] += phi[k] * mu[k * s + to];
    }
    task.reward[pair] = reward;
  }
  std::fill(task.terminal.begin(), task.terminal.end(), std::uint8_t{0});
  std::fill(task.start.begin(), task.start.end(), 0.0);
  task.start[0] = 1.0;
}

}  // namespace metarl_fast
