// SPDX-License-Identifier: MIT
// Q-learning's updates made again, and gone back through, for several tasks side by side: what who fills the
// lanes and the loops of the kernel share. Plain pointers and numbers only, since the loops are compiled once
// per instruction set.
//
// A lane's table is [pairs] entries of its task, then a row that stands for the end of an episode, of values
// -0: r + discount * -0 is r, to the bit; then an entry that steps which are none learn in.
#pragma once

#include <cstdint>

namespace metarl_fast {

// An AVX-512 register of doubles.
constexpr int kReplayLanes = 8;

struct ReplayLanes {
  std::int32_t actions;
  int active;           // lanes 0 .. active-1 hold tasks; the others may be run along
  std::int64_t stride;  // from one lane's table to the next one's
  double* q;            // [lanes][stride]
  double* adjoint;      // the same: how a loss moves with q
  double* of_rates;     // the same: and with the learning rates; or null
  const double* rate;   // [stride] of each entry
  bool one_rate;        // and all are the same
  double discount;
  // Of each lane's steps: what is updated, the row looked at, which looking ahead makes the entry looked at,
  // the reward, and where of_rates is wanted the temporal-difference error.
  std::uint16_t* cell[kReplayLanes];
  std::uint16_t* ahead[kReplayLanes];
  const double* reward[kReplayLanes];
  double* error[kReplayLanes];
};

// Of fresh steps: how many each lane has, what each counts, and half the weighted sum of their squared
// errors.
struct JudgedLanes {
  std::int64_t length[kReplayLanes];
  double share[kReplayLanes];
  double loss[kReplayLanes];
};

// One instruction set's functions, each of `num_steps` steps of all lanes.
struct ReplayKernel {
  void (*learn)(const ReplayLanes&, std::int64_t num_steps);
  // Takes the adjoint after these steps to that before them, and adds to of_rates.
  void (*go_back)(const ReplayLanes&, std::int64_t num_steps);
  // Adds to the loss, and to the adjoint how it moves with the table: targets move too.
  void (*judge)(const ReplayLanes&, std::int64_t num_steps, JudgedLanes&);
};

}  // namespace metarl_fast
