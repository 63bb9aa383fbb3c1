// SPDX-License-Identifier: MIT
// Q-learning (Watkins 1989; Sutton and Barto, section 6.5) in which pairs (s, a) that behave alike share one
// entry, and each episode is gone through again, backwards, when it ends (Lin, Machine Learning 8, 1992).
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
#include "rule.hpp"

namespace metarl_fast {

class TiedQLearning final : public AgentLearner {
 public:
  static constexpr const char* kName = "TiedQLearning";

  std::vector<std::int32_t> classes;  // c(s, a) [S][A], below S A; empty: each pair is one of its own
  double learning_rate = 0.5;         // alpha
  double discount = 0.95;
  double epsilon = 0.0;
  double epsilon_decay = 1.0;    // by which epsilon is multiplied after each episode
  std::int64_t num_replays = 0;  // of each episode, backwards

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("classes", learner.classes, between(0, kLargestDouble));
    visit("learning_rate", learner.learning_rate, between(0, 1));
    visit("discount", learner.discount, between(0, 1));
    visit("epsilon", learner.epsilon, between(0, 1));
    visit("epsilon_decay", learner.epsilon_decay, between(0, 1));
    visit("num_replays", learner.num_replays, between(0, 1 << 20));
  }

  void check(const TaskBatch& batch, const Schedule&) const override {
    if (classes.empty()) return;
    const std::int64_t pairs = batch.shape().pairs();
    require(static_cast<std::int64_t>(classes.size()) == pairs, "the number of classes",
            static_cast<double>(classes.size()), "one for each pair of state and action");
    for (const std::int32_t c : classes) require(c < pairs, "a class", c, "fewer than pairs");
  }

  double agent_bytes(const Shape& shape, std::size_t) const override {
    return 16.0 * static_cast<double>(shape.pairs()) + sizeof(Step) * static_cast<double>(kMostReplayed);
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override { return agent_of(of); }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override { return agent_of(of); }

 private:
  static constexpr std::size_t kMostReplayed = 4096;  // steps; of longer episodes the last ones

  template <class Real>
  std::unique_ptr<Agent> agent_of(const Setting<Real>& of) const {
    return std::make_unique<InTask>(*this, of);
  }

  class InTask final : public Agent {
   public:
    template <class Real>
    InTask(const TiedQLearning& learner, const Setting<Real>& of)
        : learner_(learner),
          actions_(static_cast<std::int32_t>(of.shape.actions)),
          entry_(static_cast<std::size_t>(of.shape.pairs())),
          q_(entry_.size() + 1, -std::numeric_limits<double>::infinity()),
          row_(static_cast<std::size_t>(actions_)) {
      for (std::size_t pair = entry_.size(); pair-- > 0;) {
        const bool there = !of.available || of.available[pair];
        const auto own = learner.classes.empty() ? pair : static_cast<std::size_t>(learner.classes[pair]);
        entry_[pair] = there ? own : entry_.size();  // the last entry is of actions that are not available
        if (there) q_[own] = of.initial_table ? static_cast<double>(of.initial_table[pair]) : 0.0;
      }
    }

    void begin_episode(std::int64_t episode) override {
      epsilon_ = episode == 0 ? learner_.epsilon : epsilon_ * learner_.epsilon_decay;
    }

    std::int32_t act(std::int32_t state, Stream& stream) override {
      const std::uint32_t x = next(stream);
      q_row(state, row_.data());
      if (explores(x, last_exploring(epsilon_))) {
        return uniform_available_action(row_.data(), actions_, stream.s[kCompanion]);
      }
      return greedy_action(row_.data(), actions_, stream.s[kCompanion]);
    }

    void observe(const Step& step, Stream&) override {
      learn(step);
      if (learner_.num_replays == 0) return;
      if (path_.size() < kMostReplayed) {
        path_.push_back(step);
      } else {
        path_[length_ % kMostReplayed] = step;
      }
      ++length_;
    }

    void end_episode() override {
      for (std::int64_t replay = 0; replay < learner_.num_replays; ++replay) {
        for (std::size_t back = 1; back <= path_.size(); ++back)
          learn(path_[(length_ - back) % kMostReplayed]);
      }
      path_.clear();
      length_ = 0;
    }

    void policy(double* probability) const override {
      std::vector<double> row(static_cast<std::size_t>(actions_));
      for (std::size_t first = 0; first < entry_.size(); first += row.size()) {
        q_row(static_cast<std::int32_t>(first / row.size()), row.data());
        const auto best = std::max_element(row.begin(), row.end()) - row.begin();
        std::fill_n(probability + first, row.size(), 0.0);
        probability[first + static_cast<std::size_t>(best)] = 1.0;
      }
    }

    void q_table(double* values) const override {
      for (const std::size_t entry : entry_) *values++ = q_[entry];
    }

    bool q_row(std::int32_t state, double* values) const override {
      const std::size_t* entry = entry_.data() + std::int64_t{state} * actions_;
      for (std::int32_t a = 0; a < actions_; ++a) values[a] = q_[entry[a]];
      return true;
    }

   private:
    // Q(c) <- Q(c) + alpha (r + discount max_a Q(c(s', a)) - Q(c)); a terminal state is worth 0
    void learn(const Step& step) {
      const std::size_t entry =
          entry_[static_cast<std::size_t>(std::int64_t{step.state} * actions_ + step.action)];
      if (entry == entry_.size()) return;
      const double ahead = step.terminated ? 0.0 : learner_.discount * best(step.next_state);
      q_[entry] = bounded(q_[entry] + learner_.learning_rate * (step.reward + ahead - q_[entry]));
    }

    double best(std::int32_t state) const {
      const std::size_t* entry = entry_.data() + std::int64_t{state} * actions_;
      double largest = q_[entry[0]];
      for (std::int32_t a = 1; a < actions_; ++a) largest = std::max(largest, q_[entry[a]]);
      return largest;
    }

    const TiedQLearning& learner_;
    const std::int32_t actions_;
    std::vector<std::size_t> entry_;  // of Q, by pair
    std::vector<double> q_, row_;
    double epsilon_ = 0.0;
    std::vector<Step> path_;  // of this episode, as a ring
    std::size_t length_ = 0;  // of the path, with the steps that are no longer in it
  };
};

}  // namespace metarl_fast
