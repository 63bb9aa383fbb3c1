// SPDX-License-Identifier: MIT
// Where a policy spends its time (Puterman 1994, section 6.9): how often a state is expected to be visited
// from the start on, the step at time t counting discount^t,
//
//   x = start + discount x P,
//
// and the share of all steps that this is in the long run. By an elimination that subtracts nothing
// (envelope.hpp), so that rare visits are as right as frequent ones. Nothing is done in terminal states: they
// are visited 0 times.
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "envelope.hpp"
#include "finite_horizon.hpp"
#include "ordered_model.hpp"
#include "recurrent_classes.hpp"

namespace metarl_fast {

// One thread's, of tasks of one shape.
class Occupancy {
 public:
  explicit Occupancy(const Shape& shape) : shape_(shape) {}

  // Makes `task` the one that policies act in; its arrays have to outlive that.
  void take(const TaskView& task, double discount, const Interrupt&);

  // visits [S][A] of a stationary policy [S][A]; infinity at discount 1 where they go on for ever.
  void visits(const std::vector<double>& policy, double* visits, const Interrupt&);

  // shares [S][A]; the task has been taken with discount 1.
  void shares(const std::vector<double>& policy, double* shares, const Interrupt&);

 private:
  void eliminate(const SparseModel& chain, const Interrupt&);
  void start_and_solve();
  void write(const std::vector<double>& policy, double* out) const;

  const Shape shape_;
  TaskView task_;
  OrderedModel model_;
  Envelope envelope_;
  RecurrentClasses classes_;  // at discount 1
  std::vector<double> visits_, later_;
};

// Those of the steps of an episode: visits [S][A] of policy number `policy`.
void visits_of_steps(const Shape&, const TaskView&, const Criterion&, const Policies&, std::int64_t policy,
                     double* visits, const Interrupt&);

}  // namespace metarl_fast
