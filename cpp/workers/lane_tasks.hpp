// SPDX-License-Identifier: MIT
// Tasks in the lanes of the kernel: rows, rewards and starts in the layout that it reads, written task by
// task or drawn for all lanes at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "../aligned.hpp"
#include "../interrupt.hpp"
#include "../kernel/kernel.hpp"
#include "../mdp.hpp"
#include "../rng.hpp"
#include "limits.hpp"

namespace metarl_fast {

// Larger tasks take so long to generate that a block of them looks between one and the next.
constexpr std::int64_t kCellsBetweenPulses = 1 << 14;
// The kernel draws so many pairs' rows or rewards between two looks.
constexpr std::int64_t kPairsBetweenPulses = 1 << 13;
// The kernel takes as long to draw one task as to draw all lanes', so fewer than this are drawn one by one.
constexpr int kFewTasks = 8;

// Floats in a cache line.
constexpr std::int64_t kLine = 16;

// n rounded up to an odd multiple of `unit`. Tables that lie a power of two apart would fight for the same
// few places of a cache; an odd number of lines apart they share it all.
inline std::int64_t odd_multiple(std::int64_t n, std::int64_t unit) {
  const std::int64_t units = (n + unit - 1) / unit;
  return (units + (units % 2 == 0)) * unit;
}

inline std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }

inline void draw(const Kernels& k, UniformTasks<float>& tasks) { k.draw_float(tasks); }
inline void draw(const Kernels& k, UniformTasks<double>& tasks) { k.draw_double(tasks); }

// Thresholds, rewards and successors of a pair: so many numbers of `real` bytes. In whole lines, but for a
// single outcome's, which are so few that many pairs share a line.
inline std::int64_t record_of_lists(Row row, std::int64_t real) {
  const std::int64_t reals = static_cast<std::int64_t>(kCacheLine) / real;
  const std::int64_t successors = (row.outcomes() * 4 + real - 1) / real;
  const std::int64_t used = row.fine + row.outcomes() + successors;
  return row.outcomes() == 1 ? used : (used + reals - 1) / reals * reals;
}

// How many entries a lane has for its task.
struct TaskSizes {
  TaskSizes(const TaskBatch& batch, std::int64_t real) {
    const Shape& shape = batch.shape();
    const bool law = batch.uniform_law().has_value();
    shared = batch.is_one_task() && !law;
    const bool rejection = shape.sampling == Sampling::rejection;
    answers = rejection     ? law ? Answers::drawn_weights : Answers::stored_weights
              : shape.dense ? Answers::rows
                            : Answers::outcome_lists;
    row = Row::for_outcomes(shape.outcomes);
    start_row = Row::for_outcomes(shape.states);
    kept_row = rejection ? Row{0, 0} : row;
    record = shape.dense ? kept_row.fine : record_of_lists(kept_row, real);
    pairs = odd_multiple(shape.pairs(), std::max<std::int64_t>(1, kLine / std::max<std::int64_t>(1, record)));
    entries = shape.pairs() * (rejection && law ? 1 : shape.outcomes);
  }

  // Of so many lanes, and of the one task that is being written.
  double bytes(const Shape& shape, std::int64_t lanes, double real) const {
    const double weights = answers == Answers::stored_weights ? 4.0 * static_cast<double>(shape.states) : 0.0;
    const double pair =
        real * static_cast<double>(record + kept_row.coarse + (shape.dense ? 1 : 0)) + weights;
    const double states =
        real * static_cast<double>(start_row.fine + start_row.coarse) + static_cast<double>(shape.states);
    const double lane = static_cast<double>(pairs) * pair + states;
    return static_cast<double>(shared ? 1 : lanes) * lane +
           (answers == Answers::drawn_weights ? 0.0 : TaskBuffer::bytes(shape));
  }

  bool shared;  // one task's tables serve all lanes
  Answers answers;
  Row row, start_row;
  Row kept_row;          // of those that are written out
  std::int64_t record;   // from a pair's thresholds to the next one's
  std::int64_t pairs;    // with padding
  std::int64_t entries;  // read or written to prepare a task
};

