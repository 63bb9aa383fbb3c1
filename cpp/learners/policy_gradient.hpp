// SPDX-License-Identifier: MIT
// Learners that climb the gradient of their return (Sutton and Barto, 2nd ed., chapter 13): a softmax policy
// over a table of preferences, and values of states beside it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../parameters.hpp"
#include "../rng.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
#include "rule.hpp"

namespace metarl_fast {

// What an agent of theirs begins with: preferences [S][A], -infinity for actions that are not available.
struct Preferences {
  std::int32_t actions;
  std::vector<double> table;
};

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
    return agent_from(preferences(of));
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return agent_from(preferences(of));
  }

 private:
  virtual std::unique_ptr<Agent> agent_from(Preferences) const = 0;

  template <class Real>
  static Preferences preferences(const Setting<Real>& of) {
    return {static_cast<std::int32_t>(of.shape.actions),
            {of.initial_table, of.initial_table + of.shape.pairs()}};
  }
};

// pi(a | s) = exp(h(s, a)) / sum_b exp(h(s, b)). Numbers are doubles, whatever the tables are.
class PolicyGradientAgent : public Agent {
 public:
  PolicyGradientAgent(const PolicyGradientLearner& learner, Preferences start)
      : learner_(learner),
        actions_(start.actions),
        preference_(std::move(start.table)),
        value_(preference_.size() / static_cast<std::size_t>(actions_), learner.initial_value),
        probability_(static_cast<std::size_t>(actions_)) {}

  std::int32_t act(std::int32_t state, Stream& stream) override {
    const std::uint32_t x = next(stream);
    return softmax_action(row(state), actions_, unit_53(x, stream.s[kCompanion]), 1.0);
  }

  void policy(double* probability) const override {
    for (std::size_t s = 0; s < value_.size(); ++s, probability += actions_) {
      write_policy(static_cast<std::int32_t>(s), probability);
    }
  }
  void q_table(double* values) const override { std::copy(preference_.begin(), preference_.end(), values); }
  bool q_row(std::int32_t state, double* values) const override {
    std::copy_n(row(state), actions_, values);
    return true;
  }

 protected:
  // Preferences, values and returns are held within what tables of floats hold.
  static double held(double x) {
    constexpr double kMost = static_cast<double>(kLargestValue<float>);
    return std::max(-kMost, std::min(x, kMost));
  }

  double& value(std::int32_t state) { return value_[static_cast<std::size_t>(state)]; }

  // pi(. | s), until the next call
  const double* policy_in(std::int32_t state) {
    write_policy(state, probability_.data());
    return probability_.data();
  }

  // h(s, b) <- h(s, b) + steps(b), of the actions that are available
  template <class Steps>
  void shift(std::int32_t state, const Steps& steps) {
    double* h = preference_.data() + std::int64_t{state} * actions_;
    for (std::int32_t b = 0; b < actions_; ++b) {
      if (h[b] >= kLowestValue<double>) h[b] = held(h[b] + steps(b));
    }
  }

  // theta <- theta + size grad ln pi(a | s), of which entry h(s, b) is 1{a = b} - pi(b | s)
  void reinforce(std::int32_t state, std::int32_t action, double size) {
    const double* pi = policy_in(state);
    shift(state, [&](std::int32_t b) { return size * ((b == action ? 1.0 : 0.0) - pi[b]); });
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
  const double* row(std::int32_t state) const { return preference_.data() + std::int64_t{state} * actions_; }

  void write_policy(std::int32_t state, double* probability) const {
    const double* h = row(state);
    const double largest = *std::max_element(h, h + actions_);
    double total = 0.0;
    for (std::int32_t a = 0; a < actions_; ++a) {
      total += probability[a] = softmax_weight(h[a], largest, 1.0);
    }
    for (std::int32_t a = 0; a < actions_; ++a) probability[a] /= total;
  }

  const PolicyGradientLearner& learner_;
  const std::int32_t actions_;
  std::vector<double> preference_;   // h [S][A]
  std::vector<double> value_;        // v [S]
  std::vector<double> probability_;  // [A]
};

}  // namespace metarl_fast
