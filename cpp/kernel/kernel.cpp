// SPDX-License-Identifier: MIT
// The hot loop: kLanes tasks side by side, so that the chain state -> row -> next state of one task
// hides behind those of the others. One text, compiled once per instruction set; no containers, no
// threads. tests/reference.py says the same in plain Python and must agree bit for bit.
#include "kernel.hpp"

#include "../learners/rules.hpp"
#include "behave.hpp"
#include "episodes.hpp"
#include "generate.hpp"
#include "lanes.hpp"
#include "record.hpp"
#include "respond.hpp"

#ifndef METARL_FAST_KERNEL_ISA
#error "define METARL_FAST_KERNEL_ISA: base, avx2 or avx512"
#endif
#define METARL_FAST_TEXT(x) #x
#define METARL_FAST_NAME(x) METARL_FAST_TEXT(x)

namespace metarl_fast {
namespace {

// The actions of this step, in lanes.action.
template <class Rule, class Real>
[[gnu::always_inline]] inline void act(Block<Real>& b, Lanes<Real>& lanes) {
  if constexpr (Rule::kOnPolicy) {
    for (int l = 0; l < kLanes; ++l) lanes.action[l] = b.next_action[l];
  } else {
    if constexpr (!Rule::kTurnsTilesOver) {
      if (Rule::kCutsTraces || acts_by_values(b)) read_state_rows(b, b.state, b.tile);
    }
    lanes.draw_all();
    if (b.learner.behaviour == Behaviour::uniform) {
      choose_uniformly<Real>(b, b.tile, lanes.action);
    } else {
      choose_actions<Real>(b, b.tile, b.state, lanes.x, lanes.action);
    }
    if constexpr (Rule::kCutsTraces) find_exploratory<Real>(b.tile, b.actions, lanes.action, lanes.cut);
  }
}

// Where the tables have what belongs to (state, action).
template <class Real>
[[gnu::always_inline]] inline void locate(const Block<Real>& b, Lanes<Real>& lanes) {
  const auto q_stride = static_cast<std::int32_t>(b.q_stride);
  const std::int32_t actions = b.actions;
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    lanes.pair[l] = b.first_pair[l] + b.state[l] * actions + lanes.action[l];
    lanes.cell[l] = b.first_cell[l] + b.state[l] * q_stride + lanes.action[l];
  }
}

// alpha, of the pair that a lane has taken
template <class Real>
double rate_of(const Block<Real>& b, const Lanes<Real>& lanes, int lane) {
  return learning_rate_of(b.learner, std::int64_t{b.state[lane]} * b.actions + lanes.action[lane]);
}

// Counts the visits of the entries that learn, and the step sizes that follow from them. Lanes that share
// memory count once.
template <class Real>
void count_visits(const Block<Real>& b, Lanes<Real>& lanes) {
  alignas(64) Count<Real> visits[kLanes];
  gather(b.visits, lanes.cell, visits);
  constexpr Count<Real> kMost = sizeof(Real) == 4 ? INT32_MAX - 1 : INT64_MAX - 1;
  for (Count<Real>& count : visits) count += count < kMost;
  scatter(visits, lanes.cell, b.visits);
  if (b.learner.learning_rate_decay == 0.0) return;
  for (int l = 0; l < kLanes; ++l) {
    const double number = static_cast<double>(visits[l]) + b.learner.initial_visits;
    lanes.rate[l] =
        static_cast<Real>(decayed_learning_rate(rate_of(b, lanes, l), number, b.learner.learning_rate_decay));
  }
}

// Step sizes that differ between pairs.
template <class Real>
[[gnu::noinline]] void look_up_rates(const Block<Real>& b, Lanes<Real>& lanes) {
  for (int l = 0; l < kLanes; ++l) lanes.rate[l] = static_cast<Real>(rate_of(b, lanes, l));
}

template <class Real>
void hold_within_bounds(Real (&values)[kLanes]) {
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) values[l] = bounded(values[l]);
}

// Moves q(s, a) towards the target. Only where rewards are huge must both be held within bounds.
template <class Real>
[[gnu::always_inline]] inline void learn_one_step(Block<Real>& b, Lanes<Real>& lanes) {
  const Real discount = b.discount;
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    lanes.ahead[l] = one_step_target(lanes.reward[l], discount, lanes.ahead[l], lanes.terminated[l] != 0);
  }
  if (b.may_overflow) hold_within_bounds(lanes.ahead);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) lanes.q_tm1[l] = towards(lanes.q_tm1[l], lanes.ahead[l], lanes.rate[l]);
  if (b.may_overflow) hold_within_bounds(lanes.q_tm1);
  scatter(lanes.q_tm1, lanes.cell, b.q_table);
}

// Moves all values that have a trace.
template <class Real>
void learn_with_traces(Block<Real>& b, Lanes<Real>& lanes) {
  const Real decay = static_cast<Real>(b.learner.discount * b.learner.trace_decay);
  for (int l = 0; l < b.active; ++l) {
    const Real target =
        bounded(one_step_target(lanes.reward[l], b.discount, lanes.ahead[l], lanes.terminated[l] != 0));
    const Real step = lanes.rate[l] * (target - lanes.q_tm1[l]);
    std::int32_t* cells = b.trace_cells + l * b.trace_room;
    Real* traces = b.traces + l * b.trace_room;
    const Taken taken{lanes.cell[l] - lanes.action[l], static_cast<std::int32_t>(b.q_stride), lanes.cell[l]};
    const std::int32_t before = b.num_traces[l];
    const std::int32_t n = b.learner.traces == Traces::replacing
                               ? renew_traces<false>(cells, traces, before, lanes.cut[l] != 0, decay, taken)
                               : renew_traces<true>(cells, traces, before, lanes.cut[l] != 0, decay, taken);
    b.num_traces[l] = n;
    for (std::int32_t k = 0; k < n; ++k)
      b.q_table[cells[k]] = bounded(b.q_table[cells[k]] + step * traces[k]);
  }
}

