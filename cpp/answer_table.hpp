// SPDX-License-Identifier: MIT
// One small task's answers as tables to look up: number for number those of a Simulator, several times as
// fast. A row is searched for the first threshold above a random number, as in the kernel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "elementary.hpp"
#include "mdp.hpp"
#include "rng.hpp"
#include "simulator.hpp"

namespace metarl_fast {

// Rows of probabilities as thresholds to compare numbers in [0, 1) with: the cumulative probabilities,
// rounded to Real, and beyond the last possible outcome what no number reaches. Rows have `length` places; a
// short one is looked through whole, which takes no branch.
template <class Real>
class ThresholdRows {
 public:
  void resize(std::int64_t rows, std::int64_t outcomes) {
    length_ = outcomes <= kLongestScanned ? (outcomes + kGroup - 1) / kGroup * kGroup : outcomes;
    values_.assign(static_cast<std::size_t>(rows * length_), kBeyond);
  }

  void set(std::int64_t row, const double* probability, std::int64_t outcomes) {
    Real* out = values_.data() + row * length_;
    double cumulative = 0.0;
    std::int64_t last = 0;
    for (std::int64_t k = 0; k < outcomes; ++k) {
      if (probability[k] > 0.0) {
        cumulative += probability[k];
        last = k;
      }
      out[k] = static_cast<Real>(cumulative);
    }
    std::fill(out + last, out + length_, kBeyond);
  }

  std::int32_t draw(std::int64_t row, std::uint32_t x) const {
    const Real u = unit(x, Real{});
    const Real* first = values_.data() + row * length_;
    if (length_ > kLongestScanned) {
      return static_cast<std::int32_t>(std::upper_bound(first, first + length_, u) - first);
    }
    std::int32_t passed = 0;
    for (std::int64_t k = 0; k < length_; k += kGroup) {
      for (std::int64_t j = 0; j < kGroup; ++j) passed += first[k + j] <= u;
    }
    return passed;
  }

 private:
  static constexpr std::int64_t kGroup = 4;
  static constexpr std::int64_t kLongestScanned = 32;
  static constexpr Real kBeyond = 2;

  std::int64_t length_ = 0;
  std::vector<Real> values_;
};

template <class Real>
class AnswerTable {
 public:
  // Whether the tables are small, and the task's rows are written out and drawn from by thresholds.
  static bool suits(const Shape& shape) {
    return shape.sampling == Sampling::inverse && shape.probabilities() <= kLargest;
  }

  AnswerTable(const Shape& shape, const TaskView& task)
      : actions_(shape.actions),
        outcomes_(shape.outcomes),
        dense_(shape.dense),
        noise_(static_cast<Real>(task.reward_noise)),
        noisy_(task.reward_noise != 0.0),
        terminal_(task.terminal, task.terminal + shape.states) {
    rows_.resize(shape.pairs(), shape.outcomes);
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      rows_.set(pair, task.probability + pair * shape.outcomes, shape.outcomes);
    }
    start_.resize(1, shape.states);
    start_.set(0, task.start, shape.states);
    for (std::int64_t k = 0; k < shape.rewards(); ++k) {
      reward_.push_back(static_cast<Real>(task.reward[k]) + Real{0});
    }
    for (std::int64_t k = 0; k < shape.terminations(); ++k) {
      successor_.push_back(task.terminated[k] ? ~task.next_state[k] : task.next_state[k]);
    }
    for (std::int64_t pair = 0; shape.masked && pair < shape.pairs(); ++pair) {
      available_.push_back(available(shape, task, pair));
    }
  }

  bool terminal(std::int32_t state) const { return terminal_[static_cast<std::size_t>(state)] != 0; }
  bool has(std::int64_t pair) const {
    return available_.empty() || available_[static_cast<std::size_t>(pair)];
  }

  std::int32_t reset(Stream& stream) const { return start_.draw(0, next(stream)); }

  Answer step(std::int32_t state, std::int32_t action, Stream& stream) const {
    const std::int64_t pair = state * actions_ + action;
    const std::int32_t k = rows_.draw(pair, next(stream));
    if (dense_) return {with_noise(reward_[static_cast<std::size_t>(pair)], stream), k, terminal(k)};
    const auto place = static_cast<std::size_t>(pair * outcomes_ + k);
    const std::int32_t successor = successor_[place];
    return {with_noise(reward_[place], stream), successor < 0 ? ~successor : successor, successor < 0};
  }

 private:
  static constexpr std::int64_t kLargest = 1 << 16;

  double with_noise(Real expected, Stream& stream) const {
    if (!noisy_) return static_cast<double>(expected);
    const double noise = normal_quantile_32(open_unit(next(stream)));
    return static_cast<double>(expected + noise_ * static_cast<Real>(noise));
  }

  std::int64_t actions_, outcomes_;
  bool dense_;
  Real noise_;
  bool noisy_;
  ThresholdRows<Real> rows_, start_;  // [S][A][K], [S]
  std::vector<Real> reward_;
  std::vector<std::int32_t> successor_;  // ~s where the episode terminates
  std::vector<std::uint8_t> terminal_;
  std::vector<std::uint8_t> available_;  // [S][A], or nothing if all are
};

}  // namespace metarl_fast
