// SPDX-License-Identifier: MIT
// What the engine and the hot loop share: a block of tasks that run side by side, one task a lane.
// Plain pointers and numbers only: kernel.cpp is compiled once per instruction set and must not
// share inline code with the rest.
#pragma once

#include <cstdint>

#include "row.hpp"

namespace metarl_fast {

// Two AVX-512 registers of floats: while one half waits for its loads the other works. The same on every
// instruction set; it changes no result.
constexpr int kLanes = 32;

// Where one task's results go; null for what nobody asked for, and for lanes without a task.
template <class Real>
struct LaneOutputs {
  Real* returns;         // [num_episodes]
  Real* q_table;         // [S][A]
  std::int32_t* policy;  // [S]
  Real* snapshots;       // [num_snapshots][S][A]
};

template <class Real>
struct Block {
  // The run, alike for all lanes.
  std::int32_t states, actions;
  bool dense;
  bool any_terminal;  // dense: some task has a terminal state
  Row row, start_row;
  std::int64_t q_stride;  // a multiple of 8
  Real reward_noise;
  std::int32_t num_episodes;
  std::int32_t num_steps;
  bool continuing;  // the state survives the time limit
  bool uniform_behaviour;
  bool constant_epsilon;
  const double* epsilon;  // [num_episodes], or [1] if constant
  double learning_rate;
  double learning_rate_decay;  // 0 keeps the rate constant
  Real discount;
  std::int64_t num_snapshots;
  const std::int64_t* snapshot_episodes;  // increasing

  // The lanes.
  // Tables of all lanes, one lane after the other. A lane without a task of its own reads the first one's.
  const Real* thresholds;             // [lanes][S*A] rows of cumulative probabilities
  const Real* rewards;                // dense [lanes][S*A]; outcomes [lanes][S*A][row.fine]; never -0
  const std::int32_t* successors;     // outcomes [lanes][S*A][row.fine]: next state, or ~it if terminal
  const std::uint8_t* terminal;       // dense [lanes][S]
  const Real* start;                  // [lanes] rows over states
  Real* q_table;                      // [kLanes][S][q_stride], padded with -infinity
  std::uint32_t* visits;              // [kLanes][S][q_stride], if the learning rate decays
  std::int32_t task_of[kLanes];       // whose tables the lane reads
  std::int32_t single_start[kLanes];  // the only start state, or -1
  alignas(64) std::int32_t first_pair[kLanes];  // task_of * S * A
  alignas(64) std::int32_t first_cell[kLanes];  // lane * S * q_stride
  LaneOutputs<Real> outputs[kLanes];
  alignas(64) std::uint32_t rng[4][kLanes];
  alignas(64) std::int32_t state[kLanes];
  alignas(64) std::int32_t steps_left[kLanes];  // of the episode
  alignas(64) Real episode_return[kLanes];
  alignas(64) Real epsilon_now[kLanes];
  alignas(64) Real explore_scale[kLanes];  // 1 / epsilon
  alignas(64) Real greedy_scale[kLanes];   // 1 / (1 - epsilon)
  alignas(64) std::int32_t episode[kLanes];
  alignas(64) std::int32_t episodes_to_event[kLanes];  // until a snapshot or the end
  std::int64_t next_snapshot[kLanes];
  Real* next_return[kLanes];         // where the episode's return goes ...
  std::int64_t return_step[kLanes];  // ... and how far on the next one's: 0 writes them all to one place
  Real unwanted_return[kLanes];
  Real (*tile)[kLanes];       // [q_stride] q(state, a) of all lanes, action by action
  Real (*next_tile)[kLanes];  // [q_stride] room for those of the next state
  int active;                 // lanes 0 .. active-1 hold tasks
  int unfinished;             // lanes with episodes left
};

// Rows of transition probabilities to draw for all lanes at once; see RandomMdp::write_uniform_row.
struct UniformRows {
  alignas(64) std::uint32_t rng[4][kLanes];  // each lane's stream of weights
  std::int64_t states;                       // at most kMostUniformStates
  std::int64_t pairs;
  Row row;
  float* thresholds;        // [lanes] tables of `pairs` rows
  std::int64_t lane_cells;  // from one lane's table to the next one's
  int active;               // lanes 0 .. active-1 are wanted
};
// The sum of this many weights fits 31 bits.
constexpr std::int64_t kMostUniformStates = 127;

// One instruction set's functions.
struct Kernels {
  const char* name;
  void (*begin_float)(Block<float>&);
  void (*begin_double)(Block<double>&);
  // Runs until `steps` more steps are taken or no lane has episodes left.
  void (*advance_float)(Block<float>&, std::int64_t steps);
  void (*advance_double)(Block<double>&, std::int64_t steps);
  void (*write_uniform_rows)(UniformRows&);
};

// The kernels to use: the best this processor runs, or what METARL_FAST_ISA names.
// Throws std::invalid_argument for a name that is unknown or that this processor cannot run.
const Kernels& kernels();

// Names this build holds and this processor runs, slowest first; n is set to their number.
const Kernels* const* available_kernels(int& n);

}  // namespace metarl_fast
