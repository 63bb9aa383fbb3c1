// SPDX-License-Identifier: MIT
// Which of the banded tasks are kept: pits have to be worse than any other place and the last state better
// than the first ones, the optimum clearly better than chance, and who follows it has to see many states.
//
// The conditions and their numbers are those of AnyMDP (FutureAGI/Xenoverse, xenoverse/anymdp), whose sweeps
// stop when they are near; here values are exact.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../elementary.hpp"
#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "../rng.hpp"
#include "../solvers/bellman.hpp"
#include "../solvers/sparse_policy_iteration.hpp"
#include "../variates.hpp"
#include "banded.hpp"
#include "composite_rewards.hpp"

namespace metarl_fast {

struct Candidate {
  explicit Candidate(const Shape& of)
      : shape(of),
        values(static_cast<std::size_t>(of.states)),
        q_values(static_cast<std::size_t>(of.pairs())),
        policy(values.size()) {
    dynamics.states = of.states;
    dynamics.actions = of.actions;
  }

  Shape shape;
  Banded dynamics;
  CompositeRewards rewards;
  SparseScratch room;
  std::vector<double> values, q_values;
  std::vector<std::int32_t> policy;
};

// As outcome lists, state k in place k.
inline void write_rows(const Candidate& candidate, TaskBuffer& task, Meter& meter) {
  const Banded& dynamics = candidate.dynamics;
  task.probability = dynamics.probability;
  task.terminal = dynamics.ends;
  task.start = dynamics.start;
  std::size_t place = 0;
  for (std::int64_t s = 0; s < dynamics.states; ++s) {
    const bool over = dynamics.ends[static_cast<std::size_t>(s)];
    meter.count(dynamics.actions * dynamics.states);
    for (std::int64_t a = 0; a < dynamics.actions; ++a) {
      for (std::int64_t k = 0; k < dynamics.states; ++k, ++place) {
        task.next_state[place] = static_cast<std::int32_t>(k);
        if (over) task.probability[place] = k == s;
        const bool possible = !over && task.probability[place] > 0.0;
        task.reward[place] = possible ? candidate.rewards(s, a, k, dynamics.actions) : 0.0;
        task.terminated[place] = dynamics.ends[static_cast<std::size_t>(k)];
      }
    }
  }
}

inline void find_optimum(Candidate& candidate, const TaskBuffer& task, double discount,
                         const Interrupt& interrupt) {
  prepare_sparse(candidate.shape, task.view(), discount, candidate.room, interrupt);
  const Optimum optimum{candidate.values.data(), candidate.q_values.data(), candidate.policy.data()};
  solve_sparse(task.view(), candidate.room, optimum, interrupt);
}

// Lowers what pits pay and raises what the last state does, at most five times, until at a discount of 0.99
// no state is worth less than a pit and 1, and no start as much as the last state that can be left. Whether
// that came true; `task` is the last one that was looked at.
inline bool settle_ends(Stream& stream, Candidate& candidate, TaskBuffer& task, const Interrupt& interrupt) {
  constexpr double kDiscount = 0.99;
  const Banded& dynamics = candidate.dynamics;
  Meter meter(interrupt);
  std::vector<double>& place = candidate.rewards.place;
  const std::size_t last = place.size() - 1;
  const std::size_t last_left = dynamics.has_goal ? last - 1 : last;
  double pit = 0.0;
  place[last] += 1.0;
  for (int round = 0; round < 5; ++round) {
    write_rows(candidate, task, meter);
    find_optimum(candidate, task, kDiscount, interrupt);
    double lowest = kInfinity, first = -kInfinity;
    for (std::size_t s = 0; s <= last; ++s) {
      if (!dynamics.ends[s]) lowest = std::min(lowest, candidate.values[s]);
      if (dynamics.start[s] > 0.0) first = std::max(first, candidate.values[s]);
    }
    const double above = pit - lowest + 1.0;
    const double ahead = first - candidate.values[last_left] + uniform_variate(stream, 2.0, 5.0);
    if (above <= 0.0 && ahead <= 0.0) return true;
    if (above > 0.0 && dynamics.has_pits) {
      const double deeper = above + uniform_variate(stream, 1.0, 10.0);
      pit -= deeper;
      for (std::size_t s = 0; s < last; ++s) {
        if (dynamics.ends[s]) place[s] -= deeper;
      }
    }
    if (ahead > 0.0) {
      const double more = std::max(2.0 * ahead, uniform_variate(stream, 1.0, 10.0));
      place[last] += dynamics.has_goal ? more : (1.0 - kDiscount) * more;
    }
  }
  return false;
}

// How often the optimal policy is where, [S] from each state, in the long run: episodes begin again.
inline std::vector<double> long_run(const Candidate& candidate, std::int64_t steps,
                                    const Interrupt& interrupt) {
  const Banded& dynamics = candidate.dynamics;
  const auto n = static_cast<std::size_t>(dynamics.states);
  std::vector<double> chain(n * n), squared(n * n);
  for (std::size_t s = 0; s < n; ++s) {
    const std::int64_t pair =
        static_cast<std::int64_t>(s) * dynamics.actions + static_cast<std::int64_t>(candidate.policy[s]);
    const double* row =
        dynamics.ends[s] ? dynamics.start.data() : dynamics.probability.data() + pair * dynamics.states;
    std::copy_n(row, n, chain.begin() + static_cast<std::ptrdiff_t>(s * n));
  }
  for (std::int64_t reach = 1; reach <= steps; reach *= 2) {
    stop_if_asked(interrupt);
    std::fill(squared.begin(), squared.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double p = chain[i * n + j];
        if (p == 0.0) continue;
        for (std::size_t k = 0; k < n; ++k) squared[i * n + k] += p * chain[j * n + k];
      }
    }
    std::swap(chain, squared);
  }
  return chain;
}

