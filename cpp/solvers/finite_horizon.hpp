// SPDX-License-Identifier: MIT
// Episodes of a given number of steps, backwards from the last one (Puterman 1994, sections 4.2 and 4.5):
//   v_t(s) = max_a q_t(s, a),  q_t(s, a) = r(s, a) + discount * sum_s' p(s' | s, a) v_t+1(s'),
// with nothing left after the last step. A horizon however long costs no more steps than change anything.
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "losses.hpp"
#include "policy.hpp"
#include "prepared_task.hpp"

namespace metarl_fast {

// How a task is judged.
struct Criterion {
  double discount = 0.95;
  std::int64_t horizon = 0;  // steps of an episode; 0: for ever
};

// Several policies of one task. A policy has one row for all steps, or one for each step.
struct Policies {
  PolicyView first;
  std::int64_t count = 1;
  std::int64_t steps = 1;

  PolicyView at(const Shape& shape, std::int64_t policy, std::int64_t step) const {
    const std::int64_t row = policy * steps + (steps == 1 ? 0 : step);
    return {first.probability ? first.probability + row * shape.pairs() : nullptr,
            first.action ? first.action + row * shape.states : nullptr, first.task};
  }
};

// Room that one thread reuses from task to task.
struct FiniteScratch {
  PreparedTask task;
  std::vector<Expected> action_values;
  std::vector<double> previous;
  std::vector<double> best;
  std::vector<double> pay;
  std::vector<std::vector<double>> reward;
  std::vector<std::vector<double>> probability;
  std::vector<Chain> chain;
};

// Values v[S] and action values q[S][A] of the first step, and the first best action [S] there. `plan`
// [horizon][S] takes those of every step if it is not null.
void backward_induction(const Shape&, const TaskView&, const Criterion&, double* values, double* q_values,
                        std::int32_t* policy, std::int32_t* plan, FiniteScratch&, const Interrupt&);

// Values v[policies][S] of the first step under the given policies.
void evaluate_steps(const Shape&, const TaskView&, const Criterion&, const Policies&, double* values,
                    FiniteScratch&, const Interrupt&);

// How much less than the optimum they are, [policies][S]; see losses.hpp.
void find_gaps_of_steps(const Shape&, const TaskView&, const Criterion&, const Policies&, double* gaps,
                        FiniteScratch&, const Interrupt&);

}  // namespace metarl_fast
