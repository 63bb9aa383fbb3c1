// SPDX-License-Identifier: MIT
// Runs a temporal-difference learner on a block of tasks: action values, streams and places for results
// beside the tasks in the lanes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "../aligned.hpp"
#include "../interrupt.hpp"
#include "../kernel/kernel.hpp"
#include "../learners/learner.hpp"
#include "../learners/rule.hpp"
#include "../learners/rules.hpp"
#include "../rng.hpp"
#include "initial_table.hpp"
#include "lane_tasks.hpp"
#include "learning_stream.hpp"
#include "limits.hpp"

namespace metarl_fast {

// About 0.2 ms of work: the longest a block runs between two looks at the cancellation flag.
constexpr std::int64_t kStepsBetweenPulses = 4096;

inline void advance(const Kernels& k, Block<float>& b, std::int64_t steps) { k.advance_float(b, steps); }
inline void advance(const Kernels& k, Block<double>& b, std::int64_t steps) { k.advance_double(b, steps); }
inline void begin(const Kernels& k, Block<float>& b) { k.begin_float(b); }
inline void begin(const Kernels& k, Block<double>& b) { k.begin_double(b); }

// How many entries a lane has for the learner.
struct LaneSizes {
  LaneSizes(const Shape& shape, const TdSettings& learner, bool continuing, std::int64_t longest)
      : q_stride((shape.actions + 7) / 8 * 8),
        table(odd_multiple(shape.states * q_stride, kLine)),
        num_tables(number_of_tables(learner.rule)),
        cells(num_tables == 2 ? 2 * table + kLine : table),
        counts_visits(learner.learning_rate_decay != 0.0 || learner.bonus != 0.0),
        traces(has_traces(learner.rule) ? trace_room(learner, continuing, longest, shape) : 0),
        softmax(learner.behaviour == Behaviour::softmax) {}

  // Of so many lanes, in numbers of `real` bytes: tables, and rows turned for the kernel.
  double bytes(std::int64_t lanes, double real) const {
    const double tables = static_cast<double>(cells) * real * (counts_visits ? 2.0 : 1.0) +
                          static_cast<double>(traces) * (real + sizeof(std::int32_t));
    const double rows = static_cast<double>(q_stride) *
                        (real * (3 + (counts_visits ? num_tables : 0)) + (softmax ? sizeof(double) : 0.0));
    const double shared = real * static_cast<double>(table + q_stride);  // the initial table, one row
    return static_cast<double>(lanes) * tables + kLanes * rows + shared;
  }

  // What each lane hands on to a run that continues this one.
  CarriedSizes carried(bool continuing) const {
    return {num_tables, counts_visits ? num_tables : 0, continuing ? traces : 0};
  }

  std::int64_t q_stride;  // from a state's values to the next one's
  std::int64_t table;     // cells of one table
  int num_tables;
  std::int64_t cells;
  bool counts_visits;
  std::int64_t traces;
  bool softmax;
};

// One thread's scratch for a block of tasks: the tables of all lanes and the task being read.
template <class Real>
class LaneWorker final : public Worker {
 public:
  LaneWorker(const TaskBatch& batch, const TdSettings& learner, const Schedule& schedule,
             const TrainArrays<Real>& arrays)
      : batch_(batch),
        schedule_(schedule),
        arrays_(arrays),
        kernels_(kernels()),
        longest_(longest_episode(schedule, batch.size())),
        tasks_(batch, block_, longest_, arrays.return_sums ? batch.size() : 1) {
    const std::size_t lanes = count(std::min<std::int64_t>(kLanes, batch.size()));
    set_run(batch.shape(), learner);
    allocate_learner(batch.shape(), LaneSizes(batch.shape(), learner, schedule.continuing, longest_), lanes);
    if (arrays.return_sums) block_returns_.resize(lanes * count(episodes_of(schedule)));
    if (arrays_.history.length) recording_ = make_aligned<Recording<Real>>(1);
    block_.recording = recording_.get();
  }

