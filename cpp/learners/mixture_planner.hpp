// SPDX-License-Identifier: MIT
// A planner for tasks of several kinds: one posterior a kind, and what has been seen says which kind it is.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "../elementary.hpp"
#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "greedy_agent.hpp"
#include "posterior_planner.hpp"
#include "task_posterior.hpp"

namespace metarl_fast {

class MixturePlanner final : public AgentLearner {
 public:
  static constexpr const char* kName = "MixturePlanner";

  std::vector<PosteriorPlanner> planners;  // one of each kind
  std::vector<double> weights;             // how often each kind is met, of any sum
  double surprise = 0.001;                 // what part of the outcomes no prior knows of
  double reward_deviation = 1.0;           // standard deviation of a mean reward between tasks of a kind
  double reward_noise = 0.1;               // and of one reward about its mean

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("planners", learner.planners);
    visit("weights", learner.weights, above(0));
    visit("surprise", learner.surprise, Range{0.0, 0.5, true});
    visit("reward_deviation", learner.reward_deviation, above(0));
    visit("reward_noise", learner.reward_noise, above(0));
  }

  void check(const TaskBatch& batch, const Schedule& schedule) const override {
    require(!planners.empty(), "the number of planners", 0.0, "at least 1");
    require(weights.size() == planners.size(), "weights' size", static_cast<double>(weights.size()),
            "one for each planner");
    for (const PosteriorPlanner& planner : planners) planner.check(batch, schedule);
  }

  double agent_bytes(const Shape& shape, std::size_t bytes_of_real) const override {
    double bytes = 0.0;
    for (const PosteriorPlanner& planner : planners) bytes += planner.agent_bytes(shape, bytes_of_real);
    return bytes;
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override { return agent_of(of); }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override { return agent_of(of); }

 private:
  class InTask final : public GreedyAgent {
   public:
    template <class Real>
    InTask(const MixturePlanner& learner, const Setting<Real>& of)
        : GreedyAgent(of.shape),
          learner_(learner),
          actions_(static_cast<std::size_t>(of.shape.actions)),
          anywhere_(learner.surprise / static_cast<double>(of.shape.states)),
          variance_(learner.reward_noise * learner.reward_noise),
          strength_(variance_ / (learner.reward_deviation * learner.reward_deviation)) {
      for (const PosteriorPlanner& planner : learner.planners) kinds_.emplace_back(planner, of);
      for (const double weight : learner.weights) log_.push_back(portable_log(weight));
      probability_.resize(kinds_.size());
      row_.resize(actions_);
      judge();
    }

    void observe(const Step& step, Stream&) override {
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        log_[k] += log_evidence(kinds_[k], step);
        kinds_[k].learn(step);
      }
      judge();
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        if (probability_[k] > 0.0) kinds_[k].plan();
      }
    }

   private:
    static constexpr double kNegligible = 1e-6;  // a kind that is less likely is not heard
    static constexpr double kMost = 1e6;         // that one step says, whatever its reward

    // log p(s', r, end | s, a, all that was seen) of a kind: Dirichlet, normal and beta priors, of which the
    // part `surprise` is even.
    double log_evidence(const TaskPosterior& kind, const Step& step) const {
      const auto seen = kind.transition(step);
      if (!seen) return 0.0;
      const double known = 1.0 - learner_.surprise;
      const double led =
          (seen->strength * (known * seen->prior + anywhere_) + seen->seen) / (seen->strength + seen->visits);
      const TaskPosterior::Mean& end = *seen->end;
      const double ended = (end.strength * (known * end.prior + 0.5 * learner_.surprise) + end.sum) /
                           (end.strength + end.number);
      double found = portable_log(led) + portable_log(step.terminated ? ended : 1.0 - ended);
      if (seen->reward) found += log_density(*seen->reward, kind.beside_end(step));
      return found > -kMost ? found : -kMost;
    }

    // Of a normal law whose mean is normal, but for what is the same of all kinds.
    double log_density(const TaskPosterior::Mean& reward, double x) const {
      const double worth = strength_ + reward.number;
      const double off = x - (strength_ * reward.prior + reward.sum) / worth;
      const double variance = variance_ * (1.0 + 1.0 / worth);
      return -0.5 * (portable_log(variance) + off * off / variance);
    }

    // The posterior of the kinds, of their logarithms.
    void judge() {
      const double largest = *std::max_element(log_.begin(), log_.end());
      double total = 0.0;
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        log_[k] -= largest;
        probability_[k] = portable_exp(log_[k]);
        if (probability_[k] < kNegligible) probability_[k] = 0.0;
        total += probability_[k];
      }
      for (double& p : probability_) p /= total;
    }

    // sum_k p(k) U_k(s, a)
    void worths(std::int32_t state, double* values) const override {
      std::fill(values, values + actions_, 0.0);
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        if (probability_[k] == 0.0) continue;
        kinds_[k].worths(state, row_.data());
        for (std::size_t a = 0; a < actions_; ++a) values[a] += probability_[k] * row_[a];
      }
    }

    const MixturePlanner& learner_;
    const std::size_t actions_;
    const double anywhere_, variance_, strength_;
    std::vector<TaskPosterior> kinds_;
    std::vector<double> log_, probability_;  // of the posterior, up to a constant; and what of it is heard
    mutable std::vector<double> row_;        // [A]
  };

  template <class Real>
  std::unique_ptr<Agent> agent_of(const Setting<Real>& of) const {
    return std::make_unique<InTask>(*this, of);
  }
};

}  // namespace metarl_fast
