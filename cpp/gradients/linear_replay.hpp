// SPDX-License-Identifier: MIT
// Q-learning on features of states, made again from recorded steps, and the way back through its updates.
//
// The updates are the learner's own; what goes back needs no values, but for each step which action looked
// best ahead: with x the features of s, x' those of s' and a' that action,
//
//   theta(., a) <- theta(., a) + rate (r + discount x' theta(., a') - x theta(., a)) x / |x|^2
//
// so that the adjoint of one update touches the weights of these two rows alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "../interrupt.hpp"
#include "../learners/agent.hpp"
#include "../learners/features.hpp"
#include "../learners/td_settings.hpp"
#include "look_ahead.hpp"
#include "recorded_steps.hpp"

namespace metarl_fast {

class LinearReplay {
 public:
  LinearReplay(const Features& features, const TdSettings& settings, std::int64_t actions)
      : features_(features),
        settings_(settings),
        actions_(static_cast<std::int32_t>(actions)),
        row_(size(actions)),
        here_(features),
        there_(features) {}

  // Has the agent learn from all steps, and keeps what it looked at.
  void run(const RecordedSteps& steps, Agent& agent, const Interrupt& interrupt) {
    ahead_.resize(size(steps.length()));
    Stream unused{};
    bool begun = false;
    std::int64_t episode = 0;
    for (std::int64_t k = 0; k < steps.length(); ++k) {
      if (k % kStepsBetweenLooks == 0) stop_if_asked(interrupt);
      if (!begun) agent.begin_episode(episode++);
      ahead_[size(k)] = best_in(agent, steps.next_state(k));
      agent.observe({steps.state(k), steps.action(k), steps.reward(k), steps.next_state(k),
                     steps.terminated(k), steps.truncated(k)},
                    unused);
      begun = !steps.terminated(k) && !steps.truncated(k);
      if (!begun) agent.end_episode();
    }
  }

  // Takes the adjoint [F][A] of the weights after all steps back to before them.
  void go_back(const RecordedSteps& steps, double* adjoint, const Interrupt& interrupt) {
    for (std::int64_t k = steps.length() - 1; k >= 0; --k) {
      if (k % kStepsBetweenLooks == 0) stop_if_asked(interrupt);
      here_.look_up(steps.state(k));
      const double moved =
          settings_.learning_rate * here_.times(adjoint + steps.action(k), actions_) / here_.squares();
      here_.add(-moved, adjoint + steps.action(k), actions_);
      if (steps.terminated(k)) continue;
      there_.look_up(steps.next_state(k));
      there_.add(settings_.discount * moved, adjoint + ahead_[size(k)], actions_);
    }
  }

  // Half the mean of the squared errors of all steps, by the weights as they stand; adds to `slope` [F][A]
  // how it moves with them: targets move too.
  double squared_errors(const RecordedSteps& steps, const Agent& agent, double* slope,
                        const Interrupt& interrupt) {
    const double share = steps.length() > 0 ? 1.0 / static_cast<double>(steps.length()) : 0.0;
    double sum = 0.0;
    for (std::int64_t k = 0; k < steps.length(); ++k) {
      if (k % kStepsBetweenLooks == 0) stop_if_asked(interrupt);
      const std::int32_t best = best_in(agent, steps.next_state(k));
      const double ahead = steps.terminated(k) ? 0.0 : settings_.discount * row_[size(best)];
      agent.q_row(steps.state(k), row_.data());
      const double error = steps.reward(k) + ahead - row_[size(steps.action(k))];
      sum += 0.5 * share * error * error;
      here_.look_up(steps.state(k));
      here_.add(-(share * error), slope + steps.action(k), actions_);
      if (steps.terminated(k)) continue;
      there_.look_up(steps.next_state(k));
      there_.add(settings_.discount * (share * error), slope + best, actions_);
    }
    return sum;
  }

 private:
  static constexpr std::int64_t kStepsBetweenLooks = 4096;

  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

  // Features of one state.
  class Row {
   public:
    explicit Row(const Features& features)
        : features_(features), which_(size(features.active())), value_(which_.size()) {}
    void look_up(std::int64_t state) { features_.of(state, which_.data(), value_.data()); }
    double squares() const {
      double sum = 0.0;
      for (const double x : value_) sum += x * x;
      return sum;
    }
    double times(const double* weights, std::int64_t stride) const {
      double sum = 0.0;
      for (std::size_t k = 0; k < which_.size(); ++k) sum += value_[k] * weights[which_[k] * stride];
      return sum;
    }
    void add(double amount, double* weights, std::int64_t stride) const {
      for (std::size_t k = 0; k < which_.size(); ++k) weights[which_[k] * stride] += amount * value_[k];
    }

   private:
    const Features& features_;
    std::vector<std::int32_t> which_;
    std::vector<double> value_;
  };

  std::int32_t best_in(const Agent& agent, std::int64_t state) {
    agent.q_row(static_cast<std::int32_t>(state), row_.data());
    return first_of_largest(row_.data(), actions_);
  }

  const Features& features_;
  const TdSettings& settings_;
  const std::int32_t actions_;
  std::vector<double> row_;
  Row here_, there_;
  std::vector<std::int32_t> ahead_;  // of each step
};

}  // namespace metarl_fast
