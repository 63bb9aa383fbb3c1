// SPDX-License-Identifier: MIT
// A planner on the mean of the posterior over tasks: the best action of a plan that is renewed after every
// step.
#pragma once

#include <memory>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "greedy_agent.hpp"
#include "task_posterior.hpp"

namespace metarl_fast {

class PosteriorPlanner final : public AgentLearner, public PosteriorSettings {
 public:
  static constexpr const char* kName = "PosteriorPlanner";

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("discount", learner.discount, between(0, 1));
    visit("transition_strength", learner.transition_strength, above(0));
    visit("reward_strength", learner.reward_strength, above(0));
    visit("bonus", learner.bonus, at_least(0));
    visit("bonus_decay", learner.bonus_decay, at_least(0));
    visit("num_sweeps", learner.num_sweeps, between(1, 1 << 20));
    visit("places", learner.prior.places, between(0, 1 << 20));
    visit("classes", learner.prior.classes, between(0, kLargestDouble));
    visit("next_state", learner.prior.next_state, at_least(-1));
    visit("probability", learner.prior.probability, between(0, 1));
    visit("rewards", learner.prior.rewards, TaskPrior::kRewards);
    visit("reward", learner.prior.reward, finite());
    visit("termination", learner.prior.termination, between(0, 1));
    visit("end_reward", learner.prior.end_reward, finite());
    visit("end_alike", learner.prior.end_alike, at_least(0));
    visit("value", learner.prior.value, finite());
    visit("transition_strengths", learner.prior.transition_strengths, above(0));
    visit("reward_strengths", learner.prior.reward_strengths, above(0));
  }

  void check(const TaskBatch& batch, const Schedule&) const override { prior.check(batch.shape()); }

  double agent_bytes(const Shape& shape, std::size_t) const override {
    const double places = prior.classes.empty() ? 16.0 * static_cast<double>(shape.pairs())
                                                : static_cast<double>(prior.next_state.size());
    return 64.0 * places + 32.0 * static_cast<double>(shape.pairs()) +
           64.0 * static_cast<double>(shape.states);
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override { return agent_of(of); }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override { return agent_of(of); }

 private:
  class InTask final : public GreedyAgent {
   public:
    template <class Real>
    InTask(const PosteriorPlanner& learner, const Setting<Real>& of)
        : GreedyAgent(of.shape), posterior_(learner, of) {}

    void observe(const Step& step, Stream&) override {
      if (posterior_.learn(step)) posterior_.plan();
    }

   private:
    void worths(std::int32_t state, double* values) const override { posterior_.worths(state, values); }

    TaskPosterior posterior_;
  };

  template <class Real>
  std::unique_ptr<Agent> agent_of(const Setting<Real>& of) const {
    return std::make_unique<InTask>(*this, of);
  }
};

}  // namespace metarl_fast
