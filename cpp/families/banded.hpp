// SPDX-License-Identifier: MIT
// Banded dynamics: states in a row, from which actions lead a few states back or on; some states are pits.
//
// The law is that of AnyMDP's `sample_transition` (FutureAGI/Xenoverse, xenoverse/anymdp), said anew.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../elementary.hpp"
#include "../interrupt.hpp"
#include "../rng.hpp"
#include "../variates.hpp"

namespace metarl_fast {

struct Banded {
  std::int64_t states = 0, actions = 0;
  std::vector<double> start;           // [S]
  std::vector<std::uint8_t> ends;      // [S], pits and the goal: an episode ends on entering them
  bool has_goal = false;               // whether the last state ends it
  bool has_pits = false;               // whether others do
  std::vector<double> probability;     // [S][A][S], zeros where the episode has ended
  std::vector<std::int64_t> from, to;  // [S], the band of each state: from, ..., to - 1
  double* row(std::int64_t state, std::int64_t action) {
    return probability.data() + (state * actions + action) * states;
  }
};

constexpr std::int64_t kStartStates = 3;

// An integer in low, ..., high - 1.
inline std::int64_t draw_between(Stream& stream, std::int64_t low, std::int64_t high) {
  return low + below(next(stream), static_cast<std::uint32_t>(high - low));
}

// Weights max(N(0, 1), 0) of the first three states.
inline void draw_starts(Stream& stream, Banded& task) {
  task.start.assign(static_cast<std::size_t>(task.states), 0.0);
  double total = 0.0;
  while (total < 1e-10) {
    total = 0.0;
    for (std::size_t s = 0; s < kStartStates; ++s) {
      task.start[s] = std::max(normal_variate(stream), 0.0);
      total += task.start[s];
    }
  }
  for (std::size_t s = 0; s < kStartStates; ++s) task.start[s] /= total;
}

// Each state is a pit as often as a number of the task says, max(U(-0.2, 0.4), 0), unless episodes begin
// there; the last one is none, but in three tasks of ten a goal.
inline void draw_ends(Stream& stream, Banded& task) {
  const double share = std::max(uniform_variate(stream, -0.2, 0.4), 0.0);
  const double most = share * static_cast<double>(task.states) + 1.0;
  std::int64_t count = task.states;
  while (static_cast<double>(count) >= most) {
    count = 0;
    task.ends.assign(static_cast<std::size_t>(task.states), 0);
    for (std::uint8_t& end : task.ends) {
      end = unit(next(stream), double{}) < share;
      count += end;
    }
  }
  for (std::size_t s = 0; s < kStartStates; ++s) task.ends[s] = task.ends[s] && task.start[s] == 0.0;
  task.ends.back() = 0;
  task.has_pits = std::count(task.ends.begin(), task.ends.end(), std::uint8_t{1}) > 0;
  task.has_goal = unit(next(stream), double{}) < 0.3;
  task.ends.back() = task.has_goal;
}

// From 5 to S/2 + 1 states back, if there are as many, to 1 to S/4 on: and so much farther that two states on
// the way are no pits.
inline void draw_band(Stream& stream, std::int64_t s, Banded& task) {
  const std::int64_t back = std::max<std::int64_t>(5, task.states / 2 + 1);
  const std::int64_t leap = std::max<std::int64_t>(3, task.states / 4 + 1);
  const std::int64_t farthest_back = std::max<std::int64_t>(0, s - back);
  const std::int64_t from = draw_between(stream, farthest_back, std::max(s - 4, farthest_back + 1));
  const std::int64_t end = std::min(task.states, s + leap);
  std::int64_t to = draw_between(stream, std::min({task.states - 1, s + 2, end - 1}), end);
  std::int64_t safe = 0;
  for (std::int64_t next_state = s + 1; next_state < to; ++next_state) {
    safe += !task.ends[static_cast<std::size_t>(next_state)];
  }
  for (; to < task.states && safe < 2; ++to) {
    safe += to > s && !task.ends[static_cast<std::size_t>(to)];
  }
  task.from[static_cast<std::size_t>(s)] = from;
  task.to[static_cast<std::size_t>(s)] = to;
}

// How often each state of the band is entered under all actions together: weights N(0, 1), cut to 0.1 to 1;
// half as often the state itself, and never the last one from itself.
inline void draw_base(Stream& stream, std::int64_t s, const Banded& task, std::vector<double>& base) {
  const std::int64_t from = task.from[static_cast<std::size_t>(s)], to = task.to[static_cast<std::size_t>(s)];
  base.resize(static_cast<std::size_t>(to - from));
  double total = 0.0;
  for (std::int64_t k = from; k < to; ++k) {
    double weight = std::min(std::max(normal_variate(stream), 0.1), 1.0);
    if (k == s) weight *= s == task.states - 1 ? 0.0 : 0.5;
    base[static_cast<std::size_t>(k - from)] = weight;
    total += weight;
  }
  for (double& weight : base) weight /= total;
}

// Each action has a centre c ~ U(from - 1, to), and gets of the probability of state k the share that
// exp(-(c - k)^2 / width^2) is of all actions', width ~ Exp(1), cut to 0.2 to 1.6.
inline void share_among_actions(Stream& stream, std::int64_t s, const std::vector<double>& base,
                                Banded& task) {
  const std::int64_t from = task.from[static_cast<std::size_t>(s)], to = task.to[static_cast<std::size_t>(s)];
  std::vector<double> centre(static_cast<std::size_t>(task.actions)), total(centre.size(), 0.0);
  for (double& c : centre) {
    c = uniform_variate(stream, static_cast<double>(from - 1), static_cast<double>(to));
  }
  const double width = std::min(std::max(exponential_variate(stream, 1.0), 0.2), 1.6);
  for (std::int64_t k = from; k < to; ++k) {
    const auto distance = [&](std::size_t a) {
      const double d = centre[a] - static_cast<double>(k);
      return d * d;
    };
    double all = 0.0;
    std::size_t nearest = 0;
    for (std::size_t a = 0; a < centre.size(); ++a) {
      const double weight = portable_exp(-distance(a) / (width * width));
      task.row(s, static_cast<std::int64_t>(a))[k] = weight;
      all += weight;
      if (distance(a) < distance(nearest)) nearest = a;
    }
    if (all < 1e-10) {  // far from all of them
      double& weight = task.row(s, static_cast<std::int64_t>(nearest))[k];
      all += 1.0 - weight;
      weight = 1.0;
    }
    for (std::size_t a = 0; a < centre.size(); ++a) {
      double& share = task.row(s, static_cast<std::int64_t>(a))[k];
      share = share / all * base[static_cast<std::size_t>(k - from)];
      total[a] += share;
    }
  }
  for (std::size_t a = 0; a < centre.size(); ++a) {
    double* const row = task.row(s, static_cast<std::int64_t>(a));
    for (std::int64_t k = from; k < to; ++k) row[k] /= total[a];
  }
}

inline void draw_banded(Stream& stream, Banded& task, Meter& meter) {
  const auto states = static_cast<std::size_t>(task.states);
  draw_starts(stream, task);
  draw_ends(stream, task);
  task.probability.assign(states * static_cast<std::size_t>(task.actions) * states, 0.0);
  task.from.assign(states, 0);
  task.to.assign(states, 0);
  std::vector<double> base;
  for (std::int64_t s = 0; s < task.states; ++s) {
    meter.count(task.actions * task.states);
    if (task.ends[static_cast<std::size_t>(s)]) continue;
    draw_band(stream, s, task);
    draw_base(stream, s, task, base);
    share_among_actions(stream, s, base, task);
  }
}

}  // namespace metarl_fast
