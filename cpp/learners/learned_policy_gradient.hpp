// SPDX-License-Identifier: MIT
// A softmax policy and predictions of states, in tables, which a network updates: learned policy gradient (Oh
// et al., "Discovering reinforcement learning algorithms", NeurIPS 2020).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
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
    return std::make_unique<InTask>(*this, of);
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }

 private:
  // What the network reads and says stays within these, and so does what is learned: nothing overflows.
  static constexpr double kLargest = 0x1p20;
  static double within(double x) { return std::min(std::max(x, -kLargest), kLargest); }

  class InTask final : public Agent {
   public:
    template <class Real>
    InTask(const LearnedPolicyGradient& learner, const Setting<Real>& of)
        : discount_(learner.discount),
          path_length_(static_cast<std::size_t>(learner.path_length)),
          predictions_(static_cast<std::size_t>(learner.num_predictions)),
          actions_(static_cast<std::int32_t>(of.shape.actions)),
          network_(learner.weights, predictions_),
          preference_(of.initial_table, of.initial_table + of.shape.pairs()),
          taken_(preference_.size()),
          visited_(static_cast<std::size_t>(of.shape.states)),
          prediction_(visited_.size() * predictions_),
          probability_(static_cast<std::size_t>(actions_)),
          shown_(network_.inputs()) {
      path_.reserve(path_length_);
    }

    std::int32_t act(std::int32_t state, Stream& stream) override {
      const std::uint32_t x = next(stream), y = stream.s[kCompanion];
      return softmax_action(preference_.data() + first_of(state), actions_, unit_53(x, y), 1.0);
    }

    void observe(const Step& step, Stream&) override {
      ++taken_[first_of(step.state) + static_cast<std::size_t>(step.action)];
      ++visited_[static_cast<std::size_t>(step.state)];
      path_.push_back(step);
      if (path_.size() == path_length_) learn();
    }

    void end_episode() override { learn(); }

    void policy(double* probability) const override {
      for (std::int32_t s = 0; s < static_cast<std::int32_t>(visited_.size()); ++s, probability += actions_)
        write_policy(s, probability);
    }

    void q_table(double* values) const override { std::copy(preference_.begin(), preference_.end(), values); }
    bool q_row(std::int32_t state, double* values) const override {
      std::copy_n(preference_.data() + first_of(state), actions_, values);
      return true;
    }

   private:
    std::size_t first_of(std::int32_t state) const {
      return static_cast<std::size_t>(std::int64_t{state} * actions_);
    }

    // pi(a | s) = exp h(s, a) / sum over b of exp h(s, b)
    void write_policy(std::int32_t state, double* probability) const {
      const double* row = preference_.data() + first_of(state);
      const double largest = *std::max_element(row, row + actions_);
      double total = 0.0;
      for (std::int32_t a = 0; a < actions_; ++a)
        total += probability[a] = softmax_weight(row[a], largest, 1.0);
      for (std::int32_t a = 0; a < actions_; ++a) probability[a] /= total;
    }

    void learn() {
      network_.forget();
      for (std::size_t t = path_.size(); t-- > 0;) learn(path_[t]);
      path_.clear();
    }

    // h(s, .) <- h(s, .) + d grad log pi(a | s), prediction k of s <- itself + d_k, d as the network says
    void learn(const Step& step) {
      write_policy(step.state, probability_.data());
      show(step);
      const double* change = network_.read(shown_.data());
      double* preference = preference_.data() + first_of(step.state);
      for (std::int32_t a = 0; a < actions_; ++a) {
        const double direction = (a == step.action ? 1.0 : 0.0) - probability_[static_cast<std::size_t>(a)];
        if (preference[a] >= kLowestValue<double>)
          preference[a] = within(preference[a] + within(change[0]) * direction);
      }
      double* prediction = predictions_of(step.state);
      for (std::size_t k = 0; k < predictions_; ++k)
        prediction[k] = within(prediction[k] + within(change[1 + k]));
    }

    void show(const Step& step) {
      const std::size_t pair = first_of(step.state) + static_cast<std::size_t>(step.action);
      shown_[kOne] = 1.0;
      shown_[kReward] = within(step.reward);
      shown_[kTerminated] = step.terminated ? 1.0 : 0.0;
      shown_[kProbability] = probability_[static_cast<std::size_t>(step.action)];
      shown_[kPairNovelty] = novelty(taken_[pair]);
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
    const std::int32_t actions_;
    UpdateNetwork network_;
    std::vector<double> preference_;     // h [S][A], -infinity where an action is not available
    std::vector<std::int64_t> taken_;    // N(s, a)
    std::vector<std::int64_t> visited_;  // N(s)
    std::vector<double> prediction_;     // [S][predictions]
    std::vector<Step> path_;
    std::vector<double> probability_, shown_;  // scratch
  };
};

}  // namespace metarl_fast
