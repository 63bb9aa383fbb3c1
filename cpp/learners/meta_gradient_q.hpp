// SPDX-License-Identifier: MIT
// Watkins's Q(lambda) that moves its own learning rate, discount and trace decay down the error of its next
// step: online meta-gradients (Xu, van Hasselt and Silver, "Meta-gradient reinforcement learning", NeurIPS
// 2018; for a learning rate alone Sutton 1992 and Schraudolph 1999).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../elementary.hpp"
#include "../parameters.hpp"
#include "agent_learner.hpp"
#include "behaviour.hpp"
#include "rule.hpp"

namespace metarl_fast {

class MetaGradientQ final : public AgentLearner {
 public:
  static constexpr const char* kName = "MetaGradientQ";

  double learning_rate = 0.1;  // alpha, gamma and lambda at the start
  double discount = 0.95;
  double trace_decay = 0.9;
  double epsilon = 0.1;
  double meta_step_size = 0.01;  // beta
  bool adapts_learning_rate = true, adapts_discount = true, adapts_trace_decay = true;

  template <class Self, class Visitor>
  static void parameters(Self& learner, const Visitor& visit) {
    visit("learning_rate", learner.learning_rate, between(0, 1));
    visit("discount", learner.discount, between(0, 1));
    visit("trace_decay", learner.trace_decay, between(0, 1));
    visit("epsilon", learner.epsilon, between(0, 1));
    visit("meta_step_size", learner.meta_step_size, between(0, 1));
    visit("adapts_learning_rate", learner.adapts_learning_rate, between(0, 1));
    visit("adapts_discount", learner.adapts_discount, between(0, 1));
    visit("adapts_trace_decay", learner.adapts_trace_decay, between(0, 1));
  }

  void check(const TaskBatch&, const Schedule&) const override {}
  double agent_bytes(const Shape& shape, std::size_t) const override {
    return (32.0 + sizeof(Trace)) * static_cast<double>(shape.pairs());
  }
  std::unique_ptr<Agent> agent(const Setting<float>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }
  std::unique_ptr<Agent> agent(const Setting<double>& of) const override {
    return std::make_unique<InTask>(*this, of);
  }

 private:
  enum Which : std::size_t { kRate, kDiscount, kDecay, kScalars };

  // e of a pair, and how it moves with each scalar
  struct Trace {
    std::int32_t cell;
    double e;
    double slope[kScalars];
  };

  // A number between 0 and 1 that moves by its logit; of 0 and of 1, and of one that is not to move, the
  // slope is 0.
  class Scalar {
   public:
    Scalar(double start, bool moves) : value_(start), moves_(moves && start > 0.0 && start < 1.0) {
      if (moves_) logit_ = portable_log(value_ / (1.0 - value_));
    }
    double value() const { return value_; }

    // Steps of one size, whatever the unit of rewards: up the gradient over the root of its mean square, that
    // of the last thousand or so.
    void climb(double gradient, double size) {
      if (!moves_) return;
      gradient *= value_ * (1.0 - value_);
      if (count_ < 1000.0) count_ += 1.0;
      square_ += (gradient * gradient - square_) / count_;
      if (!(square_ > 0.0)) return;
      logit_ += size * gradient / square_root(square_);
      logit_ = std::min(std::max(logit_, -kMost), kMost);
      value_ = 1.0 / (1.0 + portable_exp(-logit_));
    }

   private:
    static constexpr double kMost = 16.0;
    double value_, logit_ = 0.0, square_ = 0.0, count_ = 0.0;
    bool moves_;
  };

  class InTask final : public Agent {
   public:
    template <class Real>
    InTask(const MetaGradientQ& learner, const Setting<Real>& of)
        : judged_by_(learner.discount),
          meta_step_size_(learner.meta_step_size),
          last_exploring_(last_exploring(learner.epsilon)),
          actions_(static_cast<std::int32_t>(of.shape.actions)),
          scalar_{Scalar(learner.learning_rate, learner.adapts_learning_rate),
                  Scalar(learner.discount, learner.adapts_discount),
                  Scalar(learner.trace_decay, learner.adapts_trace_decay)},
          q_(of.initial_table, of.initial_table + of.shape.pairs()) {
      for (std::vector<double>& slope : slope_) slope.resize(q_.size());
    }

    std::int32_t act(std::int32_t state, Stream& stream) override {
      const std::uint32_t x = next(stream), y = stream.s[kCompanion];
      const double* row = q_.data() + cell(state, 0);
      return explores(x, last_exploring_) ? uniform_available_action(row, actions_, y)
                                          : greedy_action(row, actions_, y);
    }

