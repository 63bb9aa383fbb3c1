// SPDX-License-Identifier: MIT
#include "mdp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

namespace metarl_fast {
namespace {

// Rows written in float32 miss 1 by about 1e-6.
constexpr double kRowTolerance = 1e-5;
constexpr std::uint64_t kIdLimit = std::uint64_t{1} << 56;

[[noreturn]] void reject(const std::ostringstream& message) { throw std::invalid_argument(message.str()); }

std::string location(std::int64_t task, std::int64_t state, std::int64_t action) {
  std::ostringstream text;
  text << "[task=" << task << ", state=" << state << ", action=" << action << "]";
  return text.str();
}

// Checks one distribution; `name` is called only to build a message.
template <class Name>
void check_distribution(const double* row, std::int64_t size, Name name) {
  double sum = 0.0;
  for (std::int64_t k = 0; k < size; ++k) {
    if (!(row[k] >= 0.0) || !std::isfinite(row[k])) {
      std::ostringstream message;
      message << name() << " has probability " << row[k] << " at position " << k
              << ", expected a finite number >= 0";
      reject(message);
    }
    sum += row[k];
  }
  if (!(std::fabs(sum - 1.0) <= kRowTolerance)) {
    std::ostringstream message;
    message.precision(9);
    message << name() << " sums to " << sum << ", expected 1";
    reject(message);
  }
}

void check_task(const Shape& shape, const TaskView& task, std::int64_t index) {
  const char* table = shape.dense ? "transitions" : "probability";
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    const auto where = [&] { return location(index, pair / shape.actions, pair % shape.actions); };
    check_distribution(task.probability + pair * shape.outcomes, shape.outcomes,
                       [&] { return table + where(); });
  }
  for (std::int64_t pair = 0; shape.sampling == Sampling::rejection && pair < shape.pairs(); ++pair) {
    if (!(task.scale[pair] > 0.0 && task.scale[pair] <= 1.0)) {
      std::ostringstream message;
      message << "scale" << location(index, pair / shape.actions, pair % shape.actions) << " is "
              << task.scale[pair] << ", expected a number above 0, at most 1";
      reject(message);
    }
    const double* row = task.probability + pair * shape.outcomes;
    const double largest = *std::max_element(row, row + shape.outcomes);
    if (!(largest / task.scale[pair] <= 0x1p24)) {
      std::ostringstream message;
      message << table << location(index, pair / shape.actions, pair % shape.actions) << " reaches "
              << largest << ", more than 2^24 times its scale " << task.scale[pair];
      reject(message);
    }
  }
  const std::int64_t rewards_per_pair = shape.dense ? 1 : shape.outcomes;
  for (std::int64_t i = 0; i < shape.rewards(); ++i) {
    if (!std::isfinite(task.reward[i])) {
      const std::int64_t pair = i / rewards_per_pair;
      std::ostringstream message;
      message << "rewards" << location(index, pair / shape.actions, pair % shape.actions) << " is "
              << task.reward[i] << ", expected a finite number";
      reject(message);
    }
  }
  if (!shape.dense) {
    for (std::int64_t i = 0; i < shape.probabilities(); ++i) {
      if (task.next_state[i] < 0 || task.next_state[i] >= shape.states) {
        const std::int64_t pair = i / shape.outcomes;
        std::ostringstream message;
        message << "next_state" << location(index, pair / shape.actions, pair % shape.actions) << " is "
                << task.next_state[i] << ", expected 0 to " << shape.states - 1;
        reject(message);
      }
    }
  }
}

void check_shape(const Shape& shape) {
  // The largest table of a batch has S*A*K entries of 8 bytes, and the kernel indexes rows with 32 bits.
  constexpr double kMostPairs = std::numeric_limits<std::int32_t>::max();
  constexpr double kMostEntries = static_cast<double>(std::numeric_limits<std::int64_t>::max() / 16);
  const bool positive = shape.states > 0 && shape.actions > 0 && shape.outcomes > 0;
  const double pairs = static_cast<double>(shape.states) * static_cast<double>(shape.actions);
  if (!positive || pairs > kMostPairs || pairs * static_cast<double>(shape.outcomes) > kMostEntries) {
    std::ostringstream message;
    message << "num_states=" << shape.states << ", num_actions=" << shape.actions
            << ", outcomes=" << shape.outcomes
            << ": all must be positive and num_states * num_actions below 2^31";
    reject(message);
  }
  if (shape.sampling == Sampling::rejection && !shape.dense) {
    throw std::invalid_argument("outcome lists are not drawn from by rejection");
  }
  if (!(shape.reward_noise >= 0.0) || !std::isfinite(shape.reward_noise)) {
    std::ostringstream message;
    message << "reward_noise is " << shape.reward_noise << ", expected a finite number >= 0";
    reject(message);
  }
}

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

TaskBuffer::TaskBuffer(const Shape& shape, bool with_rows)
    : probability(with_rows ? size(shape.probabilities()) : 0),
      next_state(with_rows && !shape.dense ? size(shape.probabilities()) : 0),
      reward(size(shape.rewards())),
      terminated(size(shape.terminations())),
      terminal(size(shape.states)),
      start(size(shape.states)),
      scale(with_rows && shape.sampling == Sampling::rejection ? size(shape.pairs()) : 0),
      reward_noise(shape.reward_noise) {}

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

StoredTasks::StoredTasks(const Shape& shape, TaskIds ids, TaskArrays arrays)
    : TaskBatch(shape, std::move(ids)), arrays_(std::move(arrays)) {
  for (std::int64_t index = 0; index < size(); ++index) {
    const TaskView task = at(index);
    check_task(shape, task, index);
    require(task.reward_noise >= 0.0 && std::isfinite(task.reward_noise), "reward_noise", task.reward_noise,
            "a finite number >= 0");
    if (index == 0 || arrays_.start_stride != 0) {
      check_distribution(task.start, shape.states,
                         [&] { return "start[task=" + std::to_string(index) + "]"; });
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

TaskView StoredTasks::do_load(std::int64_t index, TaskBuffer&, const Interrupt&) const { return at(index); }

}  // namespace metarl_fast
