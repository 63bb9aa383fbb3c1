// SPDX-License-Identifier: MIT
// Puts tasks into the lanes of the kernel: tables, streams, initial action values and places for results.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <type_traits>

#include "aligned.hpp"
#include "engine.hpp"
#include "interrupt.hpp"
#include "kernel/kernel.hpp"
#include "rng.hpp"

namespace metarl_fast {

// About 0.2 ms of work: the longest a block runs between two looks at the cancellation flag.
constexpr std::int64_t kStepsBetweenPulses = 4096;
// Larger tasks take so long to generate that a block of them looks between one and the next.
constexpr std::size_t kCellsBetweenPulses = 1 << 14;

// Floats in a cache line.
constexpr std::int64_t kLine = 16;

// n rounded up to an odd multiple of `unit`. Tables that lie a power of two apart would fight for the same
// few places of a cache; an odd number of lines apart they share it all.
inline std::int64_t odd_multiple(std::int64_t n, std::int64_t unit) {
  const std::int64_t units = (n + unit - 1) / unit;
  return (units + (units % 2 == 0)) * unit;
}

inline std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }

inline void advance(const Kernels& k, Block<float>& b, std::int64_t steps) { k.advance_float(b, steps); }
inline void advance(const Kernels& k, Block<double>& b, std::int64_t steps) { k.advance_double(b, steps); }
inline void begin(const Kernels& k, Block<float>& b) { k.begin_float(b); }
inline void begin(const Kernels& k, Block<double>& b) { k.begin_double(b); }

// A reward beyond the table's type would become infinite without a word.
template <class Real>
void check_rewards(const double* rewards, std::int64_t count, std::int64_t task) {
  constexpr double kLargest = std::numeric_limits<Real>::max();
  const double* end = rewards + count;
  const double* bad = std::find_if(rewards, end, [](double r) { return !(std::fabs(r) <= kLargest); });
  if (bad == end) return;
  std::ostringstream message;
  message << "a reward of task " << task << " is " << *bad << ", which a table of " << 8 * sizeof(Real)
          << "-bit numbers cannot hold";
  throw std::invalid_argument(message.str());
}

// One thread's scratch for a block of tasks: the tables of all lanes and the task being read.
template <class Real>
class LaneBlock {
 public:
  LaneBlock(const TaskBatch& batch, const Learner& learner, const Schedule& schedule,
            const TrainArrays<Real>& arrays)
      : batch_(batch), schedule_(schedule), arrays_(arrays), kernels_(kernels()), buffer_(batch.shape()) {
    const Shape& shape = batch.shape();
    block_.states = static_cast<std::int32_t>(shape.states);
    block_.actions = static_cast<std::int32_t>(shape.actions);
    block_.dense = shape.dense;
    block_.row = Row::for_outcomes(shape.outcomes);
    block_.start_row = Row::for_outcomes(shape.states);
    block_.q_stride = (shape.actions + 7) / 8 * 8;
    block_.reward_noise = static_cast<Real>(shape.reward_noise);
    block_.num_episodes = static_cast<std::int32_t>(schedule.num_episodes);
    block_.num_steps = static_cast<std::int32_t>(schedule.num_steps);
    block_.continuing = schedule.continuing;
    block_.uniform_behaviour = learner.uniform_behaviour;
    block_.constant_epsilon = learner.uniform_behaviour ||
                              std::all_of(learner.epsilon, learner.epsilon + learner.num_epsilons,
                                          [&](double epsilon) { return epsilon == learner.epsilon[0]; });
    block_.epsilon = learner.epsilon;
    block_.learning_rate = learner.learning_rate;
    block_.learning_rate_decay = learner.learning_rate_decay;
    block_.discount = static_cast<Real>(learner.discount);
    block_.num_snapshots = arrays.num_snapshots;
    block_.snapshot_episodes = arrays.snapshot_episodes;

    const std::size_t lanes = count(std::min<std::int64_t>(kLanes, batch.size()));
    const std::int64_t pairs_a_line = std::max<std::int64_t>(1, kLine / stride(block_.row));
    lane_pairs_ = odd_multiple(shape.pairs(), pairs_a_line);
    row_cells_ = count(lane_pairs_ * stride(block_.row));
    reward_cells_ = count(lane_pairs_ * (shape.dense ? 1 : block_.row.fine));
    q_cells_ = count(odd_multiple(shape.states * block_.q_stride, kLine));
    thresholds_ = make_aligned<Real>(lanes * row_cells_);
    rewards_ = make_aligned<Real>(lanes * reward_cells_);
    start_ = make_aligned<Real>(lanes * count(stride(block_.start_row)));
    if (!shape.dense) successors_ = make_aligned<std::int32_t>(lanes * reward_cells_);
    if (shape.dense) terminal_ = make_aligned<std::uint8_t>(lanes * count(shape.states));
    q_table_ = make_aligned<Real>(kLanes * q_cells_);
    if (learner.learning_rate_decay != 0.0) visits_ = make_aligned<std::uint32_t>(kLanes * q_cells_);
    tiles_ = make_aligned<Real>(2 * kLanes * count(block_.q_stride));
    block_.thresholds = thresholds_.get();
    block_.rewards = rewards_.get();
    block_.successors = successors_.get();
    block_.terminal = terminal_.get();
    block_.start = start_.get();
    block_.q_table = q_table_.get();
    block_.visits = visits_.get();
    block_.tile = reinterpret_cast<Real(*)[kLanes]>(tiles_.get());
    block_.next_tile = block_.tile + block_.q_stride;
  }

