// SPDX-License-Identifier: MIT
// What a learner is to the engine: frozen settings that make workers. `train` knows neither lanes nor tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "../training.hpp"
#include "agent.hpp"

namespace metarl_fast {

// One thread's scratch, and what it does with a block of tasks.
class Worker {
 public:
  virtual ~Worker() = default;

  // Runs the block'th tasks_at_once() tasks of the batch and writes their results; returns how many, or 0 if
  // interrupted.
  virtual std::int64_t run(std::int64_t block, const Interrupt& interrupt) = 0;

  // The returns [num_episodes] of a task of the block that has just run, if any were asked for.
  virtual const double* returns(std::int64_t task_of_block) const = 0;
};

class Learner {
 public:
  virtual ~Learner() = default;

  // How many tasks a worker runs side by side.
  virtual int tasks_at_once() const = 0;

  // Throws std::invalid_argument for settings out of range and for tasks that are none of this learner's.
  virtual void check(const TaskBatch&, const Schedule&) const = 0;

  // Whether its agents want to know where episodes begin, and refuse tasks of several such states.
  virtual bool sees_reset() const { return false; }

  // How many weights of each action it learns in place of a table [S][A]; 0 for learners of tables.
  virtual std::int64_t num_weights() const { return 0; }
  // Rows of what it starts from and hands back: [rows][A].
  std::int64_t rows(const Shape& shape) const { return num_weights() ? num_weights() : shape.states; }

  // What a run has to hand on to be continued; nothing, for learners that cannot be.
  virtual CarriedSizes carried(const Shape&, bool /*continuing*/) const { return {}; }

  // Bytes that one worker takes, of `num_tasks` tasks (those of the batch, or their runs) in numbers of
  // `bytes_of_real`. A double, because it may be more than any integer counts.
  virtual double scratch(const TaskBatch&, std::int64_t num_tasks, const Schedule&, bool mean_returns,
                         std::size_t bytes_of_real) const = 0;

  // Everything given stays where it is for as long as the worker lives.
  virtual std::unique_ptr<Worker> worker(const TaskBatch&, const Schedule&,
                                         const TrainArrays<float>&) const = 0;
  virtual std::unique_ptr<Worker> worker(const TaskBatch&, const Schedule&,
                                         const TrainArrays<double>&) const = 0;

  // The same learner step by step, in one task; and how many bytes it takes.
  virtual std::unique_ptr<Agent> agent(const Setting<float>&) const = 0;
  virtual std::unique_ptr<Agent> agent(const Setting<double>&) const = 0;
  virtual double agent_bytes(const Shape&, std::size_t bytes_of_real) const = 0;
};

}  // namespace metarl_fast
