// SPDX-License-Identifier: MIT
// One small task's answers as tables to look up: number for number those of a Simulator, several times as
// fast. What a pair's answer needs lies together, in one record.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "elementary.hpp"
#include "mdp.hpp"
#include "rng.hpp"
#include "simulator.hpp"
#include "thresholds.hpp"

namespace metarl_fast {

// What all tasks of a shape have in common. A record is `length` thresholds, the reward or `length` of them,
// and, of outcome lists, `length` successors, ~s where the episode terminates.
struct RecordLayout {
  std::int64_t actions = 0;
  std::int64_t length = 0;
  std::int64_t stride = 0;      // of records, in bytes
  std::int64_t successors = 0;  // where they begin in a record, in bytes
  bool dense = true;

  bool operator!=(const RecordLayout& other) const {
    return actions != other.actions || length != other.length || stride != other.stride ||
           successors != other.successors || dense != other.dense;
  }

  template <class Real>
  static RecordLayout of(const Shape& shape) {
    RecordLayout found;
    found.actions = shape.actions;
    found.length = thresholds_of(shape.outcomes);
    found.dense = shape.dense;
    found.successors = (found.length + (shape.dense ? 1 : found.length)) * std::int64_t{sizeof(Real)};
    const std::int64_t bytes = found.successors + (shape.dense ? 0 : 4 * found.length);
    const std::int64_t unit = bytes > 32 ? 64 : 16;  // a cache line, or a part of one
    found.stride = (bytes + unit - 1) / unit * unit;
    return found;
  }
};

template <class Real>
class AnswerTable {
 public:
  // Whether the tables are small, and the task's rows are written out and drawn from by thresholds.
  static bool suits(const Shape& shape) {
    return shape.sampling == Sampling::inverse && shape.probabilities() <= kLargest;
  }

  AnswerTable(const Shape& shape, std::shared_ptr<const RecordLayout> layout, const TaskView& task)
      : layout_(std::move(layout)),
        noise_(static_cast<Real>(task.reward_noise)),
        ends_(!shape.dense),
        terminal_(task.terminal, task.terminal + shape.states),
        start_(static_cast<std::size_t>(thresholds_of(shape.states))),
        records_(make_aligned<unsigned char>(static_cast<std::size_t>(shape.pairs() * layout_->stride))) {
    write_thresholds(task.start, shape.states, start_.data());
    for (const std::uint8_t terminal : terminal_) ends_ |= terminal != 0;
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) write(shape, task, pair);
    for (std::int64_t pair = 0; shape.masked && pair < shape.pairs(); ++pair) {
      available_.push_back(available(shape, task, pair));
    }
  }

  bool terminal(std::int32_t state) const { return terminal_[static_cast<std::size_t>(state)] != 0; }
  bool has(std::int64_t pair) const {
    return available_.empty() || available_[static_cast<std::size_t>(pair)];
  }
  const RecordLayout& layout() const { return *layout_; }
  const unsigned char* records() const { return records_.get(); }
  // Whether an episode can terminate, and whether rewards are noisy.
  bool ends() const { return ends_; }
  bool noisy() const { return noise_ != Real{0}; }

  std::int32_t reset(Stream& stream) const {
    return draw_by_thresholds(start_.data(), static_cast<std::int64_t>(start_.size()), next(stream));
  }

  // What an action in a state leads to, by records of the layout; `table` is looked at where episodes end by
  // entering a state, or rewards are noisy.
  static Answer answer(const unsigned char* records, const RecordLayout& layout, bool ends, bool noisy,
                       const AnswerTable* table, std::int64_t state, std::int64_t action, Stream& stream) {
    const unsigned char* record = records + (state * layout.actions + action) * layout.stride;
    const auto* numbers = reinterpret_cast<const Real*>(record);
    const std::int32_t k = draw_by_thresholds(numbers, layout.length, next(stream));
    const Real expected = numbers[layout.length + (layout.dense ? 0 : k)];
    Answer found{static_cast<double>(expected), k, false};
    if (!layout.dense) {
      const std::int32_t successor = reinterpret_cast<const std::int32_t*>(record + layout.successors)[k];
      found.terminated = successor < 0;
      found.next_state = successor < 0 ? ~successor : successor;
    } else if (ends) {
      found.terminated = table->terminal(k);
    }
    if (noisy) found.reward = table->with_noise(expected, stream);
    return found;
  }

  double with_noise(Real expected, Stream& stream) const {
    const double noise = normal_quantile_32(open_unit(next(stream)));
    return static_cast<double>(expected + noise_ * static_cast<Real>(noise));
  }

 private:
  static constexpr std::int64_t kLargest = 1 << 16;

  void write(const Shape& shape, const TaskView& task, std::int64_t pair) {
    const RecordLayout& layout = *layout_;
    unsigned char* record = records_.get() + pair * layout.stride;
    auto* numbers = reinterpret_cast<Real*>(record);
    auto* successors = reinterpret_cast<std::int32_t*>(record + layout.successors);
    const std::int64_t first = pair * shape.outcomes;
    write_thresholds(task.probability + first, shape.outcomes, numbers);
    numbers += layout.length;
    if (shape.dense) {
      *numbers = static_cast<Real>(task.reward[pair]) + Real{0};
      return;
    }
    for (std::int64_t k = 0; k < shape.outcomes; ++k) {
      numbers[k] = static_cast<Real>(task.reward[first + k]) + Real{0};
      successors[k] = task.terminated[first + k] ? ~task.next_state[first + k] : task.next_state[first + k];
    }
  }

  std::shared_ptr<const RecordLayout> layout_;
  Real noise_;
  bool ends_;
  std::vector<std::uint8_t> terminal_;
  std::vector<std::uint8_t> available_;  // [S][A], or nothing if all are
  std::vector<Real> start_;
  AlignedArray<unsigned char> records_;
};

}  // namespace metarl_fast
