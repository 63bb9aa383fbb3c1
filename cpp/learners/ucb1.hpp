// SPDX-License-Identifier: MIT
// UCB1 (Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine
// Learning 47, 2002, figure 1).
#pragma once

#include "../elementary.hpp"
#include "../parameters.hpp"
#include "arms.hpp"

namespace metarl_fast {

class Ucb1 final : public BanditLearner {
 public:
  static constexpr const char* kName = "UCB1";

  double reward_range = 1.0;  // rewards lie in an interval so long

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("reward_range", learner.reward_range, above(0));
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }

 private:
  class InTask final : public BanditAgent {
   public:
    template <class Real>
    InTask(const Ucb1& learner, const Setting<Real>& of)
        : BanditAgent(of), reward_range_(learner.reward_range) {}

   private:
    // ln n, n counting all pulls
    void begin_choice() override {
      double pulls = 0.0;
      for (const std::int32_t a : there()) pulls += arm(a).pulls;
      log_pulls_ = pulls > 0.0 ? portable_log(pulls) : 0.0;
    }

    // mean + range sqrt(2 ln n / n_j); an arm that was never pulled comes first
    double index(const Arm& arm, Stream&) const override {
      if (arm.pulls == 0.0) return std::numeric_limits<double>::infinity();
      return arm.mean() + reward_range_ * square_root(2.0 * log_pulls_ / arm.pulls);
    }

    const double reward_range_;
    double log_pulls_ = 0.0;
  };
};

}  // namespace metarl_fast
