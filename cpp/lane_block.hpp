// SPDX-License-Identifier: MIT
// Puts tasks into the lanes of the kernel: tables, streams, initial action values and places for results.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "aligned.hpp"
#include "engine.hpp"
#include "interrupt.hpp"
#include "kernel/kernel.hpp"
#include "lane_limits.hpp"
#include "learners/rule.hpp"
#include "rng.hpp"

namespace metarl_fast {

// About 0.2 ms of work: the longest a block runs between two looks at the cancellation flag.
constexpr std::int64_t kStepsBetweenPulses = 4096;
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

// The first run has the key itself; the others have keys that Philox makes of it and of the run, under a
// counter that no stream has.
inline std::uint64_t key_of_run(std::uint64_t key, std::int64_t run) {
  if (run == 0) return key;
  const Philox4x32 counter{{static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run >> 32), 0, ~0u}};
  const Philox4x32 block =
      philox4x32(counter, static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32));
  return std::uint64_t{block.word[1]} << 32 | block.word[0];
}

inline std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }

inline void advance(const Kernels& k, Block<float>& b, std::int64_t steps) { k.advance_float(b, steps); }
inline void advance(const Kernels& k, Block<double>& b, std::int64_t steps) { k.advance_double(b, steps); }
inline void begin(const Kernels& k, Block<float>& b) { k.begin_float(b); }
inline void begin(const Kernels& k, Block<double>& b) { k.begin_double(b); }
inline void draw(const Kernels& k, UniformTasks<float>& tasks) { k.draw_float(tasks); }
inline void draw(const Kernels& k, UniformTasks<double>& tasks) { k.draw_double(tasks); }

inline bool needs_visits(const Learner& learner) {
  return learner.learning_rate_decay != 0.0 || learner.bonus != 0.0;
}
inline bool has_traces(const Learner& learner) {
  return learner.rule == Rule::q_lambda || learner.rule == Rule::sarsa_lambda;
}

// One thread's scratch for a block of tasks: the tables of all lanes and the task being read.
template <class Real>
class LaneBlock {
 public:
  LaneBlock(const TaskBatch& batch, const Learner& learner, const Schedule& schedule,
            const TrainArrays<Real>& arrays)
      : batch_(batch),
        schedule_(schedule),
        arrays_(arrays),
        kernels_(kernels()),
        law_(batch.uniform_law()),
        longest_(longest_episode(schedule, batch.size())) {
    const Shape& shape = batch.shape();
    set_run(shape, learner);
    const std::size_t lanes = count(std::min<std::int64_t>(kLanes, batch.size()));
    allocate_task(shape, lanes);
    allocate_learner(shape, lanes);
    lanes_ = lanes;
    if (arrays.mean_returns) block_returns_.resize(lanes * count(schedule.num_episodes));
  }

