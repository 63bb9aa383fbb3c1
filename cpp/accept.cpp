// SPDX-License-Identifier: MIT
#include "accept.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "task_checks.hpp"

namespace metarl_fast {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// Dividing n numbers by their sum and adding them up again gives 1 within this.
double rounding_of_sum(std::int64_t n) { return static_cast<double>(2 * n - 1) * 0x1p-53; }

void normalise(double* row, std::int64_t size, double sum) {
  if (std::fabs(sum - 1.0) <= rounding_of_sum(size)) return;
  for (std::int64_t k = 0; k < size; ++k) row[k] /= sum;
}

// One task under way.
class Given {
 public:
  Given(const Shape& shape, const GivenTasks& all, std::int64_t index)
      : shape_(shape),
        index_(index),
        probability_(all.probability + index * shape.probabilities()),
        next_state_(shape.dense ? nullptr : all.next_state + index * shape.probabilities()),
        reward_(all.reward + index * shape.rewards()),
        terminated_(shape.dense ? nullptr : all.terminated + index * shape.probabilities()),
        terminal_(all.terminal + index * all.terminal_stride),
        start_(all.start + index * all.start_stride) {}

  void normalise_start() {
    const std::string name = "start[task=" + std::to_string(index_) + "]";
    const double sum = sum_of_probabilities(start_, shape_.states, name);
    check_sum(sum, name);
    normalise(start_, shape_.states, sum);
  }

  // A row that some outcome earns minus infinity is not to be taken; its numbers do not matter.
  void mask(std::int64_t pair) {
    double* row = probability_ + pair * shape_.outcomes;
    double* rewards = shape_.dense ? reward_ + pair : reward_ + pair * shape_.outcomes;
    if (shape_.dense) {
      if (*rewards != kNever) return;
      std::fill_n(row, shape_.outcomes, 0.0);
      *rewards = 0.0;
      return;
    }
    bool possible = false;
    bool never = false;
    for (std::int64_t k = 0; k < shape_.outcomes; ++k) {
      possible |= row[k] != 0.0 && rewards[k] != kNever;
      never |= row[k] != 0.0 && rewards[k] == kNever;
    }
    for (std::int64_t k = 0; k < shape_.outcomes; ++k) {
      if (rewards[k] != kNever || (possible && row[k] != 0.0)) continue;  // refused later, if it may happen
      row[k] = 0.0;
      rewards[k] = 0.0;
    }
    if (never && !possible) std::fill_n(row, shape_.outcomes, 0.0);
  }

  void infer_terminal() {
    std::vector<char> ends(count(shape_.states));  // entered from others, each time at an episode's end
    std::vector<char> goes_on(count(shape_.states));
    std::vector<char> acts(count(shape_.states));  // something happens there
    for (std::int64_t i = 0; i < shape_.probabilities(); ++i) {
      if (!(probability_[i] > 0.0)) continue;
      const std::int64_t state = i / (shape_.actions * shape_.outcomes);
      const std::int64_t next = next_state_[i];
      if (next < 0 || next >= shape_.states) continue;  // refused later, unless the state is terminal
      if (next != state) {
        (terminated_[i] ? ends : goes_on)[count(next)] = 1;
        acts[count(state)] = 1;
      } else if (!terminated_[i] && reward_[i] != 0.0) {
        acts[count(state)] = 1;
      }
    }
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      const std::size_t state = count(s);
      terminal_[s] = ends[state] && !goes_on[state] && (start_[s] == 0.0 || !acts[state]) ? 1 : 0;
    }
  }

