// SPDX-License-Identifier: MIT
// A softmax policy and predictions of states, in tables, which a network updates: learned policy gradient (Oh
// et al., "Discovering reinforcement learning algorithms", NeurIPS 2020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
#include "softmax_agent.hpp"
#include "update_network.hpp"

namespace metarl_fast {

class LearnedPolicyGradient final : public AgentLearner {
 public:
  static constexpr const char* kName = "LearnedPolicyGradient";

  std::vector<double> weights;       // of the network
  std::int64_t num_predictions = 1;  // of each state; what they mean is for the network to say
  double discount = 0.95;
  std::int64_t path_length = 20;  // steps that are learned from at once; shorter where an episode ends

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("weights", learner.weights, between(-kLargest, kLargest));
    visit("num_predictions", learner.num_predictions, between(1, 1 << 10));
    visit("discount", learner.discount, between(0, 1));
    visit("path_length", learner.path_length, between(1, 1 << 12));
  }

  void check(const TaskBatch&, const Schedule&) const override {
    const std::size_t row = UpdateNetwork::columns(static_cast<std::size_t>(num_predictions));
    require(!weights.empty() && weights.size() % row == 0, "the number of weights",
            static_cast<double>(weights.size()), "rows for its units");
  }

  double agent_bytes(const Shape& shape, std::size_t) const override {
    return 16.0 * static_cast<double>(shape.pairs()) + sizeof(Step) * static_cast<double>(path_length) +
           8.0 * (1.0 + static_cast<double>(num_predictions)) * static_cast<double>(shape.states) +
           16.0 * static_cast<double>(weights.size());
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override {
    return std::make_unique<InTask>(*this, preferences_of(of));
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return std::make_unique<InTask>(*this, preferences_of(of));
  }

 private:
  // What the network reads and says stays within this, and so does what is learned: nothing overflows.
  static constexpr double kLargest = 0x1p20;

  class InTask final : public SoftmaxAgent {
   public:
    InTask(const LearnedPolicyGradient& learner, Preferences start)
        : SoftmaxAgent(std::move(start), kLargest),
          discount_(learner.discount),
          path_length_(static_cast<std::size_t>(learner.path_length)),
          predictions_(static_cast<std::size_t>(learner.num_predictions)),
          network_(learner.weights, predictions_),
          taken_(num_pairs()),
          visited_(num_states()),
          prediction_(visited_.size() * predictions_),
          shown_(network_.inputs()) {
      path_.reserve(path_length_);
    }

    void observe(const Step& step, Stream&) override {
      ++taken_[pair_of(step.state, step.action)];
      ++visited_[static_cast<std::size_t>(step.state)];
      path_.push_back(step);
      if (path_.size() == path_length_) learn();
    }

    void end_episode() override { learn(); }

   private:
    void learn() {
      network_.forget();
      for (std::size_t t = path_.size(); t-- > 0;) learn(path_[t]);
      path_.clear();
    }

    // h(s, .) <- h(s, .) + d grad log pi(a | s), prediction k of s <- itself + d_k, d as the network says
    void learn(const Step& step) {
      const double* pi = policy_in(step.state);
      show(step, pi[step.action]);
      const double* change = network_.read(shown_.data());
      climb(step.state, step.action, pi, held(change[0]));
      double* prediction = predictions_of(step.state);
      for (std::size_t k = 0; k < predictions_; ++k)
        prediction[k] = held(prediction[k] + held(change[1 + k]));
    }

    void show(const Step& step, double probability) {
      shown_[kOne] = 1.0;
      shown_[kReward] = held(step.reward);
      shown_[kTerminated] = step.terminated ? 1.0 : 0.0;
      shown_[kProbability] = probability;
      shown_[kPairNovelty] = novelty(taken_[pair_of(step.state, step.action)]);
      shown_[kNextNovelty] = novelty(visited_[static_cast<std::size_t>(step.next_state)]);
      const double counts = step.terminated ? 0.0 : discount_;
      const double *here = predictions_of(step.state), *ahead = predictions_of(step.next_state);
      for (std::size_t k = 0; k < predictions_; ++k) {
        shown_[kShown + k] = here[k];
        shown_[kShown + predictions_ + k] = counts * ahead[k];
      }
    }

    // 1 of what was never met; the bonus of count-based exploration
    static double novelty(std::int64_t times) {
      return exploration_bonus(1.0, static_cast<double>(times) + 1.0);
    }

    double* predictions_of(std::int32_t state) {
      return prediction_.data() + static_cast<std::size_t>(state) * predictions_;
    }

    const double discount_;
    const std::size_t path_length_, predictions_;
    UpdateNetwork network_;
    std::vector<std::int64_t> taken_;    // N(s, a)
    std::vector<std::int64_t> visited_;  // N(s)
    std::vector<double> prediction_;     // [S][predictions]
    std::vector<Step> path_;
    std::vector<double> shown_;  // scratch
  };
};

}  // namespace metarl_fast