  LaneWorker(const LaneWorker&) = delete;  // its tasks know where its block is
  LaneWorker& operator=(const LaneWorker&) = delete;

  // Runs the block'th kLanes tasks; returns how many, or 0 if interrupted.
  std::int64_t run(std::int64_t block_index, const Interrupt& interrupt) override {
    const std::int64_t first = block_index * kLanes;
    block_.active = static_cast<int>(std::min<std::int64_t>(kLanes, batch_.size() - first));
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of = lane < block_.active ? lane : 0;  // the others mirror the first
      block_.first_cell[lane] = of * static_cast<std::int32_t>(q_cells_);
      set_standing(lane, first + of);
      block_.outputs[lane] = lane < block_.active ? outputs(first + lane, lane) : LaneOutputs<Real>{};
      block_.num_steps[lane] = static_cast<std::int32_t>(steps_of(schedule_, first + of));
    }
    const auto write = [this](int lane, std::int64_t index) { write_table(lane, index); };
    if (!tasks_.load(first, interrupt, write)) return 0;
    if (block_.learner.sees_reset) {
      const std::int32_t* start = block_.single_start;
      const bool there = std::all_of(start, start + block_.active, [](std::int32_t s) { return s >= 0; });
      require_only_start(there && !block_.terminal_starts);
    }
    block_.may_overflow = block_.episodes_per_segment != 0 || may_overflow();
    first_ = first;
    interrupt_ = &interrupt;
    block_.stop_requested = interrupt.requested;
    block_.stop_context = interrupt.context;
    block_.stopped = false;
    begin(kernels_, block_);
    if (block_.recording) begin_history();
    while (block_.unfinished > 0) {
      if (interrupt()) return 0;
      advance(kernels_, block_, steps_between_pulses());
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    }
    return block_.active;
  }

  // The returns [episodes] of a task of the block that has just run.
  const double* returns(std::int64_t lane) const override { return block_.outputs[lane].returns; }

 private:
  void set_run(const Shape& shape, const TdSettings& learner) {
    block_.states = static_cast<std::int32_t>(shape.states);
    block_.actions = static_cast<std::int32_t>(shape.actions);
    block_.num_episodes = static_cast<std::int32_t>(schedule_.num_episodes);
    block_.first_episode = static_cast<std::int32_t>(schedule_.first_episode);
    block_.continuing = schedule_.continuing;
    block_.learner = learner;
    const double* exploration = learner.exploration;
    block_.same_exploration = learner.behaviour == Behaviour::uniform ||
                              std::all_of(exploration, exploration + learner.num_explorations,
                                          [&](double value) { return value == exploration[0]; });
    block_.discount = static_cast<Real>(learner.discount);
    block_.episodes_per_segment =
        static_cast<std::int32_t>(std::min(batch_.episodes_per_segment(), kMostEpisodes));
    block_.enter_segment = &enter_segment;
    block_.worker = this;
    block_.num_snapshots = arrays_.num_snapshots;
    block_.snapshot_episodes = arrays_.snapshot_episodes;
  }

  void allocate_learner(const Shape& shape, const LaneSizes& sizes, std::size_t lanes) {
    q_cells_ = sizes.cells;
    block_.q_stride = sizes.q_stride;
    block_.second_table = sizes.num_tables == 2 ? static_cast<std::int32_t>(sizes.table) : 0;
    q_table_ = make_aligned<Real>(lanes * count(q_cells_));
    block_.q_table = q_table_.get();
    initial_.resize(count(shape.states * sizes.q_stride), -std::numeric_limits<Real>::infinity());
    if (!arrays_.initial_per_task && !continued()) pad_initial(arrays_.initial_table);
    carried_ = sizes.carried(schedule_.continuing);
    if (sizes.counts_visits) {
      visits_ = make_aligned<Count<Real>>(lanes * count(q_cells_));
      block_.visits = visits_.get();
      visit_tile_ = make_aligned<Count<Real>>(count(sizes.num_tables) * kLanes * count(sizes.q_stride));
      block_.visit_tile = reinterpret_cast<Count<Real>(*)[kLanes]>(visit_tile_.get());
    }
    if (sizes.traces > 0) {
      block_.trace_room = sizes.traces;
      trace_cells_ = make_aligned<std::int32_t>(lanes * count(sizes.traces));
      traces_ = make_aligned<Real>(lanes * count(sizes.traces));
      block_.trace_cells = trace_cells_.get();
      block_.traces = traces_.get();
    }
    const std::size_t column = count(sizes.q_stride);
    tiles_ = make_aligned<Real>(3 * kLanes * column);
    block_.tile = reinterpret_cast<Real(*)[kLanes]>(tiles_.get());
    block_.next_tile = block_.tile + sizes.q_stride;
    block_.preference = block_.next_tile + sizes.q_stride;
    if (sizes.softmax) softmax_ = make_aligned<double>(kLanes * column);
    block_.softmax = reinterpret_cast<double(*)[kLanes]>(softmax_.get());
    row_of_one_.resize(column);
    block_.row_of_one = row_of_one_.data();
  }