  // Runs the block'th kLanes tasks; returns how many, or 0 if interrupted.
  std::int64_t run(std::int64_t block_index, const Interrupt& interrupt) {
    const std::int64_t first = block_index * kLanes;
    block_.active = static_cast<int>(std::min<std::int64_t>(kLanes, batch_.size() - first));
    block_.any_terminal = false;
    const bool drawn_by_kernel = draw_rows(first);
    for (int lane = 0; lane < kLanes; ++lane) {
      if (row_cells_ > kCellsBetweenPulses && interrupt()) return 0;
      block_.first_cell[lane] = lane * static_cast<std::int32_t>(q_cells_);
      if (lane < block_.active) {
        write_task(lane, first + lane, !drawn_by_kernel);
        write_table(lane, first + lane);
        set_stream(lane, first + lane);
        block_.outputs[lane] = outputs(first + lane);
        block_.task_of[lane] = lane;
      } else {
        borrow_task(lane);
      }
      block_.first_pair[lane] = block_.task_of[lane] * static_cast<std::int32_t>(lane_pairs_);
    }
    begin(kernels_, block_);
    while (block_.unfinished > 0) {
      if (interrupt()) return 0;
      advance(kernels_, block_, kStepsBetweenPulses);
    }
    return block_.active;
  }

 private:
  // Without a task of its own a lane runs on the first one's, on whatever its table holds, unseen.
  void borrow_task(int lane) {
    for (int word = 0; word < 4; ++word) block_.rng[word][lane] = block_.rng[word][0];
    block_.outputs[lane] = {};
    block_.task_of[lane] = 0;
    block_.single_start[lane] = block_.single_start[0];
  }

  // Lets the kernel draw the rows of all lanes' tasks if it can.
  bool draw_rows(std::int64_t first) {
    const Shape& shape = batch_.shape();
    if constexpr (std::is_same_v<Real, float>) {
      const std::uint64_t* key = batch_.uniform_rows_key();
      if (key == nullptr || shape.states > kMostUniformStates) return false;
      // The kernel writes rows of eights, and takes as long for one lane as for all.
      if (block_.row.fine < 8 || block_.active < 8) return false;
      UniformRows rows{};
      for (int lane = 0; lane < kLanes; ++lane) {
        const std::int64_t index = first + std::min(lane, block_.active - 1);
        const Stream stream = make_stream(*key, batch_.ids()[index], Purpose::transitions);
        for (int word = 0; word < 4; ++word) rows.rng[word][lane] = stream.s[word];
      }
      rows.states = shape.states;
      rows.pairs = shape.pairs();
      rows.row = block_.row;
      rows.thresholds = thresholds_.get();
      rows.lane_cells = static_cast<std::int64_t>(row_cells_);
      rows.active = block_.active;
      kernels_.write_uniform_rows(rows);
      return true;
    }
    return false;
  }

