// SPDX-License-Identifier: MIT
// One thread's part of replaying Q-learning: several tasks side by side, in the lanes of kernel/replay.cpp.
// Lanes hold tables of moderate size and numbers far from infinity; other tasks go to the worker that takes
// any, one at a time. Bits do not depend on who does it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "../kernel/kernel.hpp"
#include "../learners/q_learning.hpp"
#include "replay_worker.hpp"

namespace metarl_fast {

// Entries of a lane's table; see gradients/replay_lanes.hpp.
inline std::int64_t entries_of_lane(const Shape& shape) { return shape.pairs() + shape.actions + 1; }

inline bool fits_replay_lanes(const Shape& shape) { return entries_of_lane(shape) <= 1 << 16; }

// Numbers below this stay below 2^1000 through 2^90 updates, so that none has to be held within bounds.
constexpr double kOrdinary = 0x1p900;

class ReplayLanesWorker {
 public:
  ReplayLanesWorker(const Shape& shape, const TdSettings& settings, const ReplayArrays& arrays,
                    std::int64_t num_tasks, std::int64_t num_steps, std::int64_t num_fresh)
      : shape_(shape),
        settings_(settings),
        arrays_(arrays),
        num_tasks_(num_tasks),
        num_steps_(num_steps),
        at_once_(std::max<std::int64_t>(1, updates_at_once(shape, num_steps))),
        kernel_(*kernels().replay),
        rate_(size(entries_of_lane(shape)), settings.learning_rate),
        q_(size(kReplayLanes * entries_of_lane(shape))),
        adjoint_(arrays.of_initial || arrays.loss ? q_.size() : 0),
        of_rates_(arrays.of_rates ? q_.size() : 0),
        tape_(at_once_, arrays.of_rates != nullptr),
        fresh_tape_(std::min(kShortTape, num_fresh), false),
        shared_start_is_ordinary_(!arrays.initial_per_task && ordinary_start(0)) {
    if (arrays.learning_rates) std::copy_n(arrays.learning_rates, shape.pairs(), rate_.begin());
    const auto [least, most] = std::minmax_element(rate_.begin(), rate_.begin() + shape.pairs());
    lanes_.actions = static_cast<std::int32_t>(shape.actions);
    lanes_.stride = entries_of_lane(shape);
    lanes_.q = q_.data();
    lanes_.adjoint = adjoint_.data();
    lanes_.of_rates = arrays.of_rates ? of_rates_.data() : nullptr;
    lanes_.rate = rate_.data();
    lanes_.one_rate = *least == *most;
    lanes_.discount = settings.discount;
  }

  // Memory of one of these.
  static double bytes(const Shape& shape, std::int64_t at_once, double kept) {
    const double tables = static_cast<double>(entries_of_lane(shape)) * (4.0 + kept);
    return 8.0 * kReplayLanes * tables + Tape::bytes(at_once) + Tape::bytes(kShortTape);
  }

  // Does the tasks of a block; returns how many they are.
  std::int64_t run(std::int64_t block, const Interrupt& interrupt) {
    const std::int64_t first = block * kReplayLanes;
    const std::int64_t n = std::min<std::int64_t>(kReplayLanes, num_tasks_ - first);
    for (std::int64_t task = first; task < first + n; ++task) {
      check_steps(shape_, arrays_.history, task);
      if (arrays_.fresh.length) check_steps(shape_, arrays_.fresh, task);
    }
    if (ordinary(first, n)) {
      run_lanes(first, static_cast<int>(n), interrupt);
    } else {
      if (!one_) one_ = std::make_unique<One>(shape_, settings_, arrays_, num_steps_);
      for (std::int64_t task = first; task < first + n; ++task) one_->run(task, interrupt);
    }
    return n;
  }

 private:
  using One = ReplayWorker<QLearning>;