// Gini's impurity above 0.7 and entropy above half of what evenly would be, from each start.
inline bool sees_many_states(const Candidate& candidate, std::int64_t steps, const Interrupt& interrupt) {
  const auto n = static_cast<std::size_t>(candidate.dynamics.states);
  const std::vector<double> chain = long_run(candidate, steps, interrupt);
  for (std::size_t s = 0; s < n; ++s) {
    if (candidate.dynamics.start[s] == 0.0) continue;
    double squares = 0.0, entropy = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      const double p = chain[s * n + k] + 1e-12;
      squares += p * p;
      entropy -= p * portable_log(p);
    }
    if (1.0 - squares <= 0.7 || entropy <= 0.5 * portable_log(static_cast<double>(n))) return false;
  }
  return true;
}

// At a discount whose weights halve in S steps, from each start, over max(4 S, 100) steps: the optimum is
// worth 2 more than to act well once and at random from then on.
inline bool is_worth_learning(Candidate& candidate, const TaskBuffer& task, const Interrupt& interrupt) {
  const Shape& shape = candidate.shape;
  const double discount = portable_exp(-0.69314718055994531 / static_cast<double>(shape.states));
  const std::int64_t steps = std::max<std::int64_t>(4 * shape.states, 100);
  find_optimum(candidate, task, discount, interrupt);
  const std::vector<double> evenly(candidate.q_values.size(), 1.0 / static_cast<double>(shape.actions));
  std::vector<double> by_chance(candidate.values.size());
  evaluate_sparse(task.view(), evenly.data(), candidate.room, by_chance.data(), interrupt);
  for (std::int64_t s = 0; s < kStartStates; ++s) {
    if (candidate.dynamics.start[static_cast<std::size_t>(s)] == 0.0) continue;
    double once = -kInfinity;
    for (std::int64_t a = 0; a < shape.actions; ++a) {
      const std::int64_t pair = s * shape.actions + a;
      once = std::max(once, action_value(shape, task.view(), discount, by_chance.data(), pair).value);
    }
    const double gain = candidate.values[static_cast<std::size_t>(s)] - once;
    if (gain * (1.0 - discount) * static_cast<double>(steps) < 2.0) return false;
  }
  return sees_many_states(candidate, steps, interrupt);
}

}  // namespace metarl_fast
