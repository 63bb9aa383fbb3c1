// SPDX-License-Identifier: MIT
// Policy iteration on up to eight small dense tasks at once, one in each lane of the processor's vectors.
// What comes out for a task does not depend on which others lie beside it.
#pragma once

#include <cstdint>

#include "../aligned.hpp"
#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "dense_solver.hpp"
#include "dense_terms.hpp"
#include "improvement.hpp"
#include "policy_iteration.hpp"

namespace metarl_fast {

// Whether tasks of this shape are solved side by side: small ones, whose rows stay in the cache.
bool fit_side_by_side(const Shape&);

class SideBySide {
 public:
  SideBySide(const Shape&, double discount, const DenseSolver&);

  // Solves `count` tasks, 1 to kSideBySide; `found` [count].
  void solve(const TaskView* tasks, int count, const Optimum* out, Solved* found, const Interrupt&);

 private:
  void begin(const TaskView* tasks, int count);
  void take_actions();
  void take_action(std::int64_t state, int lane);
  bool improve_lane(int lane);
  void write_out(int count, const Optimum* out);
  void finish_lane(int lane, const Optimum& out);
  double error_bound(int lane) const;
  DenseTerms terms(int lane) const;
  double bound(std::int64_t state, int lane) const;
  void gather(const double* from, std::int64_t n, int lane, double* to) const;

  const Shape shape_;
  const DenseSolver& solver_;
  AlignedArray<double> room_;
  std::vector<std::uint8_t> better_, odd_;
  std::vector<double> row_;    // [A], one lane's advantages
  std::vector<double> spare_;  // [S][A]
  const double* probability_[kSideBySide];
  const double* rewards_[kSideBySide];  // [S][A], scaled
  std::vector<double> room_for_rewards_[kSideBySide];
  int weak_rounds_[kSideBySide];
  Changes changes_;
  DenseLanes lanes_;
};

// Bytes of one thread's lanes.
double side_by_side_bytes(const Shape&);

}  // namespace metarl_fast
