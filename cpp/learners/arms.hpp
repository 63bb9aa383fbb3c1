// SPDX-License-Identifier: MIT
// What agents of bandits share: a task of one state, whose actions are arms; how often each was pulled, and
// what it gave.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "agent_learner.hpp"

namespace metarl_fast {

// What an arm has given so far.
struct Arm {
  double pulls = 0.0;
  double sum = 0.0;

  double mean() const { return pulls > 0.0 ? sum / pulls : 0.0; }
};

// An agent of a bandit says what it finds an arm worth now, and what it thinks it gives on the whole.
class BanditAgent : public Agent {
 public:
  template <class Real>
  explicit BanditAgent(const Setting<Real>& of) {
    for (std::int64_t a = 0; a < of.shape.actions; ++a) {
      if (of.available == nullptr || of.available[a]) there_.push_back(static_cast<std::int32_t>(a));
    }
    arms_.resize(static_cast<std::size_t>(of.shape.actions));
  }

  // The first arm of the largest index.
  std::int32_t act(std::int32_t, Stream& stream) override {
    begin_choice();
    std::int32_t best = there_.front();
    double largest = -std::numeric_limits<double>::infinity();
    for (const std::int32_t a : there_) {
      const double value = index(arm(a), stream);
      best = value > largest ? a : best;
      largest = value > largest ? value : largest;
    }
    return best;
  }

  void observe(const Step& step, Stream&) override {
    check_reward(step.reward);
    Arm& pulled = arms_[static_cast<std::size_t>(step.action)];
    pulled.pulls += 1.0;
    pulled.sum += step.reward;
  }

  void policy(double* probability) const override {
    std::vector<double> worth(arms_.size());
    q_table(worth.data());
    std::fill_n(probability, arms_.size(), 0.0);
    probability[std::max_element(worth.begin(), worth.end()) - worth.begin()] = 1.0;
  }

  void q_table(double* values) const override {
    std::fill_n(values, arms_.size(), -std::numeric_limits<double>::infinity());
    for (const std::int32_t a : there_) values[a] = expected(arm(a));
  }

 protected:
  const std::vector<std::int32_t>& there() const { return there_; }
  const Arm& arm(std::int32_t a) const { return arms_[static_cast<std::size_t>(a)]; }

 private:
  virtual void begin_choice() {}
  virtual double index(const Arm& arm, Stream& stream) const = 0;
  virtual double expected(const Arm& arm) const { return arm.mean(); }
  virtual void check_reward(double reward) const { static_cast<void>(reward); }

  std::vector<std::int32_t> there_;  // the arms that are available
  std::vector<Arm> arms_;
};

// A learner of bandits refuses tasks of more than one state.
class BanditLearner : public AgentLearner {
 public:
  void check(const TaskBatch& batch, const Schedule&) const override {
    require(batch.shape().states == 1, "num_states", static_cast<double>(batch.shape().states),
            "1: this learner is for bandits, tasks of one state whose actions are the arms");
  }
  double agent_bytes(const Shape& shape, std::size_t) const override {
    return static_cast<double>(shape.actions) * static_cast<double>(sizeof(Arm) + sizeof(std::int32_t));
  }
};

}  // namespace metarl_fast