  void write_task(int lane, std::int64_t index, bool with_rows) {
    const Shape& shape = batch_.shape();
    const TaskView task = with_rows ? batch_.load(index, buffer_) : batch_.load_without_rows(index, buffer_);
    check_rewards<Real>(task.reward, shape.rewards(), index);
    Real* thresholds = thresholds_.get() + count(lane) * row_cells_;
    Real* rewards = rewards_.get() + count(lane) * reward_cells_;
    Real* start = start_.get() + lane * stride(block_.start_row);
    for (std::int64_t pair = 0; with_rows && pair < shape.pairs(); ++pair) {
      write_thresholds(task.probability + pair * shape.outcomes, shape.outcomes, block_.row,
                       thresholds + pair * stride(block_.row));
    }
    write_thresholds(task.start, shape.states, block_.start_row, start);
    block_.single_start[lane] = only_state(task.start);
    if (shape.dense) {
      for (std::int64_t pair = 0; pair < shape.pairs(); ++pair)
        rewards[pair] = without_minus_zero(task.reward[pair]);
      std::uint8_t* terminal = terminal_.get() + lane * shape.states;
      std::copy_n(task.terminated, shape.states, terminal);
      block_.any_terminal |=
          std::any_of(terminal, terminal + shape.states, [](std::uint8_t t) { return t != 0; });
      return;
    }
    std::int32_t* successors = successors_.get() + count(lane) * reward_cells_;
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      for (std::int64_t k = 0; k < shape.outcomes; ++k) {
        const std::int64_t from = pair * shape.outcomes + k;
        const std::int64_t to = pair * block_.row.fine + k;
        rewards[to] = without_minus_zero(task.reward[from]);
        successors[to] = task.terminated[from] ? ~task.next_state[from] : task.next_state[from];
      }
    }
  }

  // With rewards free of -0 no result depends on the sign of a zero, which a maximum leaves open.
  static Real without_minus_zero(double reward) { return static_cast<Real>(reward) + Real{0}; }

  // The start state when there is but one, else -1.
  std::int32_t only_state(const double* start) const {
    const double* end = start + block_.states;
    const double* first = std::find_if(start, end, [](double p) { return p > 0.0; });
    const bool alone = std::all_of(first + 1, end, [](double p) { return p == 0.0; });
    return alone ? static_cast<std::int32_t>(first - start) : -1;
  }

  void write_table(int lane, std::int64_t index) {
    const Shape& shape = batch_.shape();
    Real* q = q_table_.get() + count(lane) * q_cells_;
    const Real* initial = arrays_.initial_table + (arrays_.initial_per_task ? index * shape.pairs() : 0);
    for (std::int64_t s = 0; s < shape.states; ++s) {
      Real* row = q + s * block_.q_stride;
      std::copy_n(initial + s * shape.actions, shape.actions, row);
      std::fill(row + shape.actions, row + block_.q_stride, -std::numeric_limits<Real>::infinity());
    }
    if (visits_) {
      std::fill_n(visits_.get() + count(lane) * q_cells_, q_cells_, 0u);
    }
  }

  void set_stream(int lane, std::int64_t index) {
    const Stream stream = make_stream(schedule_.key, batch_.ids()[index], Purpose::learning);
    for (int word = 0; word < 4; ++word) block_.rng[word][lane] = stream.s[word];
  }

  LaneOutputs<Real> outputs(std::int64_t index) const {
    const Shape& shape = batch_.shape();
    LaneOutputs<Real> out{};
    if (arrays_.returns) out.returns = arrays_.returns + index * schedule_.num_episodes;
    if (arrays_.q_table) out.q_table = arrays_.q_table + index * shape.pairs();
    if (arrays_.policy) out.policy = arrays_.policy + index * shape.states;
    if (arrays_.snapshots) out.snapshots = arrays_.snapshots + index * arrays_.num_snapshots * shape.pairs();
    return out;
  }

  const TaskBatch& batch_;
  const Schedule& schedule_;
  const TrainArrays<Real>& arrays_;
  const Kernels& kernels_;
  TaskBuffer buffer_;
  Block<Real> block_{};
  std::int64_t lane_pairs_;
  std::size_t row_cells_, reward_cells_, q_cells_;
  AlignedArray<Real> thresholds_, rewards_, start_, q_table_, tiles_;
  AlignedArray<std::int32_t> successors_;
  AlignedArray<std::uint8_t> terminal_;
  AlignedArray<std::uint32_t> visits_;
};

}  // namespace metarl_fast
