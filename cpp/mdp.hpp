// SPDX-License-Identifier: MIT
// Tasks and batches of tasks: the memory layout, and how tasks are drawn from.
//
// A task is an outcome list: for each (state, action), K outcomes (probability, next state, reward,
// terminated), as in Gymnasium's toy-text `P`. Two storages, all arrays C-ordered, S states, A actions:
//
//                 dense                                   outcomes
//   probability   [S][A][S], outcome k leads to state k   [S][A][K], unused places hold probability 0
//   next_state    (none)                                  [S][A][K]
//   reward        [S][A]                                  [S][A][K]
//   terminated    (none)                                  [S][A][K]: the episode ends after this outcome
//   terminal      [S]: the episode ends on entering it    [S]: nothing is done there
//   start         [S]                                     [S]
//   scale         [S][A], for rejection only              (none)
//
// A terminal state has value 0, and an episode that would begin there has no steps. Its rows are written as
// staying there for reward 0, so that planners need no special case. A pair whose probabilities are all 0 is
// an action that is not available in that state; only tasks whose shape is `masked` may have such pairs, and
// every state has at least one action that is available.
//
// The sampling rule of most tasks, and of all start states: u uniform in [0, 1) selects the first outcome
// whose cumulative probability (summed in double, in order, then rounded to the table's type) exceeds u; the
// last outcome of positive probability is taken when rounding leaves none.
//
// Dense tasks may instead be drawn from by rejection: probability = weight * scale, with an integer weight
// below 2^24 for each next state. A next state is proposed evenly and accepted if a number below 2^24, drawn
// evenly too, is below its weight; else the next one is proposed.
#pragma once

#include <any>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "interrupt.hpp"
#include "task_formula.hpp"
#include "uniform_law.hpp"

namespace metarl_fast {

// Throws std::invalid_argument saying what `name` is and what was expected.
void require(bool condition, const char* name, double value, const char* expected);

enum class Sampling { inverse, rejection };

struct Shape {
  std::int64_t states = 0;
  std::int64_t actions = 0;
  std::int64_t outcomes = 0;  // K; equals `states` when dense
  bool dense = true;
  double reward_noise = 0.0;  // the largest of any task, see TaskView
  Sampling sampling = Sampling::inverse;
  bool masked = false;  // some actions may not be available

  std::int64_t pairs() const { return states * actions; }
  std::int64_t probabilities() const { return pairs() * outcomes; }
  std::int64_t rewards() const { return dense ? pairs() : probabilities(); }
  std::int64_t terminations() const { return dense ? 0 : probabilities(); }
};

// One task in double precision; pointers into memory that somebody else keeps.
struct TaskView {
  const double* probability = nullptr;
  const std::int32_t* next_state = nullptr;
  const double* reward = nullptr;
  const std::uint8_t* terminated = nullptr;
  const std::uint8_t* terminal = nullptr;
  const double* start = nullptr;
  const double* scale = nullptr;
  double reward_noise = 0.0;  // standard deviation of the Gaussian added to each sampled reward
};

// Whether the pair's action is there to be taken.
bool available(const Shape&, const TaskView&, std::int64_t pair);

// Expectation of a value [S] over the start states.
double start_value(const Shape&, const TaskView&, const double* values);

// Room for one generated task, with or without its rows: `probability`, `next_state` and `scale`.
struct TaskBuffer {
  explicit TaskBuffer(const Shape& shape, bool with_rows = true);
  TaskView view() const;
  static double bytes(const Shape& shape, bool with_rows = true);

  std::vector<double> probability;
  std::vector<std::int32_t> next_state;
  std::vector<double> reward;
  std::vector<std::uint8_t> terminated;
  std::vector<std::uint8_t> terminal;
  std::vector<double> start;
  std::vector<double> scale;
  double reward_noise;
  std::any memory;  // what a family keeps, so as not to draw again what it drew: it decides nothing
};

// Which tasks a batch holds. A task's id names its random streams, so a part of a batch behaves as it did
// in the whole.
struct TaskIds {
  std::uint64_t first = 0;
  std::int64_t count = 0;
  std::shared_ptr<const std::uint64_t> list;  // instead of first, first+1, ... when not null

  std::uint64_t operator[](std::int64_t index) const {
    return list ? list.get()[index] : first + static_cast<std::uint64_t>(index);
  }
};

class TaskBatch {
 public:
  TaskBatch(const Shape& shape, TaskIds ids);
  TaskBatch(const TaskBatch&) = delete;
  TaskBatch& operator=(const TaskBatch&) = delete;
  virtual ~TaskBatch() = default;

  // The task at `index`, written into `buffer` if it does not lie in memory already. Throws Interrupted if
  // asked to stop on the way.
  TaskView load(std::int64_t index, TaskBuffer& buffer, const Interrupt& interrupt = {},
                std::int64_t segment = 0) const {
    return do_load(index, segment, buffer, interrupt);
  }

  // A task may have segments in time. After so many episodes the next one begins; 0 if there is but one.
  virtual std::int64_t episodes_per_segment() const { return 0; }

  // Whether all of its tasks are one and the same, which does not change: whoever has one has all.
  virtual bool is_one_task() const { return false; }

  // The law of a batch that needs nothing but that; its tasks can be loaded into a buffer without rows.
  virtual std::optional<UniformLaw> uniform_law() const { return std::nullopt; }

  // Whether its tasks need not be written out, and the one at `index`, valid as long as the batch; null if
  // they have to be.
  virtual bool has_formula() const { return false; }
  virtual std::unique_ptr<TaskFormula> formula(std::int64_t index) const {
    static_cast<void>(index);
    return nullptr;
  }

  const Shape& shape() const { return shape_; }
  const TaskIds& ids() const { return ids_; }
  std::int64_t size() const { return ids_.count; }

 private:
  virtual TaskView do_load(std::int64_t index, std::int64_t segment, TaskBuffer& buffer,
                           const Interrupt& interrupt) const = 0;

  Shape shape_;
  TaskIds ids_;
};

// Tasks that lie in memory; `owner` keeps it alive. A shared array of starts, terminal states or noise has
// stride 0.
struct TaskArrays {
  TaskView first;
  std::int64_t start_stride = 0;
  std::int64_t terminal_stride = 0;
  const double* reward_noise = nullptr;  // null for none
  std::int64_t noise_stride = 0;
  std::shared_ptr<const void> owner;
};

class StoredTasks final : public TaskBatch {
 public:
  // Throws std::invalid_argument naming the first row that is not a distribution or value that is not finite,
  // and what `interrupt` throws.
  StoredTasks(const Shape& shape, TaskIds ids, TaskArrays arrays, const Interrupt& interrupt = {});

 private:
  TaskView do_load(std::int64_t index, std::int64_t segment, TaskBuffer& buffer,
                   const Interrupt& interrupt) const override;
  TaskView at(std::int64_t index) const;
  TaskArrays arrays_;
};

}  // namespace metarl_fast
