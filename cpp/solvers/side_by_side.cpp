// SPDX-License-Identifier: MIT
#include "side_by_side.hpp"

#include <algorithm>
#include <cmath>

#include "dense_terms.hpp"
#include "error_bound.hpp"
#include "improvement.hpp"

namespace metarl_fast {
namespace {

constexpr std::int64_t kMostStates = 32;
constexpr std::int64_t kMostProbabilities = 8192;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Numbers a lane needs.
std::int64_t numbers(const Shape& shape) {
  return shape.probabilities() + 2 * shape.pairs() +
         shape.states * (2 * side_by_side_width(shape.states) + 3);
}

}  // namespace

bool fit_side_by_side(const Shape& shape) {
  return shape.dense && shape.states <= kMostStates && shape.probabilities() <= kMostProbabilities;
}

double side_by_side_bytes(const Shape& shape) { return 64.0 * static_cast<double>(numbers(shape)); }

SideBySide::SideBySide(const Shape& shape, double discount, const DenseSolver& solver)
    : shape_(shape),
      solver_(solver),
      room_(make_aligned<double>(size(numbers(shape) * kSideBySide))),
      better_(size(shape.states)),
      row_(size(shape.actions)) {
  for (std::vector<double>& rewards : rewards_) rewards.resize(size(shape.pairs()));
  double* next = room_.get();
  const auto take = [&next](std::int64_t n) {
    double* const taken = next;
    next += n * kSideBySide;
    return taken;
  };
  const std::int64_t width = side_by_side_width(shape.states);
  lanes_.states = shape.states;
  lanes_.actions = shape.actions;
  lanes_.width = width;
  lanes_.discount = discount;
  lanes_.probability = take(shape.probabilities());
  lanes_.reward = take(shape.pairs());
  lanes_.advantage = take(shape.pairs());
  lanes_.system = take(shape.states * width);
  lanes_.factor = take(shape.states * width);
  lanes_.values = take(shape.states);
  lanes_.difference = take(shape.states);
  lanes_.policy = take(shape.states);
  lanes_.better = better_.data();
  for (std::int64_t s = 0; s < shape.states; ++s) {
    std::fill_n(lanes_.system + (s * width + shape.states) * kSideBySide, kSideBySide, 1.0 - discount);
  }
}

void SideBySide::solve(const TaskView* tasks, int count, const Optimum* out, Solved* found,
                       const Interrupt& interrupt) {
  begin(tasks, count);
  start();
  take_actions();
  // A lane that is done goes on with the same policy, and so keeps its values and advantages.
  unsigned running = (1u << count) - 1;
  for (int round = 0; round < kMostRounds && running != 0; ++round) {
    if (interrupt()) return;
    solver_.solve_lanes(lanes_);
    solver_.improve_lanes(lanes_);
    for (int lane = 0; lane < count; ++lane) {
      if (!(running >> lane & 1u)) continue;
      found[lane].iterations = round + 1;
      if (!improve_lane(lane)) running &= ~(1u << lane);
    }
  }
  for (int lane = 0; lane < count; ++lane) found[lane].error_bound = finish_lane(lane, out[lane]);
}

// Lanes without a task repeat the first one.
void SideBySide::begin(const TaskView* tasks, int count) {
  const double* rewards[kSideBySide];
  for (int lane = 0; lane < kSideBySide; ++lane) {
    const TaskView& task = tasks[lane < count ? lane : 0];
    probability_[lane] = task.probability;
    scaled_rewards(shape_, task, rewards_[lane].data(), scale_[lane], largest_reward_[lane]);
    rewards[lane] = rewards_[lane].data();
    weak_rounds_[lane] = 0;
  }
  solver_.put_side_by_side(probability_, shape_.probabilities(), 1.0, lanes_.probability);
  solver_.put_side_by_side(rewards, shape_.pairs(), 1.0, lanes_.reward);
}

// Greedy after one sweep from 0.
void SideBySide::start() {
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    const double* const reward = lanes_.reward + s * shape_.actions * kSideBySide;
    for (int lane = 0; lane < kSideBySide; ++lane) {
      double best = reward[lane];
      for (std::int64_t a = 1; a < shape_.actions; ++a) best = std::max(best, reward[a * kSideBySide + lane]);
      lanes_.values[s * kSideBySide + lane] = best;
    }
  }
  solver_.greedy_lanes(lanes_);
}

