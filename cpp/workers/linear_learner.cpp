// SPDX-License-Identifier: MIT
// Learners on features of states: which tasks they are for, and their agents.
#include "../learners/linear_learner.hpp"

#include <utility>

#include "../learners/linear_form.hpp"
#include "../learners/rules.hpp"
#include "../learners/td.hpp"

namespace metarl_fast {
namespace {

template <class Real>
std::unique_ptr<Agent> agent_of(const TdSettings& settings, const FeaturesPtr& features,
                                const Setting<Real>& of) {
  std::unique_ptr<Agent> agent;
  with_rule(settings.rule, [&](auto rule) {
    using Rule = decltype(rule);
    if (!features) {
      agent = std::make_unique<TdAgent<Rule, Real>>(settings, of);
    } else if constexpr (!Rule::kTraces) {
      using Linear = TdAgent<Rule, Real, LinearForm<Real>>;
      agent = std::make_unique<Linear>(settings, of, LinearForm<Real>(of, features));
    }
  });
  return agent;
}

}  // namespace

LinearLearner::LinearLearner(const TdLearner& settings, FeaturesPtr features)
    : settings_(settings), features_(std::move(features)) {
  if (features_) features_->check();
}

void LinearLearner::check(const TaskBatch& batch, const Schedule& schedule) const {
  settings_.check_settings(batch, schedule);
  if (!features_) return;
  require(!has_traces(settings_.rule), "trace_decay", settings_.trace_decay, "a rule without traces");
  require(batch.shape().states == features_->states(), "num_states",
          static_cast<double>(batch.shape().states), "the number of states that the features are of");
}

std::unique_ptr<Agent> LinearLearner::agent(const Setting<float>& of) const {
  return agent_of(settings_, features_, of);
}
std::unique_ptr<Agent> LinearLearner::agent(const Setting<double>& of) const {
  return agent_of(settings_, features_, of);
}

double LinearLearner::agent_bytes(const Shape& shape, std::size_t bytes_of_real) const {
  if (!features_) return settings_.agent_bytes(shape, bytes_of_real);
  Shape of_weights = shape;
  of_weights.states = num_weights();
  return settings_.agent_bytes(of_weights, bytes_of_real) +
         (shape.masked ? static_cast<double>(shape.states) * static_cast<double>(shape.actions) : 0.0);
}

}  // namespace metarl_fast
