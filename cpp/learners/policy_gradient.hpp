// SPDX-License-Identifier: MIT
// Learners that climb the gradient of their return (Sutton and Barto, 2nd ed., chapter 13): a softmax policy
// over a table of preferences, and values of states beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "rule.hpp"
#include "softmax_agent.hpp"

namespace metarl_fast {

class PolicyGradientLearner : public AgentLearner {
 public:
  static constexpr Range kRates = between(0, static_cast<double>(kLargestValue<float>));

  double learning_rate = 0.1;        // of the preferences
  double value_learning_rate = 0.1;  // of the values
  double discount = 0.95;
  double initial_value = 0.0;  // of every state

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("learning_rate", learner.learning_rate, kRates);
    visit("value_learning_rate", learner.value_learning_rate, kRates);
    visit("discount", learner.discount, between(0, 1));
    visit("initial_value", learner.initial_value, between(-kRates.high, kRates.high));
  }

  void check(const TaskBatch&, const Schedule&) const override {}
  double agent_bytes(const Shape& shape, std::size_t) const override {
    return 8.0 * static_cast<double>(shape.pairs() + shape.states + 2 * shape.actions);
  }
  std::unique_ptr<Agent> agent(const Setting<float>& of) const override {
    return agent_from(preferences_of(of));
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return agent_from(preferences_of(of));
  }

 private:
  virtual std::unique_ptr<Agent> agent_from(Preferences) const = 0;
};

// Preferences, values and returns are held within what tables of floats hold, numbers being doubles whatever
// the tables are.
class PolicyGradientAgent : public SoftmaxAgent {
 public:
  PolicyGradientAgent(const PolicyGradientLearner& learner, Preferences start)
      : SoftmaxAgent(std::move(start), static_cast<double>(kLargestValue<float>)),
        learner_(learner),
        value_(num_states(), learner.initial_value) {}

 protected:
  double& value(std::int32_t state) { return value_[static_cast<std::size_t>(state)]; }

  // theta <- theta + size grad ln pi(a | s)
  void reinforce(std::int32_t state, std::int32_t action, double size) {
    climb(state, action, policy_in(state), size);
  }

  // delta = r + discount v(s') - v(s), by which v(s) moves
  double learn_value(const Step& step) {
    const double ahead = step.terminated ? 0.0 : learner_.discount * value(step.next_state);
    return move_value(step.state, held(step.reward + ahead));
  }

  // target - v(s), by which v(s) moves
  double move_value(std::int32_t state, double target) {
    double& v = value(state);
    const double delta = held(target - v);
    v = held(v + learner_.value_learning_rate * delta);
    return delta;
  }

 private:
  const PolicyGradientLearner& learner_;
  std::vector<double> value_;  // v [S]
};

}  // namespace metarl_fast