template <class Rule, class Real>
[[gnu::always_inline]] inline void learn(Block<Real>& b, Lanes<Real>& lanes) {
  if constexpr (Rule::kTraces) {
    learn_with_traces(b, lanes);
  } else {
    learn_one_step(b, lanes);
  }
  if constexpr (Rule::kTurnsTilesOver) {
    if (!acts_by_values(b)) return;
    alignas(64) Count<Real> changed[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      changed[l] = lanes.next_state[l] == b.state[l] ? lanes.action[l] : -1;
    }
    turn_over(b, changed, lanes.q_tm1);
  }
}

// Where the time limit cuts episodes that do not go on, the learner sees where the next one begins.
template <class Real>
[[gnu::noinline]] void show_starts(const Block<Real>& b, Lanes<Real>& lanes) {
  if (b.continuing) return;
  for (int l = 0; l < kLanes; ++l) {
    if (b.steps_left[l] != 1 || lanes.terminated[l]) continue;
    lanes.next_state[l] = b.single_start[l];
    lanes.next_cell[l] = b.first_cell[l] + b.single_start[l] * static_cast<std::int32_t>(b.q_stride);
  }
}

// Goes on to the next state, or to the next episode.
template <class Rule, class Real>
[[gnu::always_inline]] inline void move_on(Block<Real>& b, const Lanes<Real>& lanes) {
  alignas(64) std::int32_t ended[kLanes];
  std::int32_t all_timed_out = -1;
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) b.episode_return[l] += static_cast<double>(lanes.reward[l]);
#pragma omp simd reduction(& : all_timed_out)
  for (int l = 0; l < kLanes; ++l) {
    b.state[l] = lanes.next_state[l];
    b.steps_left[l] -= 1;
    const std::int32_t timed_out = b.steps_left[l] == 0 ? -1 : 0;
    ended[l] = timed_out | lanes.terminated[l];
    all_timed_out &= lanes.terminated[l] ? 0 : timed_out;
  }
  if (all_timed_out) {
    end_all_episodes<Rule>(b);
  } else {
    for_each_lane(lanes_set(ended), [&](int l) { end_episode<Rule>(b, l, lanes.terminated[l] != 0); });
  }
}

template <class Rule, class Real>
void advance_by(Block<Real>& b, std::int64_t steps) {
  Lanes<Real> lanes(b);
  for (int l = 0; l < kLanes; ++l) lanes.rate[l] = static_cast<Real>(b.learner.learning_rate);
  const bool single_lines = b.answers == Answers::rows && b.row.fine == 16 && !b.any_terminal && b.noisy == 0;
  for (; steps > 0 && b.unfinished > 0 && !b.stopped; --steps) {
    act<Rule>(b, lanes);
    locate(b, lanes);
    if (b.learner.learning_rates) look_up_rates(b, lanes);
    if (!Rule::kTwoTables && b.visits) count_visits(b, lanes);
    if (single_lines) {
      respond_from_single_lines(b, lanes);
    } else {
      respond(b, lanes);
    }
    if (b.recording) record_step(b, lanes);
    if (Rule::kTurnsTilesOver && may_terminate(b)) begin_terminated_episodes(b, lanes);
    if (b.learner.sees_reset) show_starts(b, lanes);
    Rule::look_ahead(lanes);
    if (Rule::kOnPolicy && b.recording) record_choices(b, lanes);
    if (Rule::kTwoTables && b.visits) count_visits(b, lanes);  // of the table that learns
    learn<Rule>(b, lanes);
    move_on<Rule>(b, lanes);
  }
  if (b.recording && b.unfinished == 0) write_recorded(*b.recording);
}

template <class Rule, class Real>
void begin_by(Block<Real>& b) {
  b.unfinished = b.active;
  for (int l = 0; l < kLanes; ++l) begin_lane(b, l);
  if (b.first_episode == b.num_episodes) return;
  for (int l = 0; l < kLanes; ++l) begin_first_episode<Rule>(b, l);
}

template <class Real>
void begin(Block<Real>& b) {
  with_rule(b.learner.rule, [&](auto rule) { begin_by<decltype(rule)>(b); });
}

template <class Real>
void advance(Block<Real>& b, std::int64_t steps) {
  with_rule(b.learner.rule, [&](auto rule) { advance_by<decltype(rule)>(b, steps); });
}

}  // namespace

namespace METARL_FAST_KERNEL_ISA {
extern const DenseSolver dense_solver;    // dense_solver.cpp
extern const ReplayKernel replay_kernel;  // replay.cpp
extern const Kernels kernels;
const Kernels kernels = {METARL_FAST_NAME(METARL_FAST_KERNEL_ISA),
                         begin<float>,
                         begin<double>,
                         advance<float>,
                         advance<double>,
                         draw_tasks<float>,
                         draw_tasks<double>,
                         &dense_solver,
                         &replay_kernel};
}  // namespace METARL_FAST_KERNEL_ISA

}  // namespace metarl_fast