  // The kernel, which calls this, bears no exceptions.
  static void enter_segment(void* worker, int lane, std::int32_t segment) {
    auto& self = *static_cast<LaneWorker*>(worker);
    try {
      self.tasks_.load_segment(self.first_, lane, segment, *self.interrupt_);
    } catch (...) {
      self.failure_ = std::current_exception();
      self.block_.stopped = true;
    }
  }

  // Steps are longer where many actions are compared or traces followed.
  std::int64_t steps_between_pulses() const {
    const std::int64_t softmax = block_.learner.behaviour == Behaviour::softmax ? 8 : 1;
    const std::int64_t cost = 1 + softmax * block_.q_stride / 16 + block_.trace_room / 16;
    return std::max<std::int64_t>(kStepsBetweenPulses / cost, 1);
  }

  void begin_history() {
    Recording<Real>& recording = *block_.recording;
    recording.history = arrays_.history;
    recording.first_task = first_;
    recording.active = block_.active;
    recording.logged = 0;
    std::fill_n(recording.recorded, kLanes, 0);
    std::fill_n(recording.own, kLanes, 0);
    std::fill_n(arrays_.history.length + first_, block_.active, 0);
  }

  // Values stay within the rewards of all steps that count, and where they began. With traces they may not.
  bool may_overflow() const {
    const auto discount = static_cast<double>(block_.discount);
    const double steps = static_cast<double>(schedule_.num_episodes) * static_cast<double>(longest_);
    const double steps_that_count = std::min(steps, 1.0 / (1.0 - discount)) + 1.0;
    return !(largest_initial_ + tasks_.largest_reward() * steps_that_count <
             0x1p-4 * static_cast<double>(kLargestValue<Real>));
  }

  // The initial table in the kernel's layout.
  void pad_initial(const Real* initial) {
    const Shape& shape = batch_.shape();
    for (std::int64_t s = 0; s < shape.states; ++s) {
      std::copy_n(initial + s * shape.actions, shape.actions, initial_.begin() + s * block_.q_stride);
    }
    largest_initial_ = std::max(largest_initial_, check_initial_table(initial, shape.pairs(), shape.masked));
  }

  void write_table(int lane, std::int64_t index) {
    const Shape& shape = batch_.shape();
    if (visits_) std::fill_n(visits_.get() + lane * q_cells_, q_cells_, Count<Real>{0});
    if (continued()) return take_over(lane, index);
    if (arrays_.initial_per_task) pad_initial(initial_table_of(arrays_, schedule_, shape.pairs(), index));
    Real* q = q_table_.get() + lane * q_cells_;
    std::copy(initial_.begin(), initial_.end(), q);
    if (shape.masked) mask_table(q, block_.q_stride, shape, tasks_.available(), index);
    if (block_.second_table != 0) std::copy_n(q, initial_.size(), q + block_.second_table);
  }

  bool continued() const { return arrays_.before.standing != nullptr; }

