// SPDX-License-Identifier: MIT
// The learner of the temporal-difference rules on features of states: it learns weights in place of a table,
// as an agent, with memory for the weights alone.
#pragma once

#include "agent_learner.hpp"
#include "features.hpp"
#include "td_learner.hpp"

namespace metarl_fast {

class LinearLearner final : public AgentLearner {
 public:
  // The settings stay where they are for as long as this lives. Without features it learns a table.
  LinearLearner(const TdLearner& settings, FeaturesPtr features);

  const TdSettings& settings() const { return settings_; }
  const FeaturesPtr& features() const { return features_; }

  std::int64_t num_weights() const override { return features_ ? features_->number() : 0; }
  bool sees_reset() const override { return settings_.sees_reset(); }
  void check(const TaskBatch&, const Schedule&) const override;
  std::unique_ptr<Agent> agent(const Setting<float>&) const override;
  std::unique_ptr<Agent> agent(const Setting<double>&) const override;
  double agent_bytes(const Shape&, std::size_t bytes_of_real) const override;

 private:
  const TdLearner& settings_;
  FeaturesPtr features_;
};

}  // namespace metarl_fast
