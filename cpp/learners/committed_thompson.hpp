// SPDX-License-Identifier: MIT
// Posterior sampling (Thompson 1933; Strens, ICML 2000) over tasks that are known: act as is best in one
// drawn from the posterior, and stay with it until it is refuted.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
#include "rule.hpp"
#include "task_library.hpp"

namespace metarl_fast {

class CommittedThompson final : public AgentLearner {
 public:
  static constexpr const char* kName = "CommittedThompson";

  TaskLibrary library;
  double doubt = 0.5;  // a task is given up if its posterior falls to so much of what it was when drawn

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("doubt", learner.doubt, between(0, 1));
    visit("outcomes", learner.library.outcomes, between(0, 1 << 20));
    visit("weight", learner.library.weight, above(0));
    visit("probability", learner.library.probability, between(0, 1));
    visit("next_state", learner.library.next_state, at_least(0));
    visit("reward", learner.library.reward, finite());
    visit("termination", learner.library.termination, between(0, 1));
    visit("reward_noise", learner.library.reward_noise, at_least(0));
    visit("value", learner.library.value, finite());
  }

  void check(const TaskBatch& batch, const Schedule&) const override {
    if (library.size() != 0) library.check(batch.shape());
  }

  double agent_bytes(const Shape& shape, std::size_t) const override {
    return 9.0 * static_cast<double>(shape.pairs()) + 8.0 * static_cast<double>(library.size());
  }

  std::unique_ptr<Agent> agent(const Setting<float>& of) const override { return agent_of(of); }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override { return agent_of(of); }

 private:
  template <class Real>
  std::unique_ptr<Agent> agent_of(const Setting<Real>& of) const {
    return std::make_unique<InTask>(*this, of);
  }

  class InTask final : public Agent {
   public:
    template <class Real>
    InTask(const CommittedThompson& learner, const Setting<Real>& of)
        : learner_(learner),
          library_(learner.library),
          states_(static_cast<std::int32_t>(of.shape.states)),
          actions_(static_cast<std::int32_t>(of.shape.actions)),
          posterior_(library_.weight),
          row_(static_cast<std::size_t>(actions_)) {
      if (of.available) available_.assign(of.available, of.available + of.shape.pairs());
    }

    std::int32_t act(std::int32_t state, Stream& stream) override {
      if (drawn_ == kNone) draw(stream);
      next(stream);
      q_row(state, row_.data());
      return greedy_action(row_.data(), actions_, stream.s[kCompanion]);
    }

    // w(l) <- w(l) P_l(step) / sum. Where no task explains a step all begin anew: as they were at first.
    void observe(const Step& step, Stream& stream) override {
      if (posterior_.empty()) return;
      const auto pair = static_cast<std::size_t>(std::int64_t{step.state} * actions_ + step.action);
      double total = 0.0;
      for (std::size_t l = 0; l < posterior_.size(); ++l) {
        if (posterior_[l] == 0.0) continue;
        posterior_[l] *= library_.likelihood(l, pair, step);
        total += posterior_[l];
      }
      if (total > 0.0) {
        for (double& weight : posterior_) weight /= total;
      } else {
        posterior_ = library_.weight;
        drawn_ = kNone;
      }
      if (drawn_ == kNone || posterior_[drawn_] <= learner_.doubt * when_drawn_) draw(stream);
    }

    void policy(double* probability) const override {
      for (std::int32_t s = 0; s < states_; ++s, probability += actions_) {
        q_row(s, probability);
        const auto best = std::max_element(probability, probability + actions_) - probability;
        std::fill(probability, probability + actions_, 0.0);
        probability[best] = 1.0;
      }
    }

    void q_table(double* values) const override {
      for (std::int32_t s = 0; s < states_; ++s, values += actions_) q_row(s, values);
    }

    // q* of the task that was drawn; before that, its mean over all of them.
    bool q_row(std::int32_t state, double* values) const override {
      const auto actions = static_cast<std::size_t>(actions_);
      const std::size_t first = static_cast<std::size_t>(state) * actions;
      const std::size_t pairs = static_cast<std::size_t>(states_) * actions;
      for (std::size_t a = 0; a < actions; ++a) {
        const double* q = library_.value.data() + first + a;
        double value = 0.0;
        if (drawn_ != kNone) {
          value = q[drawn_ * pairs];
        } else {
          for (std::size_t l = 0; l < posterior_.size(); ++l) value += posterior_[l] * q[l * pairs];
        }
        const bool there = available_.empty() || available_[first + a] != 0;
        values[a] = there ? value : -std::numeric_limits<double>::infinity();
      }
      return true;
    }

   private:
    static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

    void draw(Stream& stream) {
      if (posterior_.empty()) return;
      const std::uint32_t x = next(stream);
      double left = unit_53(x, stream.s[kCompanion]);
      for (std::size_t l = 0; l < posterior_.size(); ++l) {
        if (posterior_[l] == 0.0) continue;
        drawn_ = l;  // the last one, if rounding leaves something
        if (left < posterior_[l]) break;
        left -= posterior_[l];
      }
      when_drawn_ = posterior_[drawn_];
    }

    const CommittedThompson& learner_;
    const TaskLibrary& library_;
    const std::int32_t states_, actions_;
    std::vector<std::uint8_t> available_;  // [S][A]; empty: all are
    std::vector<double> posterior_;        // w [L]
    std::size_t drawn_ = kNone;
    double when_drawn_ = 0.0;  // its posterior then
    std::vector<double> row_;
  };
};

}  // namespace metarl_fast
