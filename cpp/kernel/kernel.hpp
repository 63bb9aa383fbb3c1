// SPDX-License-Identifier: MIT
// What the engine and the hot loop share: a block of tasks that run side by side, one task a lane.
// Plain pointers and numbers only: kernel.cpp is compiled once per instruction set and must not
// share inline code with the rest.
#pragma once

#include <cstdint>

namespace metarl_fast {

// The same on every instruction set; it changes no result.
constexpr int kLanes = 16;

// One task's tables in the form the loop reads. A row is the outcomes of one (state, action).
template <class Real>
struct LaneTables {
  const Real* thresholds;          // [S*A][row_stride] cumulative probabilities, padded with 2
  const Real* rewards;             // dense [S*A]; outcomes [S*A][row_stride]
  const std::int32_t* successors;  // outcomes [S*A][row_stride]: next state, or ~next state if it terminates
  const std::uint8_t* terminal;    // dense [S], or null when no state is terminal
  const Real* start;               // [start_stride] cumulative probabilities, padded with 2
  Real* q_table;                   // [S][q_stride], padded with -infinity
  std::uint32_t* visits;           // [S][q_stride], or null when the learning rate is constant
};

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
  std::int64_t row_stride, start_stride, q_stride;
  Real reward_noise;
  std::int64_t num_episodes;
  std::int64_t num_steps;
  bool continuing;  // the state survives the time limit
  bool uniform_behaviour;
  const double* epsilon;  // [num_episodes]
  double learning_rate;
  double learning_rate_decay;  // 0 keeps the rate constant
  Real discount;
  std::int64_t num_snapshots;
  const std::int64_t* snapshot_episodes;  // increasing

  // The lanes.
  LaneTables<Real> tables[kLanes];
  LaneOutputs<Real> outputs[kLanes];
  alignas(64) std::uint32_t rng[4][kLanes];
  alignas(64) std::int32_t state[kLanes];
  alignas(64) Real episode_return[kLanes];
  alignas(64) Real epsilon_now[kLanes];
  alignas(64) Real explore_scale[kLanes];  // 1 / epsilon
  alignas(64) Real greedy_scale[kLanes];   // 1 / (1 - epsilon)
  std::int64_t step[kLanes];               // within the episode
  std::int64_t episode[kLanes];
  std::int64_t next_snapshot[kLanes];
  int active;      // lanes 0 .. active-1 hold tasks
  int unfinished;  // lanes with episodes left
};

// One instruction set's functions.
struct Kernels {
  const char* name;
  void (*begin_float)(Block<float>&);
  void (*begin_double)(Block<double>&);
  // Runs until `steps` more steps are taken or no lane has episodes left.
  void (*advance_float)(Block<float>&, std::int64_t steps);
  void (*advance_double)(Block<double>&, std::int64_t steps);
};

// The kernels to use: the best this processor runs, or what METARL_FAST_ISA names.
// Throws std::invalid_argument for a name that is unknown or that this processor cannot run.
const Kernels& kernels();

// Names this build holds and this processor runs, slowest first; n is set to their number.
const Kernels* const* available_kernels(int& n);

}  // namespace metarl_fast
