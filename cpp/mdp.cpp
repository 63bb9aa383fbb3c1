// SPDX-License-Identifier: MIT
#include "mdp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include "task_checks.hpp"

namespace metarl_fast {
namespace {

constexpr std::uint64_t kIdLimit = std::uint64_t{1} << 56;

[[noreturn]] void reject(const std::ostringstream& message) { throw std::invalid_argument(message.str()); }

void check_id(std::uint64_t id) {
  if (id < kIdLimit) return;
  std::ostringstream message;
  message << "task id " << id << " is too large, expected one below 2^56";
  reject(message);
}

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void require(bool condition, const char* name, double value, const char* expected) {
  if (condition) return;
  std::ostringstream message;
  message << name << " is " << value << ", expected " << expected;
  reject(message);
}

bool available(const Shape& shape, const TaskView& task, std::int64_t pair) {
  if (!shape.masked) return true;
  const double* row = task.probability + pair * shape.outcomes;
  return std::any_of(row, row + shape.outcomes, [](double p) { return p != 0.0; });
}

double start_value(const Shape& shape, const TaskView& task, const double* values) {
  double expected = 0.0;
  for (std::int64_t s = 0; s < shape.states; ++s) {
    if (task.start[s] != 0.0)
      expected += task.start[s] * values[s];  // where nobody starts it may be infinite
  }
  return expected;
}

TaskBuffer::TaskBuffer(const Shape& shape, bool with_rows)
    : probability(with_rows ? size(shape.probabilities()) : 0),
      next_state(with_rows && !shape.dense ? size(shape.probabilities()) : 0),
      reward(size(shape.rewards())),
      terminated(size(shape.terminations())),
      terminal(size(shape.states)),
      start(size(shape.states)),
      scale(with_rows && shape.sampling == Sampling::rejection ? size(shape.pairs()) : 0),
      reward_noise(shape.reward_noise) {}

double TaskBuffer::bytes(const Shape& shape, bool with_rows) {
  const auto pairs = static_cast<double>(shape.states) * static_cast<double>(shape.actions);
  const double outcomes = pairs * static_cast<double>(shape.outcomes);
  const double lists = shape.dense ? 0.0 : outcomes * (sizeof(std::int32_t) + sizeof(std::uint8_t));
  const double scale = shape.sampling == Sampling::rejection ? pairs * sizeof(double) : 0.0;
  return (shape.dense ? pairs : outcomes) * sizeof(double) +
         (with_rows ? outcomes * sizeof(double) + lists + scale : 0.0) +
         static_cast<double>(shape.states) * (sizeof(double) + sizeof(std::uint8_t));
}

TaskView TaskBuffer::view() const {
  return {probability.data(), next_state.data(), reward.data(), terminated.data(),
          terminal.data(),    start.data(),      scale.data(),  reward_noise};
}

TaskBatch::TaskBatch(const Shape& shape, TaskIds ids) : shape_(shape), ids_(std::move(ids)) {
  check_shape(shape_);
  if (ids_.count < 0) {
    std::ostringstream message;
    message << "a batch of " << ids_.count << " tasks, expected a count >= 0";
    reject(message);
  }
  if (ids_.list) {
    for (std::int64_t i = 0; i < ids_.count; ++i) check_id(ids_[i]);
  } else if (ids_.count > 0) {
    check_id(ids_.first);  // before the last one, which wraps around if the first is too large
    check_id(ids_[ids_.count - 1]);
  }
}

StoredTasks::StoredTasks(const Shape& shape, TaskIds ids, TaskArrays arrays, const Interrupt& interrupt)
    : TaskBatch(shape, std::move(ids)), arrays_(std::move(arrays)) {
  for (std::int64_t index = 0, looked = 0; index < size(); ++index) {
    if ((index - looked) * shape.probabilities() >= kCellsBetweenLooks) {
      interrupt();
      looked = index;
    }
    const TaskView task = at(index);
    check_task(shape, task, index);
    require(task.reward_noise >= 0.0 && std::isfinite(task.reward_noise), "reward_noise", task.reward_noise,
            "a finite number >= 0");
    if (index == 0 || arrays_.start_stride != 0) {
      const std::string name = "start[task=" + std::to_string(index) + "]";
      check_sum(sum_of_probabilities(task.start, shape.states, name), name);
    }
  }
}

TaskView StoredTasks::at(std::int64_t index) const {
  TaskView task = arrays_.first;
  task.probability += index * shape().probabilities();
  if (!shape().dense) task.next_state += index * shape().probabilities();
  task.reward += index * shape().rewards();
  task.terminated += index * shape().terminations();
  task.terminal += index * arrays_.terminal_stride;
  task.start += index * arrays_.start_stride;
  if (arrays_.reward_noise) task.reward_noise = arrays_.reward_noise[index * arrays_.noise_stride];
  if (shape().sampling == Sampling::rejection) task.scale += index * shape().pairs();
  return task;
}

TaskView StoredTasks::do_load(std::int64_t index, std::int64_t, TaskBuffer&, const Interrupt&) const {
  return at(index);
}

}  // namespace metarl_fast