  // Cells and entries looked at, of `room` steps of each lane. Lanes do not lie a power of two apart, where
  // processors would take a write into one for one into another.
  struct Tape {
    Tape(std::int64_t steps, bool keeps_errors)
        : room(steps + 32),
          cell(size(kReplayLanes * room)),
          ahead(cell.size()),
          error(keeps_errors ? cell.size() : 0) {}
    static double bytes(std::int64_t steps) { return 12.0 * kReplayLanes * static_cast<double>(steps + 32); }
    std::int64_t room;
    std::vector<std::uint16_t> cell, ahead;
    std::vector<double> error;
  };

  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

  const double* initial_table(std::int64_t task) const {
    return arrays_.initial_table + (arrays_.initial_per_task ? task * shape_.pairs() : 0);
  }

  bool ordinary(std::int64_t first, std::int64_t n) const {
    for (std::int64_t task = first; task < first + n; ++task) {
      for (const History<double>* of : {&arrays_.history, &arrays_.fresh}) {
        if (!of->length) continue;
        const RecordedSteps steps(*of, task);
        if (steps.first_reward_beyond(kOrdinary) != steps.length()) return false;
      }
      if (!(arrays_.initial_per_task ? ordinary_start(task) : shared_start_is_ordinary_)) return false;
    }
    return true;
  }

  bool ordinary_start(std::int64_t task) const {
    const double* start = initial_table(task);
    const auto finite = [](double q) { return q >= kLowestValue<double>; };  // -infinity: not available
    return std::all_of(start, start + shape_.pairs(),
                       [&](double q) { return !finite(q) || std::fabs(q) <= kOrdinary; });
  }

  void run_lanes(std::int64_t first, int n, const Interrupt& interrupt) {
    first_ = first;
    lanes_.active = n;
    const std::int64_t longest = longest_of(arrays_.history);
    learn(longest, interrupt);
    write_out(q_, arrays_.q_table);
    if (adjoint_.empty()) return;
    std::fill(adjoint_.begin(), adjoint_.end(), 0.0);
    if (arrays_.fresh.length) {
      judge(longest_of(arrays_.fresh), interrupt);
    } else {
      for_each_lane([&](int l, std::int64_t task) {
        std::copy_n(arrays_.cotangents + task * shape_.pairs(), shape_.pairs(), lane(adjoint_, l));
      });
    }
    if (!arrays_.of_initial) return;
    std::fill(of_rates_.begin(), of_rates_.end(), 0.0);
    go_back(longest, interrupt);
    write_out(adjoint_, arrays_.of_initial);
    write_out(of_rates_, arrays_.of_rates);
  }

  void learn(std::int64_t longest, const Interrupt& interrupt) {
    for_each_lane([&](int l, std::int64_t task) {
      double* end = std::copy_n(initial_table(task), shape_.pairs(), lane(q_, l));
      *std::fill_n(end, shape_.actions, -0.0) = 0.0;
    });
    kept_.clear();
    for (std::int64_t first = 0; first < longest; first += at_once_) {
      stop_if_asked(interrupt);
      if (arrays_.of_initial && longest > at_once_) kept_.push_back(q_);
      learn_piece(first, longest);
    }
  }

  void learn_piece(std::int64_t first, std::int64_t longest) {
    const std::int64_t n = std::min(at_once_, longest - first);
    locate(arrays_.history, first, n, tape_);
    kernel_.learn(lanes_, n);
  }

  void judge(std::int64_t longest, const Interrupt& interrupt) {
    JudgedLanes judged{};
    for_each_lane([&](int l, std::int64_t task) {
      const std::int64_t length = arrays_.fresh.length[task];
      judged.length[l] = length;
      judged.share[l] = length > 0 ? 1.0 / static_cast<double>(length) : 0.0;
    });
    for (std::int64_t first = 0; first < longest; first += kShortTape) {
      stop_if_asked(interrupt);
      const std::int64_t n = std::min(kShortTape, longest - first);
      locate(arrays_.fresh, first, n, fresh_tape_);
      kernel_.judge(lanes_, n, judged);
      for (std::int64_t& length : judged.length) length -= n;
    }
    if (!arrays_.loss) return;
    for_each_lane([&](int l, std::int64_t task) { arrays_.loss[task] = judged.loss[l]; });
  }