  // Runs the block'th kLanes tasks; returns how many, or 0 if interrupted.
  std::int64_t run(std::int64_t block_index, const Interrupt& interrupt) {
    if (law_ && !prepared_) prepare_law(interrupt);
    const std::int64_t first = block_index * kLanes;
    block_.active = static_cast<int>(std::min<std::int64_t>(kLanes, batch_.size() - first));
    const bool drawn = law_ && (block_.answers == Answers::drawn_weights || block_.active >= kFewTasks);
    block_.any_terminal = block_.terminal_starts = block_.masked = false;
    block_.noisy = 0;
    largest_reward_ = drawn ? law_reach_ : 0.0;
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of = lane < block_.active ? lane : 0;  // the others mirror the first
      block_.task_of[lane] = of;
      block_.first_pair[lane] = of * static_cast<std::int32_t>(lane_pairs_);
      block_.first_cell[lane] = of * static_cast<std::int32_t>(q_cells_);
      set_stream(lane, first + of);
      block_.outputs[lane] = {};
      block_.num_steps[lane] = static_cast<std::int32_t>(
          schedule_.num_steps_of ? schedule_.num_steps_of[first + of] : schedule_.num_steps);
      if (lane >= block_.active) {
        mirror_first(lane);
        continue;
      }
      if (lane_entries_ > kCellsBetweenPulses && interrupt()) return 0;
      if (drawn) {
        set_noise(lane, batch_.shape().reward_noise);
      } else {
        write_task(lane, first + lane, interrupt);
      }
      write_table(lane, first + lane);
      block_.outputs[lane] = outputs(first + lane, lane);
    }
    if (drawn && !draw_lanes(first, interrupt)) return 0;
    block_.may_overflow = may_overflow();
    block_.stop_requested = interrupt.requested;
    block_.stop_context = interrupt.context;
    block_.stopped = false;
    begin(kernels_, block_);
    while (block_.unfinished > 0) {
      if (interrupt()) return 0;
      advance(kernels_, block_, steps_between_pulses());
    }
    return block_.active;
  }

  // The returns [num_episodes] of a task of the block that has just run.
  const double* returns(std::int64_t lane) const { return block_.outputs[lane].returns; }

 private:
  void set_run(const Shape& shape, const Learner& learner) {
    block_.states = static_cast<std::int32_t>(shape.states);
    block_.actions = static_cast<std::int32_t>(shape.actions);
    const bool rejection = shape.sampling == Sampling::rejection;
    block_.answers = rejection     ? law_ ? Answers::drawn_weights : Answers::stored_weights
                     : shape.dense ? Answers::rows
                                   : Answers::outcome_lists;
    block_.row = Row::for_outcomes(shape.outcomes);
    block_.start_row = Row::for_outcomes(shape.states);
    block_.q_stride = (shape.actions + 7) / 8 * 8;
    block_.num_episodes = static_cast<std::int32_t>(schedule_.num_episodes);
    block_.continuing = schedule_.continuing;
    block_.learner = learner;
    const double* exploration = learner.exploration;
    block_.same_exploration = learner.behaviour == Behaviour::uniform ||
                              std::all_of(exploration, exploration + learner.num_explorations,
                                          [&](double value) { return value == exploration[0]; });
    block_.discount = static_cast<Real>(learner.discount);
    block_.num_snapshots = arrays_.num_snapshots;
    block_.snapshot_episodes = arrays_.snapshot_episodes;
  }

  void allocate_task(const Shape& shape, std::size_t lanes) {
    const bool has_rows = shape.sampling == Sampling::inverse;
    const Row row = has_rows ? block_.row : Row{0, 0};
    block_.record = shape.dense ? row.fine : record_of_lists(row.fine);
    const std::int64_t pairs_a_line =
        std::max<std::int64_t>(1, kLine / std::max<std::int64_t>(1, block_.record));
    lane_pairs_ = odd_multiple(shape.pairs(), pairs_a_line);
    lane_entries_ = shape.pairs() * (has_rows || !law_ ? shape.outcomes : 1);
    const std::size_t pairs = lanes * count(lane_pairs_);
    records_ = make_aligned<Real>(pairs * count(block_.record));
    coarse_ = make_aligned<Real>(pairs * count(row.coarse));
    if (shape.dense) rewards_ = make_aligned<Real>(pairs);
    start_ = make_aligned<Real>(lanes * count(block_.start_row.fine));
    start_coarse_ = make_aligned<Real>(lanes * count(block_.start_row.coarse));
    terminal_ = make_aligned<std::uint8_t>(lanes * count(shape.states));
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

  void allocate_learner(const Shape& shape, std::size_t lanes) {
    const Learner& learner = block_.learner;
    const std::int64_t table = odd_multiple(shape.states * block_.q_stride, kLine);
    const bool two_tables = learner.rule == Rule::double_q_learning;
    q_cells_ = two_tables ? 2 * table + kLine : table;
    block_.second_table = two_tables ? static_cast<std::int32_t>(table) : 0;
    q_table_ = make_aligned<Real>(lanes * count(q_cells_));
    block_.q_table = q_table_.get();
    initial_.resize(count(shape.states * block_.q_stride), -std::numeric_limits<Real>::infinity());
    if (!arrays_.initial_per_task) pad_initial(arrays_.initial_table);
    if (needs_visits(learner)) {
      visits_ = make_aligned<Count<Real>>(lanes * count(q_cells_));
      block_.visits = visits_.get();
      visit_tile_ = make_aligned<Count<Real>>((two_tables ? 2 : 1) * kLanes * count(block_.q_stride));
      block_.visit_tile = reinterpret_cast<Count<Real>(*)[kLanes]>(visit_tile_.get());
    }
    if (has_traces(learner)) {
      block_.trace_room = trace_room(learner, schedule_.continuing, longest_, shape);
      trace_cells_ = make_aligned<std::int32_t>(lanes * count(block_.trace_room));
      traces_ = make_aligned<Real>(lanes * count(block_.trace_room));
      block_.trace_cells = trace_cells_.get();
      block_.traces = traces_.get();
    }
    const std::size_t column = count(block_.q_stride);
    tiles_ = make_aligned<Real>(3 * kLanes * column);
    block_.tile = reinterpret_cast<Real(*)[kLanes]>(tiles_.get());
    block_.next_tile = block_.tile + block_.q_stride;
    block_.preference = block_.next_tile + block_.q_stride;
    if (learner.behaviour == Behaviour::softmax) softmax_ = make_aligned<double>(kLanes * column);
    block_.softmax = reinterpret_cast<double(*)[kLanes]>(softmax_.get());
    row_of_one_.resize(column);
    block_.row_of_one = row_of_one_.data();
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
    check_sums(law_reach_, longest_, summed_tasks());
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

  // Steps are longer where many actions are compared or traces followed.
  std::int64_t steps_between_pulses() const {
    const std::int64_t softmax = block_.learner.behaviour == Behaviour::softmax ? 8 : 1;
    const std::int64_t cost = 1 + softmax * block_.q_stride / 16 + block_.trace_room / 16;
    return std::max<std::int64_t>(1, kStepsBetweenPulses / cost);
  }

  // Values stay within the rewards of all steps that count, and where they began. With traces they may not.
  bool may_overflow() const {
    const auto discount = static_cast<double>(block_.discount);
    const double steps = static_cast<double>(schedule_.num_episodes) * static_cast<double>(longest_);
    const double steps_that_count = std::min(steps, 1.0 / (1.0 - discount)) + 1.0;
    return !(largest_initial_ + largest_reward_ * steps_that_count <
             0x1p-4 * static_cast<double>(kLargestValue<Real>));
  }

  // Over how many tasks returns are summed.
  std::int64_t summed_tasks() const { return arrays_.mean_returns ? batch_.size() : 1; }

  void mirror_first(int lane) {
    block_.single_start[lane] = block_.single_start[0];
    block_.starts_nowhere[lane] = block_.starts_nowhere[0];
    block_.noise[lane] = block_.noise[0];
    block_.noisy |= (block_.noisy & 1u) << lane;
  }

  void set_noise(int lane, double deviation) {
    block_.noise[lane] = static_cast<Real>(deviation);
    block_.noisy |= static_cast<std::uint32_t>(deviation != 0.0) << lane;
  }

  void write_task(int lane, std::int64_t index, const Interrupt& interrupt) {
    const Shape& shape = batch_.shape();
    if (!buffer_) buffer_.emplace(shape);
    const TaskView task = batch_.load(index, *buffer_, interrupt);
    Meter meter(interrupt);
    const double reach = check_rewards<Real>(task, shape.rewards(), index);
    check_sums(reach, longest_, summed_tasks());
    largest_reward_ = std::max(largest_reward_, reach);
    set_noise(lane, task.reward_noise);
    write_start(lane, task.start);
    write_terminal(lane, task);
    for (std::int64_t pair = 0; shape.masked && pair < shape.pairs(); ++pair) {
      available_[count(pair)] = available(shape, task, pair);
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

  // Thresholds, rewards and successors, in whole lines.
  static std::int64_t record_of_lists(std::int64_t fine) {
    constexpr auto kReals = static_cast<std::int64_t>(kCacheLine / sizeof(Real));
    const std::int64_t successors = (fine * 4 + std::int64_t{sizeof(Real)} - 1) / std::int64_t{sizeof(Real)};
    return (2 * fine + successors + kReals - 1) / kReals * kReals;
  }

  void write_outcomes(const TaskView& task, Real* record, Meter& meter) const {
    const Shape& shape = batch_.shape();
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair, record += block_.record) {
      meter.count(shape.outcomes);
      Real* rewards = record + block_.row.fine;
      auto* successors = reinterpret_cast<std::int32_t*>(record + 2 * block_.row.fine);
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

  // The initial table in the kernel's layout.
  void pad_initial(const Real* initial) {
    const Shape& shape = batch_.shape();
    for (std::int64_t s = 0; s < shape.states; ++s) {
      std::copy_n(initial + s * shape.actions, shape.actions, initial_.begin() + s * block_.q_stride);
    }
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      const auto value = static_cast<double>(initial[pair]);
      if (shape.masked && value == -kInfinity) continue;  // looked at task by task
      require(std::fabs(value) <= static_cast<double>(kLargestValue<Real>), "an initial action value", value,
              "within 2^126 in a table of floats, 2^1022 in one of doubles");
      largest_initial_ = std::max(largest_initial_, std::fabs(value));
    }
  }

  void write_table(int lane, std::int64_t index) {
    if (arrays_.initial_per_task) {
      pad_initial(arrays_.initial_table + index / schedule_.num_runs * batch_.shape().pairs());
    }
    Real* q = q_table_.get() + lane * q_cells_;
    std::copy(initial_.begin(), initial_.end(), q);
    if (batch_.shape().masked) mask_table(q, index);
    if (block_.second_table != 0) std::copy_n(q, initial_.size(), q + block_.second_table);
    if (visits_) std::fill_n(visits_.get() + lane * q_cells_, q_cells_, Count<Real>{0});
  }

  // Actions that are not available have the value -infinity, whatever the initial table says; no others have.
  void mask_table(Real* q, std::int64_t index) const {
    const Shape& shape = batch_.shape();
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      Real& value = q[pair / shape.actions * block_.q_stride + pair % shape.actions];
      if (!available_[count(pair)]) value = static_cast<Real>(-kInfinity);
      if (!available_[count(pair)] || value != static_cast<Real>(-kInfinity)) continue;
      std::ostringstream message;
      message << "initial_table[task=" << index << ", state=" << pair / shape.actions
              << ", action=" << pair % shape.actions
              << "] is -inf, expected a finite number: the action is available there";
      throw std::invalid_argument(message.str());
    }
  }

  void set_stream(int lane, std::int64_t index) {
    const std::uint64_t key = key_of_run(schedule_.key, index % schedule_.num_runs);
    const Stream stream = make_stream(key, batch_.ids()[index], Purpose::learning);
    for (int word = 0; word < 4; ++word) block_.rng[word][lane] = stream.s[word];
  }

  LaneOutputs<Real> outputs(std::int64_t index, int lane) {
    const Shape& shape = batch_.shape();
    LaneOutputs<Real> out{};
    if (arrays_.mean_returns) out.returns = block_returns_.data() + lane * schedule_.num_episodes;
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
  std::optional<UniformLaw> law_;
  std::optional<TaskBuffer> buffer_;
  std::int64_t longest_;  // episode
  Block<Real> block_{};
  std::int64_t lane_pairs_, lane_entries_, q_cells_;
  std::size_t lanes_ = 0;
  bool prepared_ = false;
  double law_reach_ = 0.0, largest_reward_ = 0.0, largest_initial_ = 0.0;
  AlignedArray<Real> records_, coarse_, rewards_, start_, start_coarse_, q_table_, tiles_, traces_;
  AlignedArray<double> softmax_;
  AlignedArray<std::int32_t> weights_, trace_cells_;
  AlignedArray<std::uint8_t> terminal_;
  AlignedArray<Count<Real>> visits_, visit_tile_;
  std::vector<Real> initial_, row_of_one_;
  std::vector<double> block_returns_;
  std::vector<std::uint8_t> available_;  // [S][A] of the task just written, where some may not be
};

}  // namespace metarl_fast
