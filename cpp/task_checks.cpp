// SPDX-License-Identifier: MIT
#include "task_checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace metarl_fast {
namespace {

[[noreturn]] void reject(const std::ostringstream& message) { throw std::invalid_argument(message.str()); }

// A row that weights below 2^24 can be told from: probability = weight * scale.
void check_scale(const Shape& shape, const TaskView& task, std::int64_t index, std::int64_t pair) {
  const double scale = task.scale[pair];
  std::ostringstream message;
  if (!(scale > 0.0 && scale <= 1.0)) {
    message << "scale" << location(shape, index, pair) << " is " << scale
            << ", expected a number above 0, at most 1";
    reject(message);
  }
  const double* row = task.probability + pair * shape.outcomes;
  const double largest = *std::max_element(row, row + shape.outcomes);
  if (!(largest / scale <= 0x1p24)) {
    message << rows_name(shape) << location(shape, index, pair) << " reaches " << largest
            << ", more than 2^24 times its scale " << scale;
    reject(message);
  }
}

// Whether a pair's row is a distribution; it may be nothing at all if the action may be missing.
bool check_row(const Shape& shape, const TaskView& task, std::int64_t index, std::int64_t pair) {
  const double* row = task.probability + pair * shape.outcomes;
  double sum = 0.0;
  for (std::int64_t k = 0; k < shape.outcomes; ++k) sum += row[k] >= 0.0 ? row[k] : NAN;
  if (shape.masked && sum == 0.0) return false;
  if (!(std::fabs(sum - 1.0) <= kRowTolerance)) {
    const std::string name = rows_name(shape) + location(shape, index, pair);
    check_sum(sum_of_probabilities(row, shape.outcomes, name), name);
  }
  return true;
}

}  // namespace

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

std::string location(const Shape& shape, std::int64_t task, std::int64_t pair) {
  std::ostringstream text;
  text << "[task=" << task << ", state=" << pair / shape.actions << ", action=" << pair % shape.actions
       << "]";
  return text.str();
}

const char* rows_name(const Shape& shape) { return shape.dense ? "transitions" : "probability"; }

double sum_of_probabilities(const double* row, std::int64_t size, const std::string& name) {
  double sum = 0.0;
  for (std::int64_t k = 0; k < size; ++k) {
    if (!(row[k] >= 0.0) || !std::isfinite(row[k])) {
      std::ostringstream message;
      message << name << " has probability " << row[k] << " at position " << k
              << ", expected a finite number >= 0";
      reject(message);
    }
    sum += row[k];
  }
  return sum;
}

void check_sum(double sum, const std::string& name) {
  if (std::fabs(sum - 1.0) <= kRowTolerance) return;
  std::ostringstream message;
  message.precision(9);
  message << name << " sums to " << sum << ", expected 1";
  reject(message);
}

void check_reward(const Shape& shape, double reward, std::int64_t task, std::int64_t pair) {
  if (std::isfinite(reward)) return;
  std::ostringstream message;
  message << "rewards" << location(shape, task, pair) << " is " << reward << ", expected a finite number";
  reject(message);
}

void check_next_state(const Shape& shape, std::int64_t next_state, std::int64_t task, std::int64_t pair) {
  if (next_state >= 0 && next_state < shape.states) return;
  std::ostringstream message;
  message << "next_state" << location(shape, task, pair) << " is " << next_state << ", expected 0 to "
          << shape.states - 1;
  reject(message);
}

void check_some_action(bool found, bool terminal, std::int64_t task, std::int64_t state) {
  if (found || terminal) return;
  std::ostringstream message;
  message << "no action is available in state " << state << " of task " << task
          << ", which is not terminal: all its rows are 0, missing, or of reward -inf";
  reject(message);
}

void check_values(const double* values, std::int64_t count, std::int64_t task) {
  if (std::all_of(values, values + count, [](double value) { return std::isfinite(value); })) return;
  std::ostringstream message;
  message << "the rewards of task " << task << " are too large: its values are beyond the largest double";
  reject(message);
}

void check_task(const Shape& shape, const TaskView& task, std::int64_t index) {
  for (std::int64_t state = 0; state < shape.states; ++state) {
    bool found = false;
    for (std::int64_t pair = state * shape.actions; pair < (state + 1) * shape.actions; ++pair) {
      found |= check_row(shape, task, index, pair);
    }
    check_some_action(found, task.terminal[state] != 0, index, state);
  }
  for (std::int64_t pair = 0; shape.sampling == Sampling::rejection && pair < shape.pairs(); ++pair) {
    check_scale(shape, task, index, pair);
  }
  const std::int64_t rewards_per_pair = shape.dense ? 1 : shape.outcomes;
  for (std::int64_t i = 0; i < shape.rewards(); ++i) {
    if (!std::isfinite(task.reward[i])) check_reward(shape, task.reward[i], index, i / rewards_per_pair);
  }
  for (std::int64_t i = 0; !shape.dense && i < shape.probabilities(); ++i) {
    const std::int32_t next = task.next_state[i];
    if (next < 0 || next >= shape.states) check_next_state(shape, next, index, i / shape.outcomes);
  }
}

}  // namespace metarl_fast
