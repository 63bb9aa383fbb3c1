// SPDX-License-Identifier: MIT
// Beginning and ending episodes: start states, returns, snapshots and results.
#pragma once

#include "../learners/behaviour.hpp"
#include "behave.hpp"
#include "kernel.hpp"
#include "respond.hpp"
#include "tiles.hpp"

namespace metarl_fast {
namespace {

// The values of a state to report and act by: of two tables, their sum.
template <class Real>
Real value_at(const Block<Real>& b, const Real* q, std::int64_t a) {
  return b.second_table == 0 ? q[a] : q[a] + q[a + b.second_table];
}

// What the lane has learned: of two tables, their mean.
template <class Real>
void copy_table(const Block<Real>& b, int lane, Real* out) {
  const Real* q = b.q_table + b.first_cell[lane];
  const Real* end = out + b.states * b.actions;
  std::int64_t s = 0;
  if (b.second_table == 0 && b.q_stride == 8) {
    // Eight at a time; what is too much is overwritten by the next row.
    for (; end - out >= 8; ++s, q += 8, out += b.actions) __builtin_memcpy(out, q, 8 * sizeof(Real));
  }
  const Real share = b.second_table == 0 ? Real{1} : Real{0.5};
  for (; s < b.states; ++s, q += b.q_stride, out += b.actions) {
    for (std::int64_t a = 0; a < b.actions; ++a) out[a] = share * value_at(b, q, a);
  }
}

// The first action of largest value in each state.
template <class Real>
void copy_policy(const Block<Real>& b, int lane, std::int32_t* out) {
  const Real* q = b.q_table + b.first_cell[lane];
  for (std::int64_t s = 0; s < b.states; ++s, q += b.q_stride) {
    if (b.q_stride == 8 && b.second_table == 0) {
      out[s] = first_largest(q);
      continue;
    }
    std::int32_t best = 0;
    Real largest = value_at(b, q, 0);
    for (std::int32_t a = 1; a < b.actions; ++a) {
      const Real value = value_at(b, q, a);
      best = value > largest ? a : best;
      largest = value > largest ? value : largest;
    }
    out[s] = best;
  }
}

// Whether what the behaviour goes by differs between episodes.
template <class Real>
bool behaviour_changes(const Block<Real>& b) {
  return b.learner.behaviour != Behaviour::uniform && (!b.same_exploration || b.learner.bonus != 0.0);
}

template <class Real>
void set_behaviour(Block<Real>& b, int lane) {
  if (b.learner.behaviour == Behaviour::uniform || b.episode[lane] >= b.num_episodes) return;
  const double exploration = b.learner.exploration[b.same_exploration ? 0 : b.episode[lane]];
  b.bonus_now[lane] = static_cast<Real>(bonus_scale(b.learner.bonus, b.episode[lane], b.num_episodes));
  if (b.learner.behaviour == Behaviour::softmax) {
    b.temperature_now[lane] = exploration;
    return;
  }
  b.epsilon_now[lane] = static_cast<Real>(exploration);
  // Below 2^-32 only u = 0 explores, for which any finite scale will do; 1 / epsilon might not be finite.
  b.explore_scale[lane] = exploration > 0x1p-32 ? static_cast<Real>(1.0 / exploration) : Real{0};
  b.greedy_scale[lane] = exploration < 1.0 ? static_cast<Real>(1.0 / (1.0 - exploration)) : Real{0};
}

// A snapshot, or the end of the run, falls before the lane's next episode. A lane past its last episode runs
// on in its own scratch, unseen, until the block is done: a test in the loop would cost every lane on every
// step.
template <class Real>
void handle_event(Block<Real>& b, int lane) {
  const std::int32_t episode = b.episode[lane];
  if (episode == INT32_MAX) {  // a lane long done must not count further
    b.episode[lane] = b.num_episodes;
    b.episodes_to_event[lane] = INT32_MAX - b.num_episodes;
    return;
  }
  std::int64_t& k = b.next_snapshot[lane];
  if (k < b.num_snapshots && b.snapshot_episodes[k] == episode) {
    if (b.outputs[lane].snapshots) copy_table(b, lane, b.outputs[lane].snapshots + k * b.states * b.actions);
    ++k;
  }
  if (episode == b.num_episodes) {
    if (b.outputs[lane].q_table) copy_table(b, lane, b.outputs[lane].q_table);
    if (b.outputs[lane].policy) copy_policy(b, lane, b.outputs[lane].policy);
    b.next_return[lane] = &b.unwanted_return[lane];
    b.return_step[lane] = 0;
    b.episodes_to_event[lane] = INT32_MAX - episode;
    if (lane < b.active) --b.unfinished;
    return;
  }
  const std::int64_t next = k < b.num_snapshots ? b.snapshot_episodes[k] : b.num_episodes;
  b.episodes_to_event[lane] = static_cast<std::int32_t>(next) - episode;
}

template <class Real>
std::int32_t start_state(const Block<Real>& b, int lane, Real u) {
  if (b.single_start[lane] >= 0) return b.single_start[lane];
  const std::int64_t task = b.task_of[lane];
  return sample(b.start + task * b.start_row.fine, b.start_coarse + task * b.start_row.coarse, b.start_row,
                u);
}

// The lane's column of the tile, for the state it is in.
template <class Real>
void load_tile_column(Block<Real>& b, int lane) {
  const Real* q = b.q_table + b.first_cell[lane] + b.state[lane] * b.q_stride;
  for (std::int64_t a = 0; a < b.q_stride; ++a) b.tile[a][lane] = q[a];
}

template <class Rule, class Real>
void begin_episode(Block<Real>& b, int lane) {
  b.state[lane] = start_state(b, lane, unit(draw(b, lane), Real{}));
  if constexpr (Rule::kOnPolicy) b.next_action[lane] = choose_action(b, lane, draw(b, lane));
  if constexpr (Rule::kTurnsTilesOver) load_tile_column(b, lane);
}

// Returns and counters at the end of a lane's episode.
template <class Real>
void close_episode(Block<Real>& b, int lane) {
  *b.next_return[lane] = b.episode_return[lane];
  b.next_return[lane] += b.return_step[lane];
  b.episode_return[lane] = 0;
  b.steps_left[lane] = b.num_steps;
  ++b.episode[lane];
  if (--b.episodes_to_event[lane] == 0) handle_event(b, lane);
  if (behaviour_changes(b)) set_behaviour(b, lane);
}

template <class Rule, class Real>
void end_episode(Block<Real>& b, int lane, bool terminated) {
  close_episode(b, lane);
  if (b.continuing && !terminated) return;
  b.num_traces[lane] = 0;
  if (Rule::kTurnsTilesOver && terminated) return;  // it has begun anew
  begin_episode<Rule>(b, lane);
}

// Where episodes terminated the next state's value does not count, so the next episode may begin before the
// rows are read: those of the start states are then among them.
template <class Real>
void begin_terminated_episodes(Block<Real>& b, Lanes<Real>& lanes) {
  for_each_lane(lanes_set(lanes.terminated), [&](int l) {
    lanes.next_state[l] = start_state(b, l, unit(draw(b, l), Real{}));
    lanes.next_cell[l] = b.first_cell[l] + lanes.next_state[l] * static_cast<std::int32_t>(b.q_stride);
  });
}

// The same for all lanes when they reach the time limit together, the common case.
template <class Rule, class Real>
void end_all_episodes(Block<Real>& b) {
  for (int l = 0; l < kLanes; ++l) close_episode(b, l);
  if (b.continuing) return;
  alignas(64) Real u[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) u[l] = unit(draw(b, l), Real{});
  for (int l = 0; l < kLanes; ++l) {
    b.state[l] = start_state(b, l, u[l]);
    b.num_traces[l] = 0;
  }
  if constexpr (Rule::kOnPolicy) {
    alignas(64) std::uint32_t x[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) x[l] = draw(b, l);
    if (b.learner.behaviour != Behaviour::uniform) read_state_rows(b, b.state, b.tile);
    choose_actions<Real>(b, b.tile, b.state, x, b.next_action);
  } else if constexpr (Rule::kTurnsTilesOver) {
    if (b.learner.behaviour != Behaviour::uniform) read_state_rows(b, b.state, b.tile);
  }
}

template <class Real>
void begin_lane(Block<Real>& b, int l) {
  const bool wanted = l < b.active && b.outputs[l].returns;
  b.next_return[l] = wanted ? b.outputs[l].returns : &b.unwanted_return[l];
  b.return_step[l] = wanted ? 1 : 0;
  b.next_snapshot[l] = 0;
  b.episode[l] = 0;
  b.episode_return[l] = 0;
  b.steps_left[l] = b.num_steps;
  b.num_traces[l] = 0;
  b.episodes_to_event[l] = INT32_MAX;
  if (l < b.active) handle_event(b, l);
  set_behaviour(b, l);
}

}  // namespace
}  // namespace metarl_fast
