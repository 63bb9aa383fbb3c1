// SPDX-License-Identifier: MIT
// REINFORCE with a baseline (Williams 1992; Sutton and Barto, 2nd ed., section 13.4).
#pragma once

#include <utility>

#include "policy_gradient.hpp"

namespace metarl_fast {

class Reinforce final : public PolicyGradientLearner {
 public:
  static constexpr const char* kName = "Reinforce";

  bool discounts_steps = true;  // the step at time t moves the preferences by discount^t

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    PolicyGradientLearner::parameters(learner, visit);
    visit("discounts_steps", learner.discounts_steps, between(0, 1));
  }

  double agent_bytes(const Shape& shape, std::size_t real) const override {
    return PolicyGradientLearner::agent_bytes(shape, real) + sizeof(Taken) * static_cast<double>(kLongest);
  }

 private:
  static constexpr std::size_t kLongest = 4096;  // steps; longer episodes are learned from in such pieces

  struct Taken {
    std::int32_t state, action;
    double reward;
  };

  class InTask final : public PolicyGradientAgent {
   public:
    InTask(const Reinforce& learner, Preferences start)
        : PolicyGradientAgent(learner, std::move(start)), learner_(learner) {}

    void observe(const Step& step, Stream&) override {
      path_.push_back({step.state, step.action, step.reward});
      if (path_.size() == kLongest) learn();
    }

    void end_episode() override { learn(); }

   private:
    // Rewards become returns, G_t = r_t + discount G_t+1; then for each step, the first one first,
    // delta = G_t - v(s_t), theta <- theta + alpha discount^t delta grad ln pi(a_t | s_t).
    void learn() {
      double later = 0.0;
      for (std::size_t t = path_.size(); t-- > 0;) {
        later = path_[t].reward = held(path_[t].reward + learner_.discount * later);
      }
      double size = learner_.learning_rate;
      for (const Taken& taken : path_) {
        reinforce(taken.state, taken.action, size * move_value(taken.state, taken.reward));
        if (learner_.discounts_steps) size *= learner_.discount;
      }
      path_.clear();
    }

    const Reinforce& learner_;
    std::vector<Taken> path_;  // of this episode
  };

  std::unique_ptr<Agent> agent_from(Preferences start) const override {
    return std::make_unique<InTask>(*this, std::move(start));
  }
};

}  // namespace metarl_fast
