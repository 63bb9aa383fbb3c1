// SPDX-License-Identifier: MIT
// The public C++ interface: run learners and planners over batches of tasks, on several threads.
//
// Results depend on the arguments alone, never on num_threads or on the instruction set.
// All functions throw std::invalid_argument on arguments out of range, std::bad_alloc without memory, and
// pass on what `progress` throws. Nothing is printed.
#pragma once

#include <cstdint>
#include <functional>

#include "learners/learner.hpp"
#include "learners/td_settings.hpp"
#include "mdp.hpp"
#include "training.hpp"

namespace metarl_fast {

class LinearLearner;

// Called about twenty times a second on the calling thread with the number of tasks done; throw to cancel.
using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

struct RunOptions {
  int num_threads = 1;
  Progress progress;
};

// Runs the learner on each task from its own copy of the initial table.
template <class Real>
void train(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<Real>&, const RunOptions&);

// Steps that somebody took, and what a learner would have done in their place: the greedy policy label
// [tasks][room][A] of what it had learned from the steps before, shared alike among equally good actions. The
// history is read alone.
template <class Real>
struct RelabelArrays {
  History<Real> history;
  const Real* initial_table = nullptr;  // as in TrainArrays
  bool initial_per_task = false;
  float* label = nullptr;  // zeros behind the last step stay
};
template <class Real>
void relabel(const TaskBatch&, const Learner&, std::uint64_t key, const RelabelArrays<Real>&,
             const RunOptions&);

// Tables that learners make of recorded steps, and how they move with what was learned from. Null for what is
// not wanted or not there.
struct ReplayArrays {
  const double* initial_table = nullptr;  // [S][A], or [tasks][S][A] if initial_per_task; -infinity where an
                                          // action is not available
  bool initial_per_task = false;
  const double* learning_rates = nullptr;  // [S][A] in place of the settings' one
  History<double> history;                 // what is learned from
  History<double> fresh;  // what the loss is: half the mean squared error of these steps' targets
  const double* cotangents = nullptr;  // [tasks][S][A], instead: how a loss moves with what was learned
  const double* worth = nullptr;  // [tasks][room of history], added: of each step times how the logarithm of
                                  // its action's probability moves, by the softmax that the learner acts by
  double* q_table = nullptr;      // [tasks][S][A] what was learned
  double* loss = nullptr;         // [tasks]
  double* of_initial = nullptr;   // [tasks][S][A] how the loss moves with the initial table ...
  double* of_rates = nullptr;     // [tasks][S][A] ... and with the learning rate of each entry
};
void replay(const Shape&, std::int64_t num_tasks, const TdSettings&, const ReplayArrays&, const RunOptions&);

// The same of Q-learning on features, whose weights [F][A] take the place of tables [S][A] everywhere: at a
// rate that stays, with no gradient with respect to it and no worth of steps.
void replay_linear(const LinearLearner&, std::int64_t num_actions, std::int64_t num_tasks,
                   const ReplayArrays&, const RunOptions&);

// Bytes that one thread of a replay takes whose longest history has so many steps.
double replay_scratch(const Shape&, std::int64_t num_steps);

// values [tasks][S], q_values [tasks][S][A], policy [tasks][S], returns [tasks] (start value). Where there is
// no horizon also what it took: iterations [tasks], and how far a value may be off, error_bound [tasks].
struct SolveArrays {
  double* values = nullptr;
  double* q_values = nullptr;
  std::int32_t* policy = nullptr;
  double* returns = nullptr;
  std::int64_t* iterations = nullptr;
  double* error_bound = nullptr;
};

// Optimal values without a horizon by direct solves; iterations are policies valued. At discount 1 no bound
// is known, infinity is written, and it throws std::invalid_argument with the task and the state that never
// ends.
void policy_iteration(const TaskBatch&, double discount, const SolveArrays&, const RunOptions&);

// Optimal values of the discounted problem by sweeps, which are the iterations.
void value_iteration(const TaskBatch&, double discount, double tolerance, const SolveArrays&,
                     const RunOptions&);

// The same by modified policy iteration: `sweeps` of each policy, one or more; iterations are policies.
void modified_policy_iteration(const TaskBatch&, double discount, double tolerance, std::int64_t sweeps,
                               const SolveArrays&, const RunOptions&);

// Optimal values of episodes of horizon [tasks] steps; plan [tasks][longest][S] or null, -1 beyond a task's
// own horizon.
void backward_induction(const TaskBatch&, double discount, const std::int64_t* horizon, const SolveArrays&,
                        std::int32_t* plan, std::int64_t longest, const RunOptions&);

// Given policies: probabilities [tasks][num_policies][num_steps][S][A], or actions
// [tasks][num_policies][num_steps][S]; without the axis of tasks if shared; if both are null, the uniformly
// random policy. num_steps is 1, or the longest horizon for policies that change from step to step.
// values [tasks][num_policies][S] or null; returns and gaps [tasks][num_policies] or null. A gap is how much
// less than the optimum a policy returns; without a horizon it needs optimal_values [tasks][S].
struct EvaluateArrays {
  const double* probability = nullptr;
  const std::int32_t* action = nullptr;
  bool shared = false;
  std::int64_t num_policies = 1;
  std::int64_t num_steps = 1;
  const double* optimal_values = nullptr;
  double* values = nullptr;
  double* returns = nullptr;
  double* gaps = nullptr;
};

// For episodes of horizon [tasks] steps, or for ever if it is null.
void evaluate(const TaskBatch&, double discount, const std::int64_t* horizon, const EvaluateArrays&,
              const RunOptions&);

// The long run, of every state [tasks][num_policies][S]: gain, bias, and the recurrent class of the policy's
// chain, numbered by first states, -1 for transient states; classes [tasks][num_policies] says how many, the
// end being one where episodes may end.
struct LongRunArrays {
  double* gain;
  double* bias;
  std::int32_t* recurrent_class;
  std::int32_t* classes;
  double* returns;  // [tasks][num_policies], the gain expected from the start
};

// Policies [tasks][S] of the best gain in every state, and their long run; iterations [tasks] are policies
// valued.
void average_reward(const TaskBatch&, std::int32_t* policy, std::int64_t* iterations, const LongRunArrays&,
                    const RunOptions&);

// That of given policies, of which EvaluateArrays' first lines are read.
void gain_and_bias(const TaskBatch&, const EvaluateArrays&, const LongRunArrays&, const RunOptions&);

// How often given policies are expected to be in a state and take an action [tasks][num_policies][S][A], the
// step at time t counting discount^t, in episodes of horizon [tasks] steps, or for ever if it is null.
// Infinity where, at discount 1, that is for ever.
void occupancy(const TaskBatch&, double discount, const std::int64_t* horizon, const EvaluateArrays&,
               double* visits, const RunOptions&);

// The share of steps that this is in the long run; 0 after the end of episodes.
void long_run_occupancy(const TaskBatch&, const EvaluateArrays&, double* shares, const RunOptions&);

// How the returns of softmax policies move with their preferences, [tasks][S][A], or [S][A] for all: returns
// [tasks], gradient [tasks][S][A], and with a direction, alike, the Hessian's product with it [tasks][S][A].
// For episodes of horizon [tasks] steps, or for ever if it is null.
struct PolicyGradientArrays {
  const double* preference;
  bool shared_preference;
  const double* direction;  // null if not wanted
  bool shared_direction;
  double* returns;
  double* gradient;
  double* product;
};
void policy_gradient(const TaskBatch&, double discount, const std::int64_t* horizon,
                     const PolicyGradientArrays&, const RunOptions&);

// Writes every task out in the layout of mdp.hpp; null for what is not wanted.
struct MaterialiseArrays {
  double* probability = nullptr;
  std::int32_t* next_state = nullptr;
  double* reward = nullptr;
  std::uint8_t* terminated = nullptr;
  double* start = nullptr;
  double* scale = nullptr;  // of tasks drawn from by rejection
  std::uint8_t* terminal = nullptr;
  double* reward_noise = nullptr;  // [tasks]
};
void materialise(const TaskBatch&, const MaterialiseArrays&, const RunOptions&);

// No call works on more threads than this, whatever num_threads says: so many help nobody.
int most_threads();

}  // namespace metarl_fast
