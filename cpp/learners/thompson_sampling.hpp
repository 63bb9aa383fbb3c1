// SPDX-License-Identifier: MIT
// Thompson sampling (Thompson 1933; Chapelle and Li 2011, algorithms 1 and 2): pull the arm that is best in a
// world drawn from what is known.
#pragma once

#include "../elementary.hpp"
#include "../parameters.hpp"
#include "../variates.hpp"
#include "arms.hpp"

namespace metarl_fast {

class ThompsonSampling final : public BanditLearner {
 public:
  static constexpr const char* kName = "ThompsonSampling";
  enum class Rewards { bernoulli, gaussian };
  static constexpr Word<Rewards> kRewards[] = {{"bernoulli", Rewards::bernoulli},
                                               {"gaussian", Rewards::gaussian}};

  Rewards rewards = Rewards::bernoulli;
  double successes = 1.0, failures = 1.0;    // of the prior Beta(successes, failures)
  double prior_mean = 0.0, prior_std = 1.0;  // of the prior Normal
  double noise_std = 1.0;                    // of Gaussian rewards about their arm's mean

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("rewards", learner.rewards, kRewards);
    visit("successes", learner.successes, above(0));
    visit("failures", learner.failures, above(0));
    visit("prior_mean", learner.prior_mean, finite());
    visit("prior_std", learner.prior_std, above(0));
    visit("noise_std", learner.noise_std, above(0));
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override { return agent_of(of); }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override { return agent_of(of); }

 private:
  template <class Real>
  std::unique_ptr<Agent> agent_of(const Setting<Real>& of) const {
    if (rewards == Rewards::bernoulli) return std::make_unique<Bernoulli>(*this, of);
    return std::make_unique<Gaussian>(*this, of);
  }

  // theta ~ Beta(successes + n_1, failures + n_0). Odds grow with theta, so their logarithm does as well.
  class Bernoulli final : public BanditAgent {
   public:
    template <class Real>
    Bernoulli(const ThompsonSampling& prior, const Setting<Real>& of) : BanditAgent(of), prior_(prior) {}

   private:
    double ones(const Arm& arm) const { return prior_.successes + arm.sum; }
    double zeros(const Arm& arm) const { return prior_.failures + (arm.pulls - arm.sum); }

    double index(const Arm& arm, Stream& stream) const override {
      return beta_log_odds(stream, ones(arm), zeros(arm));
    }
    double expected(const Arm& arm) const override { return ones(arm) / (ones(arm) + zeros(arm)); }
    void check_reward(double reward) const override {
      require(reward == 0.0 || reward == 1.0, "a reward", reward, "0 or 1, as of a Bernoulli bandit");
    }

    const ThompsonSampling& prior_;
  };

  // theta ~ Normal(m, v): 1/v = 1/prior_std^2 + n/noise_std^2, m = v (prior_mean/prior_std^2 +
  // sum/noise_std^2)
  class Gaussian final : public BanditAgent {
   public:
    template <class Real>
    Gaussian(const ThompsonSampling& prior, const Setting<Real>& of) : BanditAgent(of), prior_(prior) {}

   private:
    double prior_precision() const { return 1.0 / (prior_.prior_std * prior_.prior_std); }
    double noise_precision() const { return 1.0 / (prior_.noise_std * prior_.noise_std); }
    double variance(const Arm& arm) const {
      return 1.0 / (prior_precision() + arm.pulls * noise_precision());
    }

    double index(const Arm& arm, Stream& stream) const override {
      const double z = normal_quantile_32(open_unit(next(stream)));
      return expected(arm) + square_root(variance(arm)) * z;
    }
    double expected(const Arm& arm) const override {
      return variance(arm) * (prior_.prior_mean * prior_precision() + arm.sum * noise_precision());
    }

    const ThompsonSampling& prior_;
  };
};

}  // namespace metarl_fast
