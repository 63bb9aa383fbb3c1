// SPDX-License-Identifier: MIT
// What the engine and the hot loop share: a block of tasks that run side by side, one task a lane.
// Plain pointers and numbers only: kernel.cpp is compiled once per instruction set and must not
// share inline code with the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../carried.hpp"
#include "../gradients/replay_lanes.hpp"
#include "../history.hpp"
#include "../learners/td_settings.hpp"
#include "../solvers/dense_solver.hpp"
#include "../uniform_law.hpp"
#include "row.hpp"

namespace metarl_fast {

// Two AVX-512 registers of floats: while one half waits for its loads the other works. The same on every
// instruction set; it changes no result.
constexpr int kLanes = 32;

// What the next state is drawn from.
enum class Answers : std::int32_t {
  rows,            // dense: thresholds
  outcome_lists,   // thresholds, and for each outcome its next state and reward
  drawn_weights,   // dense, by rejection: weights computed when needed (rng.hpp)
  stored_weights,  // dense, by rejection: weights in memory
};

// Where one task's results go; null for what nobody asked for, and for lanes without a task.
template <class Real>
struct LaneOutputs {
  double* returns;       // [episodes]
  Real* q_table;         // [S][A]
  std::int32_t* policy;  // [S]
  Real* snapshots;       // [num_snapshots][S][A]
  Carried<Real> after;   // what is handed on
};

// Steps of all lanes, for who wants to know what happened: columns [kSteps][kLanes] of numbers in as many
// bytes as the history's have, which are written out together.
template <class Real>
struct Recording {
  static constexpr std::int64_t kSteps = 64;  // a cache line of bytes for each lane
  template <class Widest>
  static constexpr std::int64_t kBytes = kSteps * kLanes * std::int64_t{sizeof(Widest)};

  History<Real> history;
  std::int64_t first_task;
  int active;                            // lanes 0 .. active-1 hold tasks
  std::int64_t recorded[kLanes];         // how many steps of the lane's task are in the history,
  std::int64_t logged;                   // how many of all lanes are not yet,
  alignas(64) std::int32_t own[kLanes];  // and how many of these, the first ones, are of the lane's run
  alignas(64) std::byte state[kBytes<std::uint32_t>];
  alignas(64) std::byte next_state[kBytes<std::uint32_t>];
  alignas(64) std::byte action[kBytes<std::uint32_t>];
  alignas(64) std::byte next_action[kBytes<std::uint32_t>];
  alignas(64) std::byte terminated[kBytes<std::uint8_t>];
  alignas(64) std::byte truncated[kBytes<std::uint8_t>];
  alignas(64) std::byte reward[kBytes<Real>];
};

template <class Real>
struct Block {
  // The run, alike for all lanes.
  std::int32_t states, actions;
  Answers answers;
  bool any_terminal;     // dense: some task has a terminal state
  bool terminal_starts;  // some task may start in a terminal state
  bool masked;           // some actions are not available; their values are -infinity
  Row row, start_row;
  std::int64_t q_stride;  // a multiple of 8
  std::int32_t first_episode, num_episodes;
  bool continuing;    // the state survives the time limit
  bool may_overflow;  // rewards are so large that action values must be held within bounds
  TdSettings learner;
  bool same_exploration;  // in all episodes
  Real discount;
  std::int64_t num_snapshots;
  const std::int64_t* snapshot_episodes;  // increasing

