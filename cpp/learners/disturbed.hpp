// SPDX-License-Identifier: MIT
// A learner that is disturbed: in each task with another noise, of which it knows nothing.
#pragma once

#include <memory>
#include <vector>

#include "agent_learner.hpp"
#include "behaviour.hpp"

namespace metarl_fast {

class Disturbed final : public AgentLearner {
 public:
  // In a share `clean` of the tasks it does what it wants; in the others each action is, with a probability
  // of `most` times the square of a uniform number, any of those available.
  Disturbed(const Learner& of, double clean, double most) : of_(of), clean_(clean), most_(most) {
    require(clean >= 0.0 && clean <= 1.0, "clean", clean, "0 to 1");
    require(most >= 0.0 && most <= 1.0, "most", most, "0 to 1");
  }

  void check(const TaskBatch& batch, const Schedule& schedule) const override { of_.check(batch, schedule); }
  bool sees_reset() const override { return of_.sees_reset(); }
  std::int64_t num_weights() const override { return of_.num_weights(); }
  double agent_bytes(const Shape& shape, std::size_t real) const override {
    return of_.agent_bytes(shape, real) + sizeof(float) * static_cast<double>(shape.pairs());
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
    InTask(const Disturbed& learner, const Setting<Real>& of)
        : learner_(learner),
          agent_(learner.of_.agent(of)),
          actions_(static_cast<std::int32_t>(of.shape.actions)),
          available_(static_cast<std::size_t>(of.shape.pairs()), 0.0F) {
      if (!of.available) return;
      for (std::size_t pair = 0; pair < available_.size(); ++pair) {
        if (!of.available[pair]) available_[pair] = -std::numeric_limits<float>::infinity();
      }
    }

    void begin_episode(std::int64_t episode) override { agent_->begin_episode(episode); }
    void end_episode() override { agent_->end_episode(); }
    void observe(const Step& step, Stream& stream) override { agent_->observe(step, stream); }
    void policy(double* probability) const override { agent_->policy(probability); }
    void q_table(double* values) const override { agent_->q_table(values); }
    bool q_row(std::int32_t state, double* values) const override { return agent_->q_row(state, values); }

    std::int32_t act(std::int32_t state, Stream& stream) override {
      if (noise_ < 0.0) noise_ = draw_noise(stream);
      const std::int32_t wanted = agent_->act(state, stream);
      if (noise_ == 0.0 || unit(next(stream), 0.0) >= noise_) return wanted;
      const float* row = available_.data() + std::int64_t{state} * actions_;
      return uniform_available_action(row, actions_, stream.s[kCompanion]);
    }

   private:
    double draw_noise(Stream& stream) const {
      if (unit(next(stream), 0.0) < learner_.clean_) return 0.0;
      const double u = unit(next(stream), 0.0);
      return learner_.most_ * u * u;
    }

    const Disturbed& learner_;
    const std::unique_ptr<Agent> agent_;
    const std::int32_t actions_;
    std::vector<float> available_;  // [S][A]: 0, or -infinity where an action is not available
    double noise_ = -1.0;           // not drawn yet
  };

  const Learner& of_;
  const double clean_, most_;
};

}  // namespace metarl_fast