  // The last piece is on the tape already.
  void go_back(std::int64_t longest, const Interrupt& interrupt) {
    const std::int64_t pieces = (longest + at_once_ - 1) / at_once_;
    for (std::int64_t piece = pieces - 1; piece >= 0; --piece) {
      stop_if_asked(interrupt);
      const std::int64_t first = piece * at_once_;
      if (piece != pieces - 1) {
        std::copy(kept_[size(piece)].begin(), kept_[size(piece)].end(), q_.begin());
        learn_piece(first, longest);
      }
      use(tape_);
      kernel_.go_back(lanes_, std::min(at_once_, longest - first));
    }
  }

  // Writes the n steps of all lanes from `first` on onto the tape, and has the lanes use it. Steps behind a
  // lane's last one are none.
  void locate(const History<double>& history, std::int64_t first, std::int64_t n, Tape& tape) {
    use(tape);
    const auto past_the_end = static_cast<std::uint16_t>(shape_.pairs());
    const auto of_no_step = static_cast<std::uint16_t>(shape_.pairs() + shape_.actions);
    for (int l = 0; l < kReplayLanes; ++l) {
      const bool has_task = l < lanes_.active;
      const std::int64_t task = first_ + (has_task ? l : 0);
      const RecordedSteps steps(history, task);
      const std::int64_t m = has_task ? std::clamp<std::int64_t>(steps.length() - first, 0, n) : 0;
      if (m > 0) {
        steps.locate(first, m, lanes_.actions, lanes_.cell[l], lanes_.ahead[l]);
        if (settings_.sees_reset) steps.show_starts(first, m, lanes_.actions, lanes_.ahead[l]);
        steps.mark_terminated(first, m, past_the_end, lanes_.ahead[l]);
      }
      std::fill(lanes_.cell[l] + m, lanes_.cell[l] + n, of_no_step);
      std::fill(lanes_.ahead[l] + m, lanes_.ahead[l] + n, past_the_end);
      lanes_.reward[l] = history.reward + task * history.room + first;
    }
  }

  void use(Tape& tape) {
    for (int l = 0; l < kReplayLanes; ++l) {
      lanes_.cell[l] = tape.cell.data() + l * tape.room;
      lanes_.ahead[l] = tape.ahead.data() + l * tape.room;
      lanes_.error[l] = tape.error.empty() ? nullptr : tape.error.data() + l * tape.room;
    }
  }

  std::int64_t longest_of(const History<double>& history) const {
    return *std::max_element(history.length + first_, history.length + first_ + lanes_.active);
  }

  template <class Use>
  void for_each_lane(const Use& use) const {
    for (int l = 0; l < lanes_.active; ++l) use(l, first_ + l);
  }

  double* lane(std::vector<double>& tables, int l) const { return tables.data() + l * lanes_.stride; }

  void write_out(std::vector<double>& tables, double* out) {
    if (!out) return;
    for_each_lane([&](int l, std::int64_t task) {
      std::copy_n(lane(tables, l), shape_.pairs(), out + task * shape_.pairs());
    });
  }

  const Shape shape_;
  const TdSettings settings_;
  const ReplayArrays& arrays_;
  const std::int64_t num_tasks_, num_steps_, at_once_;
  const ReplayKernel& kernel_;
  std::int64_t first_ = 0;  // the task in the first lane
  ReplayLanes lanes_{};
  std::vector<double> rate_, q_, adjoint_, of_rates_;
  Tape tape_, fresh_tape_;
  const bool shared_start_is_ordinary_;
  std::vector<std::vector<double>> kept_;  // the tables before each piece
  std::unique_ptr<One> one_;
};

}  // namespace metarl_fast