  // The tables, visits and traces of the run that this one continues.
  void take_over(int lane, std::int64_t index) {
    const Shape& shape = batch_.shape();
    const Carried<Real> from = arrays_.before.of(index, carried_, shape.pairs());
    for (std::int64_t t = 0; t < carried_.tables; ++t) {
      Real* q = q_table_.get() + lane * q_cells_ + t * block_.second_table;
      pad_initial(from.tables + t * shape.pairs());
      std::copy(initial_.begin(), initial_.end(), q);
      if (shape.masked) mask_table(q, block_.q_stride, shape, tasks_.available(), index);
    }
    for (std::int64_t t = 0; t < carried_.visits; ++t) {
      Count<Real>* visits = visits_.get() + lane * q_cells_ + t * block_.second_table;
      const Count<Real>* given = from.visits + t * shape.pairs();
      for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
        visits[pair / shape.actions * block_.q_stride + pair % shape.actions] = given[pair];
      }
    }
    for (std::int32_t k = 0; k < block_.num_traces[lane]; ++k) {
      require(from.trace_cells[k] >= 0 && from.trace_cells[k] < q_cells_, "a cell of a trace",
              static_cast<double>(from.trace_cells[k]), "one of the table's");
      trace_cells_.get()[lane * block_.trace_room + k] = block_.first_cell[lane] + from.trace_cells[k];
      traces_.get()[lane * block_.trace_room + k] = from.traces[k];
    }
  }

  // The lane's stream, and where it stands if another run has been there.
  void set_standing(int lane, std::int64_t index) {
    Standing at{};
    if (continued()) {
      at = arrays_.before.standing[index];
      require(at.state >= 0 && at.state < block_.states && at.next_action >= 0 &&
                  at.next_action < block_.actions && at.num_traces >= 0 &&
                  at.num_traces <= (block_.continuing ? block_.trace_room : 0),
              "a state, an action or a number of traces of a run to continue", at.state, "one of the task's");
    } else {
      const Stream stream = learning_stream(schedule_, batch_, index);
      std::copy_n(stream.s, 4, at.stream);
    }
    for (int word = 0; word < 4; ++word) block_.rng[word][lane] = at.stream[word];
    block_.state[lane] = at.state;
    block_.next_action[lane] = at.next_action;
    block_.num_traces[lane] = at.num_traces;
    block_.begun[lane] = at.begun;
  }

  LaneOutputs<Real> outputs(std::int64_t index, int lane) {
    const Shape& shape = batch_.shape();
    LaneOutputs<Real> out{};
    if (arrays_.return_sums) out.returns = block_returns_.data() + lane * episodes_of(schedule_);
    if (arrays_.returns) out.returns = arrays_.returns + index * episodes_of(schedule_);
    if (arrays_.q_table) out.q_table = arrays_.q_table + index * shape.pairs();
    if (arrays_.policy) out.policy = arrays_.policy + index * shape.states;
    if (arrays_.after.standing) out.after = arrays_.after.of(index, carried_, shape.pairs());
    if (arrays_.snapshots) out.snapshots = arrays_.snapshots + index * arrays_.num_snapshots * shape.pairs();
    return out;
  }

  const TaskBatch& batch_;
  const Schedule& schedule_;
  const TrainArrays<Real>& arrays_;
  const Kernels& kernels_;
  std::int64_t longest_;  // episode
  Block<Real> block_{};
  LaneTasks<Real> tasks_;
  std::int64_t q_cells_;
  std::int64_t first_ = 0;  // task of the block that runs
  const Interrupt* interrupt_ = nullptr;
  std::exception_ptr failure_;
  AlignedArray<Recording<Real>> recording_;
  CarriedSizes carried_;
  double largest_initial_ = 0.0;
  AlignedArray<Real> q_table_, tiles_, traces_;
  AlignedArray<double> softmax_;
  AlignedArray<std::int32_t> trace_cells_;
  AlignedArray<Count<Real>> visits_, visit_tile_;
  std::vector<Real> initial_, row_of_one_;
  std::vector<double> block_returns_;
};

}  // namespace metarl_fast
