// SPDX-License-Identifier: MIT
// Dyna-Q (Sutton 1990; Sutton and Barto, 2nd ed., section 8.2): Q-learning that also learns from what it
// remembers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
#include "rule.hpp"

namespace metarl_fast {

class DynaQ final : public AgentLearner {
 public:
  static constexpr const char* kName = "DynaQ";

  double learning_rate = 0.1;
  double discount = 0.95;
  double epsilon = 0.1;
  std::int64_t planning_steps = 5;  // n, of remembered steps after each step

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("learning_rate", learner.learning_rate, between(0, 1));
    visit("discount", learner.discount, between(0, 1));
    visit("epsilon", learner.epsilon, between(0, 1));
    visit("planning_steps", learner.planning_steps, between(0, 1 << 20));
  }

  void check(const TaskBatch&, const Schedule&) const override {}
  double agent_bytes(const Shape& shape, std::size_t) const override {
    return 40.0 * static_cast<double>(shape.pairs()) + 32.0 * static_cast<double>(shape.states);
  }
  std::unique_ptr<Agent> agent(const Setting<float>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }

 private:
  class InTask final : public Agent {
   public:
    template <class Real>
    InTask(const DynaQ& learner, const Setting<Real>& of)
        : learning_rate_(learner.learning_rate),
          discount_(learner.discount),
          planning_steps_(learner.planning_steps),
          last_exploring_(last_exploring(learner.epsilon)),
          actions_(static_cast<std::int32_t>(of.shape.actions)),
          q_(of.initial_table, of.initial_table + of.shape.pairs()),
          remembered_(q_.size()),
          taken_(static_cast<std::size_t>(of.shape.states)) {}

    std::int32_t act(std::int32_t state, Stream& stream) override {
      const std::uint32_t x = next(stream), y = stream.s[kCompanion];
      const double* row = q_.data() + first_of(state);
      return explores(x, last_exploring_) ? uniform_available_action(row, actions_, y)
                                          : greedy_action(row, actions_, y);
    }

    void observe(const Step& step, Stream& stream) override {
      learn(step.state, step.action, step.reward, step.next_state, step.terminated);
      remember(step);
      for (std::int64_t n = 0; n < planning_steps_; ++n) plan(stream);
    }

    void policy(double* probability) const override {
      std::fill_n(probability, q_.size(), 0.0);
      for (std::size_t first = 0; first < q_.size(); first += static_cast<std::size_t>(actions_)) {
        const auto row = q_.begin() + static_cast<std::ptrdiff_t>(first);
        probability[first + static_cast<std::size_t>(std::max_element(row, row + actions_) - row)] = 1.0;
      }
    }

    void q_table(double* values) const override { std::copy(q_.begin(), q_.end(), values); }
    bool q_row(std::int32_t state, double* values) const override {
      std::copy_n(q_.data() + first_of(state), actions_, values);
      return true;
    }

   private:
    // Where a pair led the last time: the model of a deterministic task.
    struct Memory {
      double reward = 0.0;
      std::int32_t next_state = -1;  // none yet
      bool terminated = false;
    };

    std::size_t first_of(std::int32_t state) const {
      return static_cast<std::size_t>(std::int64_t{state} * actions_);
    }

    // q(s, a) <- (1 - alpha) q(s, a) + alpha (r + discount max_a' q(s', a'))
    void learn(std::int32_t state, std::int32_t action, double reward, std::int32_t next_state,
               bool terminated) {
      const double* ahead = q_.data() + first_of(next_state);
      const double target =
          one_step_target(reward, discount_, *std::max_element(ahead, ahead + actions_), terminated);
      double& q = q_[first_of(state) + static_cast<std::size_t>(action)];
      q = bounded(towards(q, bounded(target), learning_rate_));
    }

    void remember(const Step& step) {
      Memory& memory = remembered_[first_of(step.state) + static_cast<std::size_t>(step.action)];
      if (memory.next_state < 0) {
        std::vector<std::int32_t>& taken = taken_[static_cast<std::size_t>(step.state)];
        if (taken.empty()) seen_.push_back(step.state);
        taken.push_back(step.action);
      }
      memory = {step.reward, step.next_state, step.terminated};
    }

    // A state that was seen, evenly, and of the actions taken there one, evenly.
    void plan(Stream& stream) {
      const std::uint32_t x = next(stream);
      const std::int32_t state = seen_[below(x, static_cast<std::uint32_t>(seen_.size()))];
      const std::vector<std::int32_t>& taken = taken_[static_cast<std::size_t>(state)];
      const std::int32_t action =
          taken[below(stream.s[kCompanion], static_cast<std::uint32_t>(taken.size()))];
      const Memory& memory = remembered_[first_of(state) + static_cast<std::size_t>(action)];
      learn(state, action, memory.reward, memory.next_state, memory.terminated);
    }

    const double learning_rate_, discount_;
    const std::int64_t planning_steps_;
    const std::int32_t last_exploring_;
    const std::int32_t actions_;
    std::vector<double> q_;
    std::vector<Memory> remembered_;                // [S][A]
    std::vector<std::vector<std::int32_t>> taken_;  // [S], in the order of the first time
    std::vector<std::int32_t> seen_;                // in the order of the first time
  };
};

}  // namespace metarl_fast
