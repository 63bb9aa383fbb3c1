// SPDX-License-Identifier: MIT
// A task by formula: it says what a pair leads to when it is asked, and takes no memory for all the others.
#pragma once

#include <cstdint>

namespace metarl_fast {

// One of the K outcomes of a pair; those that a pair does not use have probability 0.
struct Outcome {
  double probability;
  std::int32_t next_state;
  double reward;
  bool terminated;
};

// Number for number what the family that has it writes out: it may be asked instead. All actions are
// available, and episodes begin in one state.
class TaskFormula {
 public:
  virtual ~TaskFormula() = default;

  // All K of a pair, in order.
  virtual void outcomes(std::int64_t state, std::int64_t action, Outcome* out) const = 0;
  // Whether nothing is done there.
  virtual bool terminal(std::int64_t state) const = 0;
  virtual std::int64_t start() const = 0;
  // No expected reward is larger, sign aside.
  virtual double largest_reward() const = 0;
};

}  // namespace metarl_fast
