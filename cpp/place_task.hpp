// SPDX-License-Identifier: MIT
// The task in one place of a vector simulator: small ones as tables, which places of one task share; others
// as a Simulator.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "answer_table.hpp"
#include "mdp.hpp"
#include "simulator.hpp"

namespace metarl_fast {

// Tasks for places. An episode has `limits[k]` steps in the batch's task k, or `limit`, 0 for no limit.
struct TaskSupply {
  std::shared_ptr<const TaskBatch> batch;
  std::int64_t limit = 0;
  std::vector<std::int64_t> limits;

  std::int64_t limit_of(std::int64_t index) const {
    return limits.empty() ? limit : limits[static_cast<std::size_t>(index)];
  }
};

template <class Real>
class PlaceTask {
 public:
  bool terminal(std::int32_t state) const {
    return table_ ? table_->terminal(state) : simulator_->terminal(state);
  }
  bool has(std::int64_t state, std::int64_t action) const {
    const Shape& of = shape();
    const std::int64_t pair = state * of.actions + action;
    if (table_) return table_->has(pair);
    return !of.masked || available(of, simulator_->task(), pair);
  }
  std::int32_t reset(Stream& stream) const {
    return table_ ? table_->reset(stream) : simulator_->reset(stream);
  }
  Answer step(std::int32_t state, std::int32_t action, Stream& stream) const {
    if (!records_) return simulator_->step(state, action, stream);
    return AnswerTable<Real>::answer(records_, *layout_, ends_, noisy_, table_.get(), state, action, stream);
  }
  // Has the processor fetch what this step will read.
  void prefetch(std::int64_t state, std::int64_t action) const {
    if (records_) __builtin_prefetch(records_ + (state * layout_->actions + action) * layout_->stride);
  }

  bool masked() const { return masked_; }
  explicit operator bool() const { return supply_ != nullptr; }
  const Shape& shape() const { return supply_->batch->shape(); }
  std::uint64_t id() const { return supply_->batch->ids()[index_]; }
  std::int64_t limit() const { return supply_->limit_of(index_); }
  std::int64_t episodes_per_segment() const { return supply_->batch->episodes_per_segment(); }

 private:
  template <class>
  friend class TaskLoader;

  void look_up(std::shared_ptr<const AnswerTable<Real>> table) {
    table_ = std::move(table);
    records_ = table_ ? table_->records() : nullptr;
    layout_ = table_ ? &table_->layout() : nullptr;
    ends_ = table_ && table_->ends();
    noisy_ = table_ && table_->noisy();
  }

  // What every step reads comes first, to lie in one cache line with what is before it in a place.
  const unsigned char* records_ = nullptr;  // of the table
  const RecordLayout* layout_ = nullptr;
  bool ends_ = false;
  bool noisy_ = false;
  bool masked_ = false;
  std::shared_ptr<const AnswerTable<Real>> table_;
  std::unique_ptr<Simulator<Real>> simulator_;
  std::shared_ptr<const TaskSupply> supply_;
  std::int64_t index_ = 0;
};

// Puts tasks into places; one for each thread.
template <class Real>
class TaskLoader {
 public:
  using Supply = std::shared_ptr<const TaskSupply>;

  void load(PlaceTask<Real>& into, const Supply& supply, std::int64_t index, std::int64_t segment = 0) {
    const TaskBatch& batch = *supply->batch;
    if (index >= batch.size()) throw std::out_of_range("no task is left");
    into.supply_ = supply;
    into.index_ = index;
    into.masked_ = batch.shape().masked;
    if (!AnswerTable<Real>::suits(batch.shape())) {
      into.look_up(nullptr);
      into.simulator_ = std::make_unique<Simulator<Real>>(batch);
      into.simulator_->load(index, {}, segment);
      const TaskFormula* formula = into.simulator_->formula();
      if (!formula) check_start(batch.shape(), into.simulator_->task());
      if (formula && formula->terminal(formula->start())) refuse_start();
      return;
    }
    into.simulator_ = nullptr;
    if (supply != supply_ || index != index_ || segment != segment_) make_table(supply, index, segment);
    into.look_up(table_);
  }

  void load_segment(PlaceTask<Real>& place, std::int64_t segment) {
    const Supply supply = place.supply_;
    load(place, supply, place.index_, segment);
  }

 private:
  void make_table(const Supply& supply, std::int64_t index, std::int64_t segment) {
    const TaskBatch& batch = *supply->batch;
    if (!supply_ || supply_->batch != supply->batch) {
      buffer_.emplace(batch.shape());
      const RecordLayout layout = RecordLayout::of<Real>(batch.shape());
      // Places whose tasks are of one shape share it, so that it is always near.
      if (!layout_ || *layout_ != layout) layout_ = std::make_shared<const RecordLayout>(layout);
    }
    const TaskView task = batch.load(index, *buffer_, {}, segment);
    check_start(batch.shape(), task);
    table_ = std::make_shared<const AnswerTable<Real>>(batch.shape(), layout_, task);
    supply_ = supply;
    index_ = index;
    segment_ = segment;
  }

  static void check_start(const Shape& shape, const TaskView& task) {
    for (std::int64_t s = 0; s < shape.states; ++s) {
      if (task.start[s] > 0.0 && !task.terminal[s]) return;
    }
    refuse_start();
  }

  [[noreturn]] static void refuse_start() {
    throw std::invalid_argument("a task starts in terminal states alone: its episodes have no steps");
  }

  std::optional<TaskBuffer> buffer_;
  std::shared_ptr<const RecordLayout> layout_;
  // The last one that was made, for the next place that has it, too.
  Supply supply_;
  std::int64_t index_ = 0;
  std::int64_t segment_ = 0;
  std::shared_ptr<const AnswerTable<Real>> table_;
};

}  // namespace metarl_fast
