// SPDX-License-Identifier: MIT
// A learner's updates made again from recorded steps, to the bits of the run, and the way back through them.
// For rules of one table and no traces; whatever their look_ahead asks for is known in look_ahead.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../learners/rule.hpp"
#include "../learners/td_settings.hpp"
#include "look_ahead.hpp"
#include "recorded_steps.hpp"
#include "tape.hpp"

namespace metarl_fast {

template <class Rule>
constexpr bool kCanBeReplayed = !Rule::kTwoTables && !Rule::kTraces;

// Whether a rule looks at all of the next state's row, and not at one entry.
template <class Rule>
bool looks_at_whole_row() {
  struct Asked {
    double ahead = 0.0;
    bool whole_row = false;
    void largest_next_values(double&) {}
    void choose_next_actions() {}
    void next_values(double&) {}
    void expected_next_values(double&) { whole_row = true; }
  } asked;
  Rule::look_ahead(asked);
  return asked.whole_row;
}

template <class Rule>
class Replay {
 public:
  // `learning_rates` [S][A] takes the place of the settings' one; or null. `scored`: score() may be asked.
  Replay(const Shape& shape, const TdSettings& settings, const double* learning_rates, bool scored = false)
      : settings_(settings),
        actions_(static_cast<std::int32_t>(shape.actions)),
        whole_row_(looks_at_whole_row<Rule>()),
        scored_(scored),
        look_(settings, actions_),
        q_(size(shape.pairs())),
        rates_(size(shape.pairs()), settings.learning_rate),
        visits_(counts_visits() ? size(shape.pairs()) : 0) {
    if (learning_rates) std::copy_n(learning_rates, shape.pairs(), rates_.begin());
  }

  Tape tape(std::int64_t n, bool keeps_errors) const {
    return {n, width(), settings_.learning_rate_decay != 0.0, keeps_errors, scored_ ? actions_ : 0};
  }
  std::int64_t width() const { return whole_row_ ? actions_ : 0; }
  const std::vector<double>& q_table() const { return q_; }

  // Before the first step.
  void begin(const double* initial_table) {
    std::copy_n(initial_table, q_.size(), q_.begin());
    std::fill(visits_.begin(), visits_.end(), 0.0);
    episode_ = 0;
  }

  // Where the replay stands between two steps.
  struct Standing {
    std::vector<double> q, visits;
    std::int64_t episode = 0;
  };
  Standing standing() const { return {q_, visits_, episode_}; }
  void restore(const Standing& from) {
    q_ = from.q;
    visits_ = from.visits;
    episode_ = from.episode;
  }

  // Makes the n updates from `first` on, and writes them onto the tape.
  void run(const RecordedSteps& steps, std::int64_t first, std::int64_t n, Tape& tape) {
    locate(steps, first, n, tape);
    look_.begin_episode(episode_);
    const double discount = settings_.discount;
    for (std::int64_t k = 0; k < n; ++k) {
      const std::size_t cell = size(tape.cell[size(k)]);
      if (scored_) write_score(tape, k);
      if (!visits_.empty()) visits_[cell] += 1.0;
      const double ahead = look(steps, first, k, tape);
      const bool terminated = steps.terminated(first + k);
      const double target = bounded(one_step_target(steps.reward(first + k), discount, ahead, terminated));
      if (!tape.error.empty()) tape.error[size(k)] = target - q_[cell];
      q_[cell] = bounded(towards(q_[cell], target, rate(tape, k, cell)));
      if (whole_row_ || scored_) next_episode(terminated || steps.truncated(first + k));
    }
  }

  // Takes the adjoint [S][A] of the table after these n updates back to before them. Where it is wanted,
  // `of_rates` [S][A] gathers the gradient with respect to the learning rates. A choice that was scored adds
  // `worth` [steps] of its step times d/dq ln pi(a | s), in the table that it was made by.
  void go_back(const RecordedSteps& steps, std::int64_t first, std::int64_t n, const Tape& tape,
               double* adjoint, double* of_rates, const double* worth = nullptr) const {
    const bool decaying = !tape.rate.empty();
    for (std::int64_t k = n - 1; k >= 0; --k) {
      const auto cell = tape.cell[size(k)];
      const double rate = decaying ? tape.rate[size(k)] : rates_[size(cell)];
      const double moved = adjoint[cell];
      if (of_rates) of_rates[cell] += moved * tape.error[size(k)] * (decaying ? tape.share[size(k)] : 1.0);
      adjoint[cell] = (1.0 - rate) * moved;
      if (!steps.terminated(first + k)) {
        add_ahead(tape, k, settings_.discount * (rate * moved), adjoint);
      }
      if (worth) add_score(tape, k, worth[first + k], adjoint);
    }
  }

