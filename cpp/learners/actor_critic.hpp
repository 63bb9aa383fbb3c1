// SPDX-License-Identifier: MIT
// One-step actor-critic (Sutton and Barto, 2nd ed., section 13.5).
#pragma once

#include <utility>

#include "policy_gradient.hpp"

namespace metarl_fast {

class ActorCritic final : public PolicyGradientLearner {
 public:
  static constexpr const char* kName = "ActorCritic";

  bool discounts_steps = true;  // the step at time t moves the preferences by discount^t

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    PolicyGradientLearner::parameters(learner, visit);
    visit("discounts_steps", learner.discounts_steps, between(0, 1));
  }

 private:
  class InTask final : public PolicyGradientAgent {
   public:
    InTask(const ActorCritic& learner, Preferences start)
        : PolicyGradientAgent(learner, std::move(start)), learner_(learner) {}

    // theta <- theta + alpha I delta grad ln pi(a | s), I = discount^t
    void observe(const Step& step, Stream&) override {
      reinforce(step.state, step.action, size_ * learn_value(step));
      if (learner_.discounts_steps) size_ *= learner_.discount;
    }

    void end_episode() override { size_ = learner_.learning_rate; }

   private:
    const ActorCritic& learner_;
    double size_ = learner_.learning_rate;  // alpha I
  };

  std::unique_ptr<Agent> agent_from(Preferences start) const override {
    return std::make_unique<InTask>(*this, std::move(start));
  }
};

}  // namespace metarl_fast