// One thread's tables of tasks, and the part of the block that says where they are.
template <class Real>
class LaneTasks {
 public:
  // Rewards are checked for episodes of `num_steps`, summed over `summed_tasks`.
  LaneTasks(const TaskBatch& batch, Block<Real>& block, std::int64_t num_steps, std::int64_t summed_tasks)
      : batch_(batch),
        block_(block),
        kernels_(kernels()),
        law_(batch.uniform_law()),
        num_steps_(num_steps),
        summed_tasks_(summed_tasks) {
    const TaskSizes sizes(batch, sizeof(Real));
    block_.answers = sizes.answers;
    block_.row = sizes.row;
    block_.start_row = sizes.start_row;
    shared_ = sizes.shared;
    allocate(sizes, shared_ ? 1 : count(std::min<std::int64_t>(kLanes, batch.size())));
  }

  // Puts the tasks from `first` on into the active lanes; the others mirror the first one. Where all are one
  // task its tables are written once, and are there for the blocks that follow, too. `after_task(lane,
  // index)` is called when a task has been written. False if interrupted.
  template <class AfterTask>
  bool load(std::int64_t first, const Interrupt& interrupt, const AfterTask& after_task) {
    if (law_ && !prepared_) prepare_law(interrupt);
    const bool drawn = law_ && (block_.answers == Answers::drawn_weights || block_.active >= kFewTasks);
    const bool kept = shared_ && prepared_;
    if (!kept) {
      block_.terminal_starts = block_.masked = false;
      block_.any_terminal = batch_.shape().dense && batch_.episodes_per_segment() != 0;  // in some segment
      block_.noisy = 0;
      largest_reward_ = drawn ? law_reach_ : 0.0;
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of = lane < block_.active && !shared_ ? lane : 0;
      block_.task_of[lane] = of;
      block_.first_pair[lane] = of * static_cast<std::int32_t>(lane_pairs_);
      if (lane < block_.active && lane_entries_ > kCellsBetweenPulses && interrupt()) return false;
      if (of < lane) {
        mirror_first(lane);
      } else if (drawn) {
        set_noise(lane, batch_.shape().reward_noise);
      } else if (!kept) {
        write_task(lane, first + lane, interrupt);
      }
      if (lane < block_.active) after_task(lane, first + lane);
    }
    prepared_ = prepared_ || shared_;
    return !drawn || draw_lanes(first, interrupt);
  }

  // Writes a lane's task anew, as it is in a segment of its time. `first` is the block's first task.
  void load_segment(std::int64_t first, int lane, std::int64_t segment, const Interrupt& interrupt) {
    if (lane >= block_.active) return mirror_first(lane);
    block_.noisy &= ~(1u << lane);
    write_task(lane, first + lane, interrupt, segment);
  }

  // Of the tasks loaded, sign aside and with what noise may add.
  double largest_reward() const { return largest_reward_; }

  // Which pairs of the task just written are there to be taken [S][A]; empty if all are.
  const std::vector<std::uint8_t>& available() const { return available_; }

 private:
  void allocate(const TaskSizes& sizes, std::size_t lanes) {
    const Shape& shape = batch_.shape();
    block_.record = sizes.record;
    lane_pairs_ = sizes.pairs;
    lane_entries_ = sizes.entries;
    const std::size_t pairs = lanes * count(lane_pairs_);
    records_ = make_aligned<Real>(pairs * count(block_.record));
    coarse_ = make_aligned<Real>(pairs * count(sizes.kept_row.coarse));
    if (shape.dense) rewards_ = make_aligned<Real>(pairs);
    start_ = make_aligned<Real>(lanes * count(block_.start_row.fine));
    start_coarse_ = make_aligned<Real>(lanes * count(block_.start_row.coarse));
    terminal_ = make_aligned<std::uint8_t>(lanes * count(shape.states));
    lanes_ = lanes;
    if (shape.masked) available_.resize(count(shape.pairs()));
    if (block_.answers == Answers::stored_weights) {
      weights_ = make_aligned<std::int32_t>(pairs * count(shape.states));
    }
    block_.records = records_.get();
    block_.coarse = coarse_.get();
    block_.rewards = rewards_.get();
    block_.weights = weights_.get();
    block_.terminal = terminal_.get();
    block_.start = start_.get();
    block_.start_coarse = start_coarse_.get();
  }

