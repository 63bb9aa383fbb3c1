// SPDX-License-Identifier: MIT
// An actor-critic that climbs the natural gradient (Kakade 2002) by advantages that it learns (Bhatnagar,
// Sutton, Ghavamzadeh and Lee, "Natural actor-critic algorithms", Automatica 45, 2009, algorithm 3).
#pragma once

#include <utility>

#include "policy_gradient.hpp"

namespace metarl_fast {

class NaturalActorCritic final : public PolicyGradientLearner {
 public:
  static constexpr const char* kName = "NaturalActorCritic";

  double agent_bytes(const Shape& shape, std::size_t real) const override {
    return PolicyGradientLearner::agent_bytes(shape, real) + 8.0 * static_cast<double>(shape.pairs());
  }

 private:
  class InTask final : public PolicyGradientAgent {
   public:
    InTask(const NaturalActorCritic& learner, Preferences start)
        : PolicyGradientAgent(learner, std::move(start)), learner_(learner), advantage_(num_pairs()) {}

    // The features of a pair are psi = grad ln pi(a | s). The natural gradient of a softmax policy is what
    // advantages w fit best: its entries in the rows of states, whatever their share of the visits, are w's.
    //   w <- w + alpha_w (delta - w psi) psi,  theta <- theta + alpha w, in the row of s
    void observe(const Step& step, Stream&) override {
      const double delta = learn_value(step);
      const double* pi = policy_in(step.state);
      double* w = advantage_.data() + pair_of(step.state, 0);
      double mean = 0.0;
      for (std::int32_t b = 0; b < num_actions(); ++b) mean += pi[b] * w[b];
      const double size = learner_.value_learning_rate * held(delta - (w[step.action] - mean));
      for (std::int32_t b = 0; b < num_actions(); ++b) {
        w[b] = held(w[b] + size * ((b == step.action ? 1.0 : 0.0) - pi[b]));
      }
      shift(step.state, [&](std::int32_t b) { return learner_.learning_rate * w[b]; });
    }

   private:
    const NaturalActorCritic& learner_;
    std::vector<double> advantage_;  // w [S][A]
  };

  std::unique_ptr<Agent> agent_from(Preferences start) const override {
    return std::make_unique<InTask>(*this, std::move(start));
  }
};

}  // namespace metarl_fast