    void observe(const Step& step, Stream&) override {
      adapt(step);
      learn(step);
    }

    void end_episode() override { traces_.clear(); }

    void policy(double* probability) const override {
      std::fill_n(probability, q_.size(), 0.0);
      for (std::size_t first = 0; first < q_.size(); first += static_cast<std::size_t>(actions_)) {
        probability[best_from(first)] = 1.0;
      }
    }

    void q_table(double* values) const override { std::copy(q_.begin(), q_.end(), values); }
    bool q_row(std::int32_t state, double* values) const override {
      std::copy_n(q_.data() + cell(state, 0), actions_, values);
      return true;
    }

   private:
    static double held(double value) {
      constexpr double kMost = static_cast<double>(kLargestValue<float>);
      return std::min(std::max(value, -kMost), kMost);
    }
    std::size_t cell(std::int32_t state, std::int32_t action) const {
      return static_cast<std::size_t>(std::int64_t{state} * actions_ + action);
    }
    std::size_t best_from(std::size_t first) const {
      const auto row = q_.begin() + static_cast<std::ptrdiff_t>(first);
      return first + static_cast<std::size_t>(std::max_element(row, row + actions_) - row);
    }

    // r + discount max_a q(s', a) - q(s, a)
    double error(const Step& step, double discount) const {
      const double ahead = step.terminated ? 0.0 : q_[best_from(cell(step.next_state, 0))];
      return held(step.reward + discount * ahead - q_[cell(step.state, step.action)]);
    }

    // The scalars go down half the squared error of this step, of which the value of the pair is what they
    // had a part in; the target is judged by the discount that was given, and stays.
    void adapt(const Step& step) {
      const double fresh = error(step, judged_by_);
      const std::size_t taken = cell(step.state, step.action);
      for (std::size_t k = 0; k < kScalars; ++k) scalar_[k].climb(fresh * slope_[k][taken], meta_step_size_);
    }

    // q(s, a) += alpha delta e(s, a), and what of it moves with each scalar:
    // z += d(alpha) delta e + alpha (d(delta) e + delta d(e))
    void learn(const Step& step) {
      const double rate = scalar_[kRate].value(), discount = scalar_[kDiscount].value();
      const std::size_t taken = cell(step.state, step.action);
      const std::size_t ahead = best_from(cell(step.next_state, 0));
      const double delta = error(step, discount);
      double of_delta[kScalars];
      for (std::size_t k = 0; k < kScalars; ++k) {
        of_delta[k] = (step.terminated ? 0.0 : discount * slope_[k][ahead]) - slope_[k][taken];
      }
      if (!step.terminated) of_delta[kDiscount] += q_[ahead];
      renew_traces(step, taken);
      for (const Trace& trace : traces_) {
        const auto at = static_cast<std::size_t>(trace.cell);
        q_[at] = held(q_[at] + rate * delta * trace.e);
        for (std::size_t k = 0; k < kScalars; ++k) {
          const double direct = k == kRate ? delta * trace.e : 0.0;
          const double change = direct + rate * (of_delta[k] * trace.e + delta * trace.slope[k]);
          slope_[k][at] = held(slope_[k][at] + change);
        }
      }
    }

    // e fades by gamma lambda, all that is before an action that is not greedy ends, and the pair's own is 1
    void renew_traces(const Step& step, std::size_t taken) {
      const double discount = scalar_[kDiscount].value(), decay = scalar_[kDecay].value();
      if (q_[taken] < q_[best_from(cell(step.state, 0))]) traces_.clear();
      const double fading = discount * decay;
      const auto row = static_cast<std::int32_t>(cell(step.state, 0));
      std::size_t kept = 0;
      for (Trace trace : traces_) {
        for (double& slope : trace.slope) slope *= fading;
        trace.slope[kDiscount] += decay * trace.e;
        trace.slope[kDecay] += discount * trace.e;
        trace.e *= fading;
        const bool gives_way = trace.cell >= row && trace.cell < row + actions_;
        if (trace.e >= kSmallestTrace && !gives_way) traces_[kept++] = trace;
      }
      traces_.resize(kept);
      traces_.push_back({static_cast<std::int32_t>(taken), 1.0, {}});
    }

    const double judged_by_, meta_step_size_;
    const std::int32_t last_exploring_;
    const std::int32_t actions_;
    std::array<Scalar, kScalars> scalar_;
    std::vector<double> q_;
    std::array<std::vector<double>, kScalars> slope_;  // z [S][A] of each
    std::vector<Trace> traces_;                        // of this episode
  };
};

}  // namespace metarl_fast