  // The lanes. Those without a task of their own mirror the first one: they read and write its memory, the
  // same values at the same time.
  // For each pair of each lane's task a record: thresholds [row.fine]; for outcome lists also rewards
  // [row.outcomes()], never -0, and successors [row.outcomes()], 32-bit integers: the next state, or ~it if
  // terminal. So that one look into far memory brings all.
  const Real* records;           // [lanes][S*A][record]
  std::int64_t record;           // from one record to the next one
  const Real* coarse;            // [lanes][S*A][row.coarse]
  const Real* rewards;           // dense [lanes][S*A], never -0
  const std::int32_t* weights;   // stored weights [lanes][S*A][S], below 2^24
  const std::uint8_t* terminal;  // [lanes][S]
  const Real* start;             // [lanes] rows over states
  const Real* start_coarse;      // [lanes] their indices
  Real* q_table;                 // [lanes][S][q_stride], padded with -infinity; twice that for two tables
  std::int32_t second_table;     // from a cell of the first table to that of the second
  Count<Real>* visits;           // laid out as q_table, if they are counted
  std::int32_t* trace_cells;     // [lanes][trace_room]
  Real* traces;                  // [lanes][trace_room]
  std::int64_t trace_room;
  std::int32_t task_of[kLanes];                 // whose memory the lane uses
  std::int32_t single_start[kLanes];            // the only start state, or -1
  bool starts_nowhere[kLanes];                  // every start is terminal
  std::uint32_t noisy;                          // bit l is set where lane l's rewards are noisy
  alignas(64) Real noise[kLanes];               // their standard deviation
  alignas(64) std::int32_t num_steps[kLanes];   // of an episode
  alignas(64) std::int32_t first_pair[kLanes];  // of the lane's tables over pairs
  alignas(64) std::int32_t first_cell[kLanes];  // of its table of action values
  LaneOutputs<Real> outputs[kLanes];
  alignas(64) std::uint32_t rng[4][kLanes];
  alignas(64) std::uint32_t weight_key[2][kLanes];
  alignas(64) std::int32_t state[kLanes];
  alignas(64) std::int32_t next_action[kLanes];  // on-policy rules: chosen already
  alignas(64) std::int32_t steps_left[kLanes];   // of the episode
  alignas(64) double episode_return[kLanes];
  alignas(64) Real epsilon_now[kLanes];
  alignas(64) std::int32_t last_exploring_now[kLanes];
  alignas(64) Real bonus_now[kLanes];
  alignas(64) double temperature_now[kLanes];
  std::int32_t num_traces[kLanes];
  Begun begun[kLanes];  // of the first episode
  alignas(64) std::int32_t episode[kLanes];
  alignas(64) std::int32_t episodes_to_event[kLanes];  // until a snapshot or the end
  std::int64_t next_snapshot[kLanes];
  double* next_return[kLanes];       // where the episode's return goes ...
  std::int64_t return_step[kLanes];  // ... and how far on the next one's: 0 writes them all to one place
  double unwanted_return[kLanes];
  // Tasks that change: after so many episodes (0: never) the lane's task is written anew, as that segment has
  // it.
  std::int32_t episodes_per_segment;
  std::int32_t segment[kLanes];
  void (*enter_segment)(void* worker, int lane, std::int32_t segment);  // throws nothing
  void* worker;
  std::int32_t empty_episodes[kLanes];  // before the next one, which would have begun in terminal states
  // Scratch, one column a lane.
  Real (*tile)[kLanes];               // [q_stride] q(state, a), action by action
  Real (*next_tile)[kLanes];          // [q_stride] those of the next state
  Real (*preference)[kLanes];         // [q_stride] what actions are chosen by, if that is not q alone
  Count<Real> (*visit_tile)[kLanes];  // [tables][q_stride] how often actions were taken in the state
  double (*softmax)[kLanes];          // [q_stride] weights of the actions
  Real* row_of_one;                   // [q_stride] preferences of one lane
  // Steps of very many actions ask in between whether to stop, and then end in any way that is quick.
  bool (*stop_requested)(void* context);
  void* stop_context;
  bool stopped;
  Recording<Real>* recording;  // null if nobody wants to know
  int active;                  // lanes 0 .. active-1 hold tasks
  int unfinished;              // lanes with episodes left
};

// Tasks of the uniform law (TaskDistribution) to draw for all lanes at once.
template <class Real>
struct UniformTasks {
  alignas(64) std::uint32_t weight_key[2][kLanes];
  alignas(64) std::uint32_t reward_key[2][kLanes];
  std::int64_t states;
  std::int64_t begin, end;    // the pairs to draw; begin is even
  bool normal_rewards;        // else uniform
  double reward_a, reward_b;  // mean and standard deviation, or low and high
  Row row;                    // drawn if `thresholds` is not null
  Real* thresholds;           // [lanes][pairs][row.fine], 2 from the last state on already
  Real* coarse;               // [lanes][pairs][row.coarse]
  Real* rewards;              // [lanes][pairs], or null
  std::int64_t lane_pairs;    // from one lane's tables to the next one's
  int active;                 // lanes 0 .. active-1 are wanted
};

// One instruction set's functions.
struct Kernels {
  const char* name;
  void (*begin_float)(Block<float>&);
  void (*begin_double)(Block<double>&);
  // Runs until `steps` more steps are taken or no lane has episodes left.
  void (*advance_float)(Block<float>&, std::int64_t steps);
  void (*advance_double)(Block<double>&, std::int64_t steps);
  void (*draw_float)(UniformTasks<float>&);
  void (*draw_double)(UniformTasks<double>&);
  const DenseSolver* dense_solver;
  const ReplayKernel* replay;
};

// The kernels to use: the best this processor runs, or what METARL_FAST_ISA names.
// Throws std::invalid_argument for a name that is unknown or that this processor cannot run.
const Kernels& kernels();

// Names this build holds and this processor runs, slowest first; n is set to their number.
const Kernels* const* available_kernels(int& n);

}  // namespace metarl_fast