  // What is alike for all tasks of the law is written once.
  void prepare_law(const Interrupt& interrupt) {
    const Shape& shape = batch_.shape();
    const double largest = std::numeric_limits<Real>::max();
    const double farthest = normal_quantile(open_unit(0xFFFFFFFFu));
    law_reach_ = std::max(std::fabs(law_->reward_a), std::fabs(law_->reward_b));
    if (law_->normal_rewards) law_reach_ = std::fabs(law_->reward_a) + farthest * std::fabs(law_->reward_b);
    if (law_->fixed_rewards) law_reach_ = check_rewards<Real>(law_->fixed_rewards, shape.pairs(), 0);
    law_reach_ += kFarthestNoise * shape.reward_noise;
    if (!(law_reach_ <= largest)) {
      std::ostringstream message;
      message << "rewards of this law may reach " << law_reach_ << ", which a table of " << 8 * sizeof(Real)
              << "-bit numbers cannot hold";
      throw std::invalid_argument(message.str());
    }
    check_sums(law_reach_, num_steps_, summed_tasks_);
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      write_start(static_cast<int>(lane), law_->start);
      if (law_->fixed_rewards) write_rewards(static_cast<int>(lane), law_->fixed_rewards, shape.pairs());
    }
    if (block_.answers == Answers::rows) {
      Meter meter(interrupt);
      Real* record = records_.get();
      for (std::int64_t pair = static_cast<std::int64_t>(lanes_) * lane_pairs_; pair > 0; --pair) {
        meter.count(block_.record);
        record = std::fill_n(record, block_.record, Real{2});
      }
    }
    prepared_ = true;
  }

  // Lets the kernel draw the rows and rewards of all lanes' tasks; false if interrupted.
  bool draw_lanes(std::int64_t first, const Interrupt& interrupt) {
    UniformTasks<Real> tasks{};
    for (int lane = 0; lane < kLanes; ++lane) {
      const std::uint64_t id = batch_.ids()[first + block_.task_of[lane]];
      const IndexKey weights = make_index_key(law_->key, id, Purpose::transitions);
      const IndexKey rewards = make_index_key(law_->key, id, Purpose::rewards);
      for (int word = 0; word < 2; ++word) {
        block_.weight_key[word][lane] = tasks.weight_key[word][lane] = weights.word[word];
        tasks.reward_key[word][lane] = rewards.word[word];
      }
    }
    const Shape& shape = batch_.shape();
    tasks.states = shape.states;
    tasks.normal_rewards = law_->normal_rewards;
    tasks.reward_a = law_->reward_a;
    tasks.reward_b = law_->reward_b;
    tasks.row = block_.row;
    tasks.thresholds = block_.answers == Answers::rows ? records_.get() : nullptr;
    tasks.coarse = coarse_.get();
    tasks.rewards = law_->fixed_rewards ? nullptr : rewards_.get();
    tasks.lane_pairs = lane_pairs_;
    tasks.active = block_.active;
    for (tasks.begin = 0; tasks.begin < shape.pairs(); tasks.begin = tasks.end) {
      if (tasks.begin > 0 && interrupt()) return false;
      tasks.end = std::min(tasks.begin + kPairsBetweenPulses, shape.pairs());
      draw(kernels_, tasks);
    }
    return true;
  }

  void mirror_first(int lane) {
    block_.single_start[lane] = block_.single_start[0];
    block_.starts_nowhere[lane] = block_.starts_nowhere[0];
    block_.noise[lane] = block_.noise[0];
    block_.noisy = (block_.noisy & ~(1u << lane)) | (block_.noisy & 1u) << lane;
  }

  void set_noise(int lane, double deviation) {
    block_.noise[lane] = static_cast<Real>(deviation);
    block_.noisy |= static_cast<std::uint32_t>(deviation != 0.0) << lane;
  }

  void write_task(int lane, std::int64_t index, const Interrupt& interrupt, std::int64_t segment = 0) {
    const Shape& shape = batch_.shape();
    if (!buffer_) buffer_.emplace(shape);
    const TaskView task = batch_.load(index, *buffer_, interrupt, segment);
    Meter meter(interrupt);
    const double reach = check_rewards<Real>(task, shape.rewards(), index);
    check_sums(reach, num_steps_, summed_tasks_);
    largest_reward_ = std::max(largest_reward_, reach);
    set_noise(lane, task.reward_noise);
    write_start(lane, task.start);
    write_terminal(lane, task);
    for (std::int64_t pair = 0; shape.masked && pair < shape.pairs(); ++pair) {
      available_[count(pair)] = metarl_fast::available(shape, task, pair);
      block_.masked |= !available_[count(pair)];
    }
    const std::int64_t first_pair = lane * lane_pairs_;
    if (block_.answers == Answers::stored_weights) {
      write_weights(task, weights_.get() + first_pair * shape.states, meter);
    } else {
      for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
        meter.count(shape.outcomes);
        write_thresholds(task.probability + pair * shape.outcomes, shape.outcomes, block_.row,
                         records_.get() + (first_pair + pair) * block_.record,
                         coarse_.get() + (first_pair + pair) * block_.row.coarse);
      }
    }
    if (!shape.dense) {
      write_outcomes(task, records_.get() + first_pair * block_.record, meter);
      return;
    }
    write_rewards(lane, task.reward, shape.pairs());
  }

  void write_terminal(int lane, const TaskView& task) {
    const std::int64_t states = batch_.shape().states;
    std::uint8_t* terminal = terminal_.get() + lane * states;
    std::copy_n(task.terminal, states, terminal);
    bool starts = false;
    bool starts_elsewhere = false;
    for (std::int64_t s = 0; s < states; ++s) {
      block_.any_terminal |= batch_.shape().dense && terminal[s];
      starts |= terminal[s] && task.start[s] > 0.0;
      starts_elsewhere |= !terminal[s] && task.start[s] > 0.0;
    }
    block_.terminal_starts |= starts;
    block_.starts_nowhere[lane] = !starts_elsewhere;
  }

  void write_weights(const TaskView& task, std::int32_t* weights, Meter& meter) const {
    const Shape& shape = batch_.shape();
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      meter.count(shape.states);
      for (std::int64_t k = 0; k < shape.states; ++k) {
        const std::int64_t place = pair * shape.states + k;
        weights[place] = static_cast<std::int32_t>(task.probability[place] / task.scale[pair] + 0.5);
      }
    }
  }

  void write_outcomes(const TaskView& task, Real* record, Meter& meter) const {
    const Shape& shape = batch_.shape();
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair, record += block_.record) {
      meter.count(shape.outcomes);
      Real* rewards = record + block_.row.fine;
      auto* successors = reinterpret_cast<std::int32_t*>(rewards + block_.row.outcomes());
      for (std::int64_t k = 0; k < shape.outcomes; ++k) {
        const std::int64_t from = pair * shape.outcomes + k;
        rewards[k] = without_minus_zero(task.reward[from]);
        // Checked when the batch was made; whoever moves the data since then must not move us out of tables.
        const std::int32_t next = std::clamp(task.next_state[from], 0, block_.states - 1);
        successors[k] = task.terminated[from] ? ~next : next;
      }
    }
  }

  void write_rewards(int lane, const double* rewards, std::int64_t pairs) {
    std::transform(rewards, rewards + pairs, rewards_.get() + lane * lane_pairs_, without_minus_zero);
  }

  void write_start(int lane, const double* start) {
    block_.single_start[lane] = only_state(start);
    block_.starts_nowhere[lane] = false;
    write_thresholds(start, batch_.shape().states, block_.start_row,
                     start_.get() + lane * block_.start_row.fine,
                     start_coarse_.get() + lane * block_.start_row.coarse);
  }

  // With rewards free of -0 no result depends on the sign of a zero, which a maximum leaves open.
  static Real without_minus_zero(double reward) { return static_cast<Real>(reward) + Real{0}; }

  // The start state when there is but one, else -1.
  std::int32_t only_state(const double* start) const {
    const double* end = start + block_.states;
    const double* first = std::find_if(start, end, [](double p) { return p > 0.0; });
    const bool alone = first != end && std::all_of(first + 1, end, [](double p) { return p == 0.0; });
    return alone ? static_cast<std::int32_t>(first - start) : -1;
  }

  const TaskBatch& batch_;
  Block<Real>& block_;
  const Kernels& kernels_;
  std::optional<UniformLaw> law_;
  std::optional<TaskBuffer> buffer_;
  std::int64_t num_steps_, summed_tasks_;
  std::int64_t lane_pairs_, lane_entries_;
  std::size_t lanes_ = 0;
  bool shared_ = false;
  bool prepared_ = false;  // what is alike for all tasks
  double law_reach_ = 0.0, largest_reward_ = 0.0;
  AlignedArray<Real> records_, coarse_, rewards_, start_, start_coarse_;
  AlignedArray<std::int32_t> weights_;
  AlignedArray<std::uint8_t> terminal_;
  std::vector<std::uint8_t> available_;
};

}  // namespace metarl_fast
