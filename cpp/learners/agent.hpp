// SPDX-License-Identifier: MIT
// One learner living in one task: it acts, is told what came of it, and learns.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../rng.hpp"

namespace metarl_fast {

struct Step {
  std::int32_t state, action;
  double reward;
  std::int32_t next_state;
  bool terminated;
  bool truncated = false;  // the time limit cut the episode here, and the next one begins at a start
};

// What an agent knows of its task before it acts; Real is the type of the numbers that it learns in.
template <class Real>
struct Setting {
  Shape shape;
  const std::uint8_t* available = nullptr;  // [S][A], null if all actions are
  const Real* initial_table = nullptr;      // [S][A], -infinity where an action is not available; or weights
  std::int32_t only_start = -1;  // where all episodes begin, if that is one state and somebody asked
};

// Random numbers come from the stream that is passed in, the task's in between; so an agent's life is a
// function of the stream.
class Agent {
 public:
  virtual ~Agent() = default;

  // Before the first action of an episode; what differs from episode to episode takes hold. If the one before
  // has not ended, the path goes on (Schedule::continuing).
  virtual void begin_episode(std::int64_t episode) { static_cast<void>(episode); }
  virtual std::int32_t act(std::int32_t state, Stream& stream) = 0;
  virtual void observe(const Step& step, Stream& stream) = 0;
  // The path ends here, whether the episode terminated or not.
  virtual void end_episode() {}

  // What it would do with what it has learned: probabilities [S][A].
  virtual void policy(double* probability) const = 0;
  // What it thinks actions are worth [S][A]; -infinity where they are not available. Or the weights that say
  // so, if it learns those (Learner::num_weights).
  virtual void q_table(double* values) const = 0;
  // What actions are worth in one state [A], if that is quicker than all of them: else it says no.
  virtual bool q_row(std::int32_t state, double* values) const {
    return static_cast<void>(state), static_cast<void>(values), false;
  }
};

}  // namespace metarl_fast
