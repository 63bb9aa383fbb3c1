// SPDX-License-Identifier: MIT
// One task that answers: where episodes begin, and what an action leads to. The draws are the kernel's,
// number for number (kernel/respond.hpp), so that the same stream gives the same bits; Real is the type of
// the numbers that the learner works in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "elementary.hpp"
#include "mdp.hpp"
#include "rng.hpp"
#include "sampling.hpp"
#include "task_formula.hpp"
#include "uniform_law.hpp"

namespace metarl_fast {

struct Answer {
  double reward;  // a Real
  std::int32_t next_state;
  bool terminated;
};

template <class Real>
class Simulator {
 public:
  explicit Simulator(const TaskBatch& batch)
      : batch_(batch),
        by_rejection_(batch.shape().sampling == Sampling::rejection),
        weights_are_drawn_(by_rejection_ && batch.uniform_law().has_value()),
        by_formula_(batch.has_formula()) {
    if (by_formula_) {
      row_.resize(static_cast<std::size_t>(batch.shape().outcomes));
    } else {
      buffer_.emplace(batch.shape(), !weights_are_drawn_);
    }
  }
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  // What one takes.
  static double bytes(const TaskBatch& batch) {
    if (batch.has_formula()) {
      return static_cast<double>(sizeof(Outcome)) * static_cast<double>(batch.shape().outcomes);
    }
    const bool rows = batch.shape().sampling == Sampling::inverse || !batch.uniform_law();
    return TaskBuffer::bytes(batch.shape(), rows);
  }

  // Puts the batch's index'th task in place, as it is in a segment of its time. Throws Interrupted if asked
  // to stop on the way.
  void load(std::int64_t index, const Interrupt& interrupt = {}, std::int64_t segment = 0) {
    if (by_formula_) {
      formula_ = batch_.formula(index);
      task_.reward_noise = shape().reward_noise;
      return;
    }
    task_ = batch_.load(index, *buffer_, interrupt, segment);
    if (!weights_are_drawn_) return;
    weight_key_ = make_index_key(batch_.uniform_law()->key, batch_.ids()[index], Purpose::transitions);
  }

  const Shape& shape() const { return batch_.shape(); }
  // Arrays that are null if it is a task by formula, but for its noise.
  const TaskView& task() const { return task_; }
  const TaskFormula* formula() const { return formula_.get(); }

  // Whether the episode ends on entering the state, or before it begins there.
  bool terminal(std::int32_t state) const {
    return formula_ ? formula_->terminal(state) : task_.terminal[state] != 0;
  }

  // A start state; an episode that starts in a terminal one has no steps.
  std::int32_t reset(Stream& stream) const {
    if (formula_) {
      next(stream);  // which of the starts: there is one
      return static_cast<std::int32_t>(formula_->start());
    }
    return static_cast<std::int32_t>(sample_row(task_.start, shape().states, unit(next(stream), Real{})));
  }

  // What taking the action in the state leads to.
  Answer step(std::int32_t state, std::int32_t action, Stream& stream) const {
    const std::int64_t pair = state * shape().actions + action;
    if (formula_) return ask_formula(state, action, stream);
    Answer answer = shape().dense ? enter(draw_next_state(pair, stream), pair) : draw_outcome(pair, stream);
    answer.reward = static_cast<double>(with_noise(answer.reward, stream));
    return answer;
  }

 private:
  Answer enter(std::int32_t next_state, std::int64_t pair) const {
    return {task_.reward[pair], next_state, terminal(next_state)};
  }

  std::int32_t draw_next_state(std::int64_t pair, Stream& stream) const {
    if (weights_are_drawn_) {
      return sample_by_rejection(shape().states, stream, [&](std::uint32_t k) {
        const UniformWeights two = uniform_weights(weight_key_, pair, k & ~1u);
        return k & 1u ? two.odd : two.even;
      });
    }
    const double* row = task_.probability + pair * shape().states;
    if (by_rejection_) {
      return sample_by_rejection(shape().states, stream,
                                 [&](std::uint32_t k) { return row[k] / task_.scale[pair] + 0.5; });
    }
    return static_cast<std::int32_t>(sample_row(row, shape().states, unit(next(stream), Real{})));
  }

  Answer draw_outcome(std::int64_t pair, Stream& stream) const {
    const std::int64_t first = pair * shape().outcomes;
    const std::int64_t k =
        first + sample_row(task_.probability + first, shape().outcomes, unit(next(stream), Real{}));
    return {task_.reward[k], task_.next_state[k], task_.terminated[k] != 0};
  }

  Answer ask_formula(std::int32_t state, std::int32_t action, Stream& stream) const {
    formula_->outcomes(state, action, row_.data());
    const auto probability = [this](std::int64_t k) { return row_[static_cast<std::size_t>(k)].probability; };
    const std::int64_t chosen = sample_from(probability, shape().outcomes, unit(next(stream), Real{}));
    const Outcome& outcome = row_[static_cast<std::size_t>(chosen)];
    return {static_cast<double>(with_noise(outcome.reward, stream)), outcome.next_state, outcome.terminated};
  }

  // A task without noise draws no number for it. Adding 0 makes -0 the usual 0.
  Real with_noise(double reward, Stream& stream) const {
    const Real expected = static_cast<Real>(reward) + Real{0};
    if (task_.reward_noise == 0.0) return expected;
    const double noise = normal_quantile_32(open_unit(next(stream)));
    return expected + static_cast<Real>(task_.reward_noise) * static_cast<Real>(noise);
  }

  const TaskBatch& batch_;
  const bool by_rejection_;
  const bool weights_are_drawn_;  // when they are looked at, and never written out
  const bool by_formula_;
  std::optional<TaskBuffer> buffer_;  // what is written out
  TaskView task_;
  std::unique_ptr<TaskFormula> formula_;  // what is not
  mutable std::vector<Outcome> row_;      // [K], of the pair that the formula was asked for last
  IndexKey weight_key_{};
};

}  // namespace metarl_fast