void SideBySide::take_actions() {
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    const double* rows[kSideBySide];
    double* const system = lanes_.system + s * lanes_.width * kSideBySide;
    for (int lane = 0; lane < kSideBySide; ++lane) {
      const std::int64_t pair =
          s * shape_.actions + static_cast<std::int64_t>(lanes_.policy[s * kSideBySide + lane]);
      rows[lane] = probability_[lane] + pair * shape_.states;
      system[(lanes_.width - 1) * kSideBySide + lane] = rewards_[lane][size(pair)];
    }
    solver_.put_side_by_side(rows, shape_.states, lanes_.discount, system);
  }
}

void SideBySide::take_action(std::int64_t s, int lane) {
  const std::int64_t pair =
      s * shape_.actions + static_cast<std::int64_t>(lanes_.policy[s * kSideBySide + lane]);
  double* const system = lanes_.system + s * lanes_.width * kSideBySide + lane;
  const double* const row = probability_[lane] + pair * shape_.states;
  for (std::int64_t j = 0; j < shape_.states; ++j) system[j * kSideBySide] = lanes_.discount * row[j];
  system[(lanes_.width - 1) * kSideBySide] = rewards_[lane][size(pair)];
}

double SideBySide::bound(std::int64_t s, int lane) const {
  return largest_reward_[lane] + largest_value_[lane] + std::fabs(lanes_.values[s * kSideBySide + lane]);
}

void SideBySide::gather(const double* from, std::int64_t n, int lane, double* to) const {
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * kSideBySide + lane];
}

// False when the lane's policy is to be kept.
bool SideBySide::improve_lane(int lane) {
  largest_value_[lane] = 0.0;
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    largest_value_[lane] = std::max(largest_value_[lane], std::fabs(lanes_.values[s * kSideBySide + lane]));
  }
  const DenseTerms terms{
      shape_, lanes_.discount, probability_[lane], rewards_[lane].data(), lanes_.values + lane, kSideBySide};
  changes_.clear();
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    if (!(better_[size(s)] >> lane & 1u)) continue;
    gather(lanes_.advantage + s * shape_.actions * kSideBySide, shape_.actions, lane, row_.data());
    auto action = static_cast<std::int32_t>(lanes_.policy[s * kSideBySide + lane]);
    const Gain gain = improve(row_.data(), shape_.actions, action, bound(s, lane),
                              [&](std::int64_t a) { return terms.sizes(s, a); });
    changes_.add(s, action, gain);
  }
  const Gain gain = changes_.largest();
  if (gain == Gain::none || (gain == Gain::weak && ++weak_rounds_[lane] == kWeakRounds)) return false;
  changes_.make([&](std::int64_t s, std::int32_t action) {
    lanes_.policy[s * kSideBySide + lane] = action;
    take_action(s, lane);
  });
  return true;
}

// Returns how far a value may be off.
double SideBySide::finish_lane(int lane, const Optimum& out) {
  const DenseTerms terms{
      shape_, lanes_.discount, probability_[lane], rewards_[lane].data(), lanes_.values + lane, kSideBySide};
  const double unit = 1.0 / scale_[lane];
  ErrorBound error;
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    double* const q = out.q_values + s * shape_.actions;
    gather(lanes_.advantage + s * shape_.actions * kSideBySide, shape_.actions, lane, q);
    const double value = lanes_.values[s * kSideBySide + lane];
    error.add(value, q[first_largest(q, shape_.actions)]);
    out.policy[s] = finish(
        q, shape_.actions, lanes_.discount, value, bound(s, lane),
        [&](std::int64_t a) { return terms.sizes(s, a); },
        [&](std::int64_t a) { return terms.action_value(s, a); });
    for (std::int64_t a = 0; a < shape_.actions; ++a) q[a] *= unit;
    out.values[s] = value * unit;
  }
  return unit * error.of(lanes_.discount, largest_reward_[lane], shape_.states);
}

}  // namespace metarl_fast
