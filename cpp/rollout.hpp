// SPDX-License-Identifier: MIT
// Acting by a fixed policy in all places of a vector simulator, for many steps at once.
#pragma once

#include <cstdint>

#include "engine.hpp"
#include "vector_simulator.hpp"

namespace metarl_fast {

// What the places do: the action [S] of each state, or probabilities; if both are null, any available
// action. Each place has its own, `stride` states apart, or all have one, with stride 0.
template <class Real>
struct RolloutPolicy {
  const std::int32_t* action = nullptr;
  const Real* probability = nullptr;  // thresholds.hpp, [S][thresholds_of(A)]
  std::int64_t stride = 0;
};

// What happened, each [steps][places] or null. Every step is one in a task: episodes that end are followed by
// the next one's first step.
template <class Real>
struct RolloutArrays {
  std::int64_t num_steps = 0;
  std::int32_t* states = nullptr;
  std::int32_t* actions = nullptr;
  Real* rewards = nullptr;
  std::int32_t* next_states = nullptr;
  bool* terminated = nullptr;
  bool* truncated = nullptr;
};

// Actions are drawn from streams of their own: the tasks answer as if the actions had been given by `step`.
// Throws std::invalid_argument on a policy that takes an action that is not available.
template <class Real>
void rollout(VectorSimulator<Real>&, const RolloutPolicy<Real>&, const RolloutArrays<Real>&,
             const RunOptions&);

}  // namespace metarl_fast
