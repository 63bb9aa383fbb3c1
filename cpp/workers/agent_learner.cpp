// SPDX-License-Identifier: MIT
// Agents' workers, and how many bytes they take.
#include "../learners/agent_learner.hpp"

#include "agent_worker.hpp"

namespace metarl_fast {

double AgentLearner::scratch(const TaskBatch& batch, std::int64_t, const Schedule& schedule, bool,
                             std::size_t bytes_of_real) const {
  const Shape& shape = batch.shape();
  const auto pairs = static_cast<double>(shape.states) * static_cast<double>(shape.actions);
  const double task = Simulator<double>::bytes(batch);
  const double masked =
      num_weights() == 0 || shape.masked ? pairs * static_cast<double>(bytes_of_real + 1) : 0.0;
  const double written = static_cast<double>(rows(shape)) * static_cast<double>(shape.actions) * 8.0;
  return task + masked + written + agent_bytes(shape, bytes_of_real) +
         8.0 * static_cast<double>(schedule.num_episodes);
}

std::unique_ptr<Worker> AgentLearner::worker(const TaskBatch& batch, const Schedule& schedule,
                                             const TrainArrays<float>& arrays) const {
  return std::make_unique<AgentWorker<float>>(*this, batch, schedule, arrays);
}
std::unique_ptr<Worker> AgentLearner::worker(const TaskBatch& batch, const Schedule& schedule,
                                             const TrainArrays<double>& arrays) const {
  return std::make_unique<AgentWorker<double>>(*this, batch, schedule, arrays);
}

}  // namespace metarl_fast