  // Half the mean of the squared temporal-difference errors of n steps from `first` on, in the table as it
  // stands; and adds to `slope` [S][A] how it moves with the table: targets move too.
  double squared_errors(const RecordedSteps& steps, std::int64_t first, std::int64_t n, Tape& tape,
                        double share, double* slope) {
    locate(steps, first, n, tape);
    look_.begin_episode(episode_);
    double sum = 0.0;
    for (std::int64_t k = 0; k < n; ++k) {
      const auto cell = tape.cell[size(k)];
      const double ahead = look(steps, first, k, tape);
      const bool terminated = steps.terminated(first + k);
      const double error =
          bounded(one_step_target(steps.reward(first + k), settings_.discount, ahead, terminated)) -
          q_[size(cell)];
      sum += 0.5 * share * error * error;
      slope[cell] -= share * error;
      if (!terminated) add_ahead(tape, k, settings_.discount * (share * error), slope);
      if (whole_row_) next_episode(terminated || steps.truncated(first + k));
    }
    return sum;
  }

 private:
  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
  bool counts_visits() const { return settings_.learning_rate_decay != 0.0 || settings_.bonus != 0.0; }

  void locate(const RecordedSteps& steps, std::int64_t first, std::int64_t n, Tape& tape) const {
    steps.locate(first, n, actions_, tape.cell.data(), tape.ahead.data());
    if (settings_.sees_reset) steps.show_starts(first, n, actions_, tape.ahead.data());
  }

  // What is expected of the next state of step k.
  double look(const RecordedSteps& steps, std::int64_t first, std::int64_t k, Tape& tape) {
    const std::int32_t next_row = tape.ahead[size(k)];
    look_.row = q_.data() + next_row;
    if (settings_.bonus != 0.0) look_.visits = visits_.data() + next_row;
    if (whole_row_) look_.weight = tape.weight.data() + k * actions_;
    if constexpr (Rule::kOnPolicy) look_.next_action = std::max(0, steps.next_action(first + k));
    Rule::look_ahead(look_);
    if (!whole_row_) tape.ahead[size(k)] = next_row + look_.entry;
    return look_.ahead;
  }

  // d/dq(s, b) ln pi(a | s) = (1[a = b] - pi(b | s)) / temperature
  void write_score(Tape& tape, std::int64_t k) {
    const std::int32_t cell = tape.cell[size(k)];
    const std::int32_t row = cell / actions_ * actions_;
    look_.row = q_.data() + row;
    if (settings_.bonus != 0.0) look_.visits = visits_.data() + row;
    double* score = tape.score.data() + k * actions_;
    look_.write_score(cell - row, score);
  }

  void add_score(const Tape& tape, std::int64_t k, double worth, double* to) const {
    const std::int32_t row = tape.cell[size(k)] / actions_ * actions_;
    const double* score = tape.score.data() + k * actions_;
    for (std::int32_t b = 0; b < actions_; ++b) to[row + b] += worth * score[b];
  }

  double rate(Tape& tape, std::int64_t k, std::size_t cell) const {
    if (tape.rate.empty()) return rates_[cell];
    const double visits = visits_[cell] + settings_.initial_visits;
    const double decay = settings_.learning_rate_decay;
    tape.rate[size(k)] = decayed_learning_rate(rates_[cell], visits, decay);
    tape.share[size(k)] = tape.rate[size(k)] < 1.0 ? decayed_learning_rate(1.0, visits, decay) : 0.0;
    return tape.rate[size(k)];
  }

  void add_ahead(const Tape& tape, std::int64_t k, double amount, double* to) const {
    const std::int32_t ahead = tape.ahead[size(k)];
    if (!whole_row_) {
      to[ahead] += amount;
      return;
    }
    const double* weight = tape.weight.data() + k * actions_;
    for (std::int32_t a = 0; a < actions_; ++a) to[ahead + a] += amount * weight[a];
  }

  void next_episode(bool ended) {
    if (ended) look_.begin_episode(++episode_);
  }

  const TdSettings settings_;
  const std::int32_t actions_;
  const bool whole_row_, scored_;
  LookAhead look_;
  std::vector<double> q_, rates_, visits_;  // [S][A]
  std::int64_t episode_ = 0;
};

}  // namespace metarl_fast