  // Every action stays there for nothing. What says so already keeps its form.
  void write_terminal(std::int64_t pair) {
    const std::int64_t state = pair / shape_.actions;
    double* row = probability_ + pair * shape_.outcomes;
    if (shape_.dense) {
      std::fill_n(row, shape_.outcomes, 0.0);
      row[state] = 1.0;
      reward_[pair] = 0.0;
      return;
    }
    std::int32_t* next = next_state_ + pair * shape_.outcomes;
    std::uint8_t* ends = terminated_ + pair * shape_.outcomes;
    std::fill_n(reward_ + pair * shape_.outcomes, shape_.outcomes, 0.0);
    double sum = 0.0;
    bool stays = true;
    for (std::int64_t k = 0; k < shape_.outcomes; ++k) {
      sum += row[k];
      stays &= row[k] == 0.0 ? next[k] >= 0 && next[k] < shape_.states : next[k] == state && ends[k] != 0;
      stays &= row[k] >= 0.0;
    }
    if (stays && std::fabs(sum - 1.0) <= rounding_of_sum(shape_.outcomes)) return;
    std::fill_n(row, shape_.outcomes, 0.0);
    row[0] = 1.0;
    std::fill_n(next, shape_.outcomes, static_cast<std::int32_t>(state));
    std::fill_n(ends, shape_.outcomes, std::uint8_t{1});
  }

  // False if the action is not available.
  bool accept_pair(std::int64_t pair) {
    double* row = probability_ + pair * shape_.outcomes;
    const bool found = accept_row(row, pair);
    if (shape_.dense) {
      if (!found) reward_[pair] = 0.0;
      check_reward(shape_, reward_[pair], index_, pair);
      return found;
    }
    std::int32_t* next = next_state_ + pair * shape_.outcomes;
    double* rewards = reward_ + pair * shape_.outcomes;
    std::uint8_t* ends = terminated_ + pair * shape_.outcomes;
    for (std::int64_t k = 0; k < shape_.outcomes; ++k) {
      if (!found) rewards[k] = 0.0;
      if (row[k] == 0.0 && (next[k] < 0 || next[k] >= shape_.states)) next[k] = 0;
      check_next_state(shape_, next[k], index_, pair);
      check_reward(shape_, rewards[k], index_, pair);
      ends[k] = ends[k] || (row[k] > 0.0 && terminal_[next[k]]) ? 1 : 0;
    }
    return found;
  }

  bool is_terminal(std::int64_t state) const { return terminal_[state] != 0; }

 private:
  static std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }

  bool accept_row(double* row, std::int64_t pair) const {
    double sum = 0.0;
    for (std::int64_t k = 0; k < shape_.outcomes; ++k) sum += row[k] >= 0.0 ? row[k] : NAN;
    if (sum == 0.0) return false;
    if (!(std::fabs(sum - 1.0) <= kRowTolerance)) {
      const std::string name = rows_name(shape_) + location(shape_, index_, pair);
      check_sum(sum_of_probabilities(row, shape_.outcomes, name), name);
    }
    normalise(row, shape_.outcomes, sum);
    return true;
  }

  const Shape& shape_;
  std::int64_t index_;
  double* probability_;
  std::int32_t* next_state_;
  double* reward_;
  std::uint8_t* terminated_;
  std::uint8_t* terminal_;
  double* start_;
};

}  // namespace

bool accept(const Shape& shape, std::int64_t num_tasks, const GivenTasks& tasks, const Interrupt& interrupt) {
  check_shape(shape);
  bool masked = false;
  std::int64_t cells = 0;
  const auto look = [&](std::int64_t more) {
    cells += more;
    if (cells < kCellsBetweenLooks) return;
    cells = 0;
    interrupt();
  };
  for (std::int64_t index = 0; index < num_tasks; ++index) {
    Given task(shape, tasks, index);
    if (index == 0 || tasks.start_stride != 0) task.normalise_start();
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      task.mask(pair);
      look(shape.dense ? 1 : shape.outcomes);
    }
    if (tasks.infer_terminal) task.infer_terminal();
    for (std::int64_t state = 0; state < shape.states; ++state) {
      const bool terminal = task.is_terminal(state);
      bool found = false;
      for (std::int64_t pair = state * shape.actions; pair < (state + 1) * shape.actions; ++pair) {
        look(shape.outcomes);
        if (terminal) {
          task.write_terminal(pair);
          continue;
        }
        const bool there = task.accept_pair(pair);
        found |= there;
        masked |= !there;
      }
      check_some_action(found, terminal, index, state);
    }
  }
  return masked;
}

}  // namespace metarl_fast
