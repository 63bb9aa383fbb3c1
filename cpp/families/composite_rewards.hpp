// SPDX-License-Identifier: MIT
// Rewards of several parts for states in a row: a potential, the place entered, the pair, the step, and what
// ends the episode.
//
// The laws are those of AnyMDP's `sample_mdp` (FutureAGI/Xenoverse, xenoverse/anymdp), said anew.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../rng.hpp"
#include "../variates.hpp"
#include "banded.hpp"

namespace metarl_fast {

struct CompositeRewards {
  std::vector<double> potential;  // [S], phi: a step pays phi(s) - phi(s')
  std::vector<double> place;      // [S], for entering a state, with what its end pays
  std::vector<double> pair;       // [S][A]
  double step = 0.0;              // for every step

  double operator()(std::int64_t state, std::int64_t action, std::int64_t next_state,
                    std::int64_t actions) const {
    const auto s = static_cast<std::size_t>(state), to = static_cast<std::size_t>(next_state);
    const double moved = potential[s] - potential[to];
    return moved + place[to] + pair[static_cast<std::size_t>(state * actions + action)] + step;
  }
};

// Sine and cosine of an angle that is small, as sums of the first terms of their series; the error is below
// 1e-15 up to 1 and grows from there.
struct Turn {
  double sine, cosine;
};
inline Turn small_turn(double angle) {
  const double square = angle * angle;
  double sine = 1.0, cosine = 1.0;
  for (int n = 16; n > 0; n -= 2) {
    sine = 1.0 - sine * square / static_cast<double>(n * (n + 1));
    cosine = 1.0 - cosine * square / static_cast<double>(n * (n - 1));
  }
  return {angle * sine, cosine};
}

// A sum of up to four waves over the row of states, the first of which is constant: a sin(w x) + b cos(w x)
// at x = s / (2 S), w = 1 to 5 and a normal number, a and b normal times exponential. In three tasks of four
// it is 0.
inline void draw_potential(Stream& stream, CompositeRewards& rewards) {
  std::fill(rewards.potential.begin(), rewards.potential.end(), 0.0);
  if (unit(next(stream), double{}) < 0.75) return;
  const double most = std::min(std::max(exponential_variate(stream, 1.0), 0.2), 5.0);
  const double height = uniform_variate(stream, 0.0, most);
  const std::int64_t waves = draw_between(stream, 1, 4);
  const double mean = height / std::sqrt(static_cast<double>(waves));
  for (std::int64_t n = 0; n <= waves; ++n) {
    const double order =
        n == 0 ? 0.0 : static_cast<double>(draw_between(stream, 1, 6)) + normal_variate(stream);
    const double a = normal_variate(stream) * exponential_variate(stream, mean);
    const double b = normal_variate(stream) * exponential_variate(stream, mean);
    const Turn turn = small_turn(order / (2.0 * static_cast<double>(rewards.potential.size())));
    Turn at{0.0, 1.0};
    for (double& potential : rewards.potential) {
      potential += a * at.sine + b * at.cosine;
      at = {at.sine * turn.cosine + at.cosine * turn.sine, at.cosine * turn.cosine - at.sine * turn.sine};
    }
  }
}

// It grows along the row by max(N(0, 1), 0) from state to state, and crosses 0 somewhere on the way. What
// ends an episode is paid apart.
inline void draw_place(Stream& stream, const Banded& task, CompositeRewards& rewards) {
  const double unit_of_growth = exponential_variate(stream, 0.2);
  double grown = 0.0;
  for (std::size_t s = 0; s < rewards.place.size(); ++s) {
    double growth = std::max(normal_variate(stream), 0.0);
    if (s + 1 == rewards.place.size()) growth += 0.2;
    grown += growth * unit_of_growth;
    rewards.place[s] = grown;
  }
  const double crossed = uniform_variate(stream, 0.1 * grown, 0.9 * grown);
  for (std::size_t s = 0; s < rewards.place.size(); ++s) {
    rewards.place[s] = task.ends[s] ? 0.0 : rewards.place[s] - crossed;
  }
}

// Three pairs of ten pay, or cost, a normal number times one of the task's, Exp(0.05) cut to 0.1.
inline void draw_pairs(Stream& stream, CompositeRewards& rewards) {
  const double spread = std::min(exponential_variate(stream, 0.05), 0.1);
  for (double& pays : rewards.pair) {
    const bool counts = unit(next(stream), double{}) < 0.3;
    const double z = normal_variate(stream);
    pays = counts ? spread * z : 0.0;
  }
}

// Steps to a goal cost a little, and steps beside pits earn a little.
inline void draw_step(Stream& stream, const Banded& task, CompositeRewards& rewards) {
  const double z = 0.01 * normal_variate(stream);
  rewards.step = task.has_goal ? std::min(z, 0.0) : task.has_pits ? std::max(z, 0.0) : 0.0;
}

inline void draw_rewards(Stream& stream, const Banded& task, CompositeRewards& rewards) {
  rewards.potential.resize(static_cast<std::size_t>(task.states));
  rewards.place.resize(static_cast<std::size_t>(task.states));
  rewards.pair.resize(static_cast<std::size_t>(task.states * task.actions));
  draw_potential(stream, rewards);
  draw_place(stream, task, rewards);
  draw_pairs(stream, rewards);
  draw_step(stream, task, rewards);
}

}  // namespace metarl_fast
