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
  const bool fading = b.learner.bonus != 0.0 && b.learner.bonus_episodes != 0;
  return b.learner.behaviour != Behaviour::uniform && (!b.same_exploration || fading);
}

template <class Real>
void set_behaviour(Block<Real>& b, int lane) {
  if (b.learner.behaviour == Behaviour::uniform || b.episode[lane] >= b.num_episodes) return;
  const std::int64_t last = b.learner.num_explorations - 1;
  const double exploration = b.learner.exploration[b.episode[lane] < last ? b.episode[lane] : last];
  b.bonus_now[lane] =
      static_cast<Real>(bonus_scale(b.learner.bonus, b.episode[lane], b.learner.bonus_episodes));
  if (b.learner.behaviour == Behaviour::softmax) {
    b.temperature_now[lane] = exploration;
    return;
  }
  b.epsilon_now[lane] = static_cast<Real>(exploration);
  b.last_exploring_now[lane] = last_exploring(exploration);
}

// A table in rows of the task's actions.
template <class Real, class T>
void copy_cells(const Block<Real>& b, const T* cells, T* out) {
  for (std::int64_t s = 0; s < b.states; ++s, cells += b.q_stride, out += b.actions) {
    for (std::int64_t a = 0; a < b.actions; ++a) out[a] = cells[a];
  }
}

// Hands on where the lane stands at the end of the run.
template <class Real>
[[gnu::noinline]] void hand_on(const Block<Real>& b, int lane, Begun begun) {
  const Carried<Real>& out = b.outputs[lane].after;
  const std::int32_t traces = begun == Begun::episode ? b.num_traces[lane] : 0;
  *out.standing = {{b.rng[0][lane], b.rng[1][lane], b.rng[2][lane], b.rng[3][lane]},
                   b.state[lane],
                   b.next_action[lane],
                   begun,
                   traces};
  for (std::int64_t t = 0; t < (b.second_table == 0 ? 1 : 2); ++t) {
    const std::int64_t from = b.first_cell[lane] + t * b.second_table;
    const std::int64_t to = t * b.states * b.actions;
    if (out.tables) copy_cells(b, b.q_table + from, out.tables + to);
    if (out.visits) copy_cells(b, b.visits + from, out.visits + to);
  }
  for (std::int32_t k = 0; k < traces; ++k) {
    out.trace_cells[k] = b.trace_cells[lane * b.trace_room + k] - b.first_cell[lane];
    out.traces[k] = b.traces[lane * b.trace_room + k];
  }
}

