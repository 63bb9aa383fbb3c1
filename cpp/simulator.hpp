// SPDX-License-Identifier: MIT
// One task that answers: where episodes begin, and what an action leads to. The draws are the kernel's,
// number for number (kernel/respond.hpp), so that the same stream gives the same bits; Real is the type of
// the numbers that the learner works in.
#pragma once

#include <cstdint>
#include <optional>

#include "elementary.hpp"
#include "mdp.hpp"
#include "rng.hpp"
#include "sampling.hpp"
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
        buffer_(batch.shape(), !weights_are_drawn_) {}
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  // What one takes.
  static double bytes(const TaskBatch& batch) {
    const bool rows = batch.shape().sampling == Sampling::inverse || !batch.uniform_law();
    return TaskBuffer::bytes(batch.shape(), rows);
  }

  // Puts the batch's index'th task in place, as it is in a segment of its time. Throws Interrupted if asked
  // to stop on the way.
  void load(std::int64_t index, const Interrupt& interrupt = {}, std::int64_t segment = 0) {
    task_ = batch_.load(index, buffer_, interrupt, segment);
    if (!weights_are_drawn_) return;
    weight_key_ = make_index_key(batch_.uniform_law()->key, batch_.ids()[index], Purpose::transitions);
  }

  const Shape& shape() const { return batch_.shape(); }
  const TaskView& task() const { return task_; }

  // Whether the episode ends on entering the state, or before it begins there.
  bool terminal(std::int32_t state) const { return task_.terminal[state] != 0; }

  // A start state; an episode that starts in a terminal one has no steps.
  std::int32_t reset(Stream& stream) const {
    return static_cast<std::int32_t>(sample_row(task_.start, shape().states, unit(next(stream), Real{})));
  }

  // What taking the action in the state leads to.
  Answer step(std::int32_t state, std::int32_t action, Stream& stream) const {
    const std::int64_t pair = state * shape().actions + action;
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
  TaskBuffer buffer_;
  TaskView task_;
  IndexKey weight_key_{};
};

}  // namespace metarl_fast
