// SPDX-License-Identifier: MIT
// The learner of the temporal-difference rules: settings, and workers that run them in the kernel's lanes.
#pragma once

#include "learner.hpp"
#include "td_settings.hpp"

namespace metarl_fast {

struct TdLearner : Learner, TdSettings {
  int tasks_at_once() const override;
  void check(const TaskBatch&, const Schedule&) const override;
  void check_settings(const TaskBatch&, const Schedule&) const;  // all but the size of tables
  bool sees_reset() const override { return TdSettings::sees_reset; }
  CarriedSizes carried(const Shape&, bool continuing) const override;
  double scratch(const TaskBatch&, std::int64_t num_tasks, const Schedule&, bool mean_returns,
                 std::size_t bytes_of_real) const override;
  std::unique_ptr<Worker> worker(const TaskBatch&, const Schedule&, const TrainArrays<float>&) const override;
  std::unique_ptr<Worker> worker(const TaskBatch&, const Schedule&,
                                 const TrainArrays<double>&) const override;
  std::unique_ptr<Agent> agent(const Setting<float>&) const override;
  std::unique_ptr<Agent> agent(const Setting<double>&) const override;
  double agent_bytes(const Shape&, std::size_t bytes_of_real) const override;
};

}  // namespace metarl_fast