// A snapshot, or the end of the run, falls before the lane's next episode. A lane past its last episode runs
// on in its own scratch, unseen, until the block is done: a test in the loop would cost every lane on every
// step.
template <class Real>
void handle_event(Block<Real>& b, int lane, Begun begun) {
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
    if (b.outputs[lane].after.standing) hand_on(b, lane, begun);
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

// Before `episode` begins: where it is the first of a segment, the lane's task becomes what it is there.
template <class Real>
[[gnu::noinline]] void enter_segment(Block<Real>& b, int lane, std::int32_t episode) {
  const std::int32_t segment = episode / b.episodes_per_segment;
  if (segment == b.segment[lane] || episode >= b.num_episodes) return;
  b.segment[lane] = segment;
  b.enter_segment(b.worker, lane, segment);
}

// An episode that would start in a terminal state has no steps: from `episode` on these are counted, and a
// start is drawn for each, until one begins elsewhere or none is left.
template <class Real>
[[gnu::noinline]] std::int32_t leave_out_empty_episodes(Block<Real>& b, int lane, std::int32_t state,
                                                        std::int32_t episode) {
  constexpr std::int32_t kBetweenPulses = 1 << 16;
  const std::uint8_t* terminal = b.terminal + std::int64_t{b.task_of[lane]} * b.states;
  const std::int32_t left = b.num_episodes > episode ? b.num_episodes - episode : 0;
  const bool changes = b.episodes_per_segment != 0;
  std::int32_t empty = b.starts_nowhere[lane] && !changes ? left : 0;
  while (empty < left && terminal[state]) {
    if (++empty % kBetweenPulses == 0 && b.stop_requested && b.stop_requested(b.stop_context)) {
      b.stopped = true;
      break;
    }
    if (empty == left) break;  // who continues the run draws the next one, perhaps of another segment
    if (changes) enter_segment(b, lane, episode + empty);
    state = start_state(b, lane, unit(draw(b, lane), Real{}));
  }
  b.empty_episodes[lane] = empty;
  return state;
}

// Where the lane's next episode begins, and in b.empty_episodes how many end at once before it does.
template <class Real>
std::int32_t draw_start(Block<Real>& b, int lane, Real u, std::int32_t episode) {
  if (b.episodes_per_segment != 0) enter_segment(b, lane, episode);
  const std::int32_t state = start_state(b, lane, u);
  return b.terminal_starts ? leave_out_empty_episodes(b, lane, state, episode) : state;
}

// Goes past the lane's empty episodes.
template <class Real>
[[gnu::noinline]] void pass_empty_episodes(Block<Real>& b, int lane) {
  while (b.empty_episodes[lane] > 0) {
    const std::int32_t empty = b.empty_episodes[lane];
    const std::int32_t n = empty < b.episodes_to_event[lane] ? empty : b.episodes_to_event[lane];
    for (std::int32_t k = 0; k < n && b.return_step[lane] != 0; ++k) *b.next_return[lane]++ = 0.0;
    b.empty_episodes[lane] -= n;
    b.episode[lane] += n;
    b.episodes_to_event[lane] -= n;
    if (b.episodes_to_event[lane] != 0) continue;
    // Where every start is terminal one has been drawn for all episodes.
    const bool nowhere = b.starts_nowhere[lane] && b.episodes_per_segment == 0;
    handle_event(b, lane, nowhere ? Begun::start : Begun::nothing);
  }
  if (behaviour_changes(b)) set_behaviour(b, lane);
}

template <class Rule, class Real>
void begin_at_start(Block<Real>& b, int lane) {
  if (b.terminal_starts) pass_empty_episodes(b, lane);
  if constexpr (Rule::kOnPolicy) b.next_action[lane] = choose_action(b, lane, draw(b, lane));
  if constexpr (Rule::kTurnsTilesOver) load_tile_column(b, lane);
}

template <class Rule, class Real>
void begin_episode(Block<Real>& b, int lane) {
  b.state[lane] = draw_start(b, lane, unit(draw(b, lane), Real{}), b.episode[lane]);
  begin_at_start<Rule>(b, lane);
}

// The first episode of the run, of which another run may have begun something.
template <class Rule, class Real>
void begin_first_episode(Block<Real>& b, int lane) {
  if (b.begun[lane] == Begun::nothing) return begin_episode<Rule>(b, lane);
  if (b.begun[lane] == Begun::start) {
    if (b.terminal_starts) {
      b.state[lane] = leave_out_empty_episodes(b, lane, b.state[lane], b.episode[lane]);
    }
    return begin_at_start<Rule>(b, lane);
  }
  if (b.episodes_per_segment != 0) enter_segment(b, lane, b.episode[lane]);
  if constexpr (Rule::kTurnsTilesOver) load_tile_column(b, lane);
}

// Returns and counters at the end of a lane's episode.
template <class Real>
void close_episode(Block<Real>& b, int lane, Begun next) {
  *b.next_return[lane] = b.episode_return[lane];
  b.next_return[lane] += b.return_step[lane];
  b.episode_return[lane] = 0;
  b.steps_left[lane] = b.num_steps[lane];
  ++b.episode[lane];
  if (--b.episodes_to_event[lane] == 0) handle_event(b, lane, next);
  if (behaviour_changes(b)) set_behaviour(b, lane);
  if (b.continuing && b.episodes_per_segment != 0) enter_segment(b, lane, b.episode[lane]);
}

template <class Rule, class Real>
void end_episode(Block<Real>& b, int lane, bool terminated) {
  const bool turned_over = Rule::kTurnsTilesOver && terminated;
  const bool goes_on = b.continuing && !terminated;
  close_episode(b, lane, goes_on ? Begun::episode : Begun::nothing);
  if (goes_on) return;
  b.num_traces[lane] = 0;
  if (turned_over) {  // it has begun anew
    if (b.terminal_starts) pass_empty_episodes(b, lane);
    return;
  }
  begin_episode<Rule>(b, lane);
}

// Where episodes terminated the next state's value does not count, so the next episode may begin before the
// rows are read: those of the start states are then among them.
template <class Real>
void begin_terminated_episodes(Block<Real>& b, Lanes<Real>& lanes) {
  for_each_lane(lanes_set(lanes.terminated), [&](int l) {
    if (b.episode[l] + 1 == b.num_episodes) return;  // who continues the run draws it
    lanes.next_state[l] = draw_start(b, l, unit(draw(b, l), Real{}), b.episode[l] + 1);
    lanes.next_cell[l] = b.first_cell[l] + lanes.next_state[l] * static_cast<std::int32_t>(b.q_stride);
  });
}

// The same for all lanes when they reach the time limit together, the common case.
template <class Rule, class Real>
void end_all_episodes(Block<Real>& b) {
  for (int l = 0; l < kLanes; ++l) close_episode(b, l, b.continuing ? Begun::episode : Begun::nothing);
  if (b.continuing) return;
  alignas(64) Real u[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) u[l] = unit(draw(b, l), Real{});
  for (int l = 0; l < kLanes; ++l) {
    b.state[l] = draw_start(b, l, u[l], b.episode[l]);
    if (b.terminal_starts) pass_empty_episodes(b, l);
    b.num_traces[l] = 0;
  }
  if constexpr (Rule::kOnPolicy) {
    alignas(64) std::uint32_t x[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) x[l] = draw(b, l);
    if (acts_by_values(b)) read_state_rows(b, b.state, b.tile);
    choose_actions<Real>(b, b.tile, b.state, x, b.next_action);
  } else if constexpr (Rule::kTurnsTilesOver) {
    if (acts_by_values(b)) read_state_rows(b, b.state, b.tile);
  }
}

template <class Real>
void begin_lane(Block<Real>& b, int l) {
  const bool wanted = l < b.active && b.outputs[l].returns;
  b.next_return[l] = wanted ? b.outputs[l].returns : &b.unwanted_return[l];
  b.return_step[l] = wanted ? 1 : 0;
  b.next_snapshot[l] = 0;
  b.segment[l] = 0;
  b.empty_episodes[l] = 0;
  b.episode[l] = b.first_episode;
  b.episode_return[l] = 0;
  b.steps_left[l] = b.num_steps[l];
  b.episodes_to_event[l] = INT32_MAX;
  if (l < b.active) handle_event(b, l, b.begun[l]);
  set_behaviour(b, l);
}

}  // namespace
}  // namespace metarl_fast
