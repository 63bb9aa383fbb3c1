// SPDX-License-Identifier: MIT
// Base of learners that are agents: their workers let one agent after the other live in its task.
#pragma once

#include "learner.hpp"

namespace metarl_fast {

class AgentLearner : public Learner {
 public:
  int tasks_at_once() const override { return 1; }
  double scratch(const TaskBatch&, std::int64_t num_tasks, const Schedule&, bool mean_returns,
                 std::size_t bytes_of_real) const override;
  std::unique_ptr<Worker> worker(const TaskBatch&, const Schedule&, const TrainArrays<float>&) const override;
  std::unique_ptr<Worker> worker(const TaskBatch&, const Schedule&,
                                 const TrainArrays<double>&) const override;
};

// Any learner's agents, one at a time: what lanes do, in other words.
class OneByOne final : public AgentLearner {
 public:
  explicit OneByOne(const Learner& of) : of_(of) {}

  void check(const TaskBatch& batch, const Schedule& schedule) const override { of_.check(batch, schedule); }
  bool sees_reset() const override { return of_.sees_reset(); }
  std::int64_t num_weights() const override { return of_.num_weights(); }
  double agent_bytes(const Shape& shape, std::size_t real) const override {
    return of_.agent_bytes(shape, real);
  }
  std::unique_ptr<Agent> agent(const Setting<float>& of) const override { return of_.agent(of); }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override { return of_.agent(of); }

 private:
  const Learner& of_;
};

}  // namespace metarl_fast
