// SPDX-License-Identifier: MIT
#include "side_by_side.hpp"

#include <algorithm>
#include <cmath>

#include "error_bound.hpp"
#include "improvement.hpp"

namespace metarl_fast {
namespace {

constexpr std::int64_t kMostStates = 32;
constexpr std::int64_t kMostProbabilities = 8192;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

constexpr std::int64_t kOfLanes = 6;  // numbers that a lane has one of

// Sweeps to find the policy to begin with. One costs a part of a round, which all lanes wait for.
constexpr int kSweeps = 2;

// Numbers a lane needs.
std::int64_t numbers(const Shape& shape) {
  return shape.probabilities() + 3 * shape.pairs() +
         shape.states * (2 * side_by_side_width(shape.states) + 3) + kOfLanes;
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
      odd_(size(shape.states)),
      row_(size(shape.actions)),
      spare_(size(shape.pairs())) {
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
  lanes_.near = kNoise + kValueNoise;
  lanes_.probability = take(shape.probabilities());
  lanes_.reward = take(shape.pairs());
  lanes_.advantage = take(shape.pairs());
  lanes_.q_values = take(shape.pairs());
  lanes_.system = take(shape.states * width);
  lanes_.factor = take(shape.states * width);
  lanes_.values = take(shape.states);
  lanes_.next = take(shape.states);
  lanes_.policy = take(shape.states);
  for (double** of_lanes : {&lanes_.largest_reward, &lanes_.largest_value, &lanes_.unit, &lanes_.low,
                            &lanes_.high, &lanes_.residual}) {
    *of_lanes = take(1);
  }
  lanes_.better = better_.data();
  lanes_.odd = odd_.data();
  for (std::int64_t s = 0; s < shape.states; ++s) {
    std::fill_n(lanes_.system + (s * width + shape.states) * kSideBySide, kSideBySide, 1.0 - discount);
  }
}

void SideBySide::solve(const TaskView* tasks, int count, const Optimum* out, Solved* found,
                       const Interrupt& interrupt) {
  begin(tasks, count);
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
  solver_.finish_lanes(lanes_);
  write_out(count, out);
  for (int lane = 0; lane < count; ++lane) {
    finish_lane(lane, out[lane]);
    found[lane].error_bound = error_bound(lane);
  }
}

// Lanes without a task repeat the first one.
void SideBySide::begin(const TaskView* tasks, int count) {
  for (int lane = 0; lane < kSideBySide; ++lane) {
    const TaskView& task = tasks[lane < count ? lane : 0];
    double scale = 1.0;
    probability_[lane] = task.probability;
    rewards_[lane] =
        scaled_rewards(shape_, task, room_for_rewards_[lane], scale, lanes_.largest_reward[lane]);
    lanes_.unit[lane] = 1.0 / scale;
    weak_rounds_[lane] = 0;
  }
  solver_.start_lanes(lanes_, probability_, rewards_, kSweeps);
}

void SideBySide::take_actions() {
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    const double* rows[kSideBySide];
    double* const system = lanes_.system + s * lanes_.width * kSideBySide;
    for (int lane = 0; lane < kSideBySide; ++lane) {
      const std::int64_t pair =
          s * shape_.actions + static_cast<std::int64_t>(lanes_.policy[s * kSideBySide + lane]);
      rows[lane] = probability_[lane] + pair * shape_.states;
      system[(lanes_.width - 1) * kSideBySide + lane] = rewards_[lane][pair];
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
  system[(lanes_.width - 1) * kSideBySide] = rewards_[lane][pair];
}

double SideBySide::bound(std::int64_t s, int lane) const {
  return lanes_.largest_reward[lane] + lanes_.largest_value[lane] +
         std::fabs(lanes_.values[s * kSideBySide + lane]);
}

void SideBySide::gather(const double* from, std::int64_t n, int lane, double* to) const {
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * kSideBySide + lane];
}

DenseTerms SideBySide::terms(int lane) const {
  return {shape_, lanes_.discount, probability_[lane], rewards_[lane], lanes_.values + lane, kSideBySide};
}

// False when the lane's policy is to be kept.
bool SideBySide::improve_lane(int lane) {
  const DenseTerms sums = terms(lane);
  changes_.clear();
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    if (!(better_[size(s)] >> lane & 1u)) continue;
    gather(lanes_.advantage + s * shape_.actions * kSideBySide, shape_.actions, lane, row_.data());
    auto action = static_cast<std::int32_t>(lanes_.policy[s * kSideBySide + lane]);
    const Gain gain = improve(row_.data(), shape_.actions, action, bound(s, lane),
                              [&](std::int64_t a) { return sums.sizes(s, a); });
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

// Lanes without a task, which nobody improves, write where nobody reads.
void SideBySide::write_out(int count, const Optimum* out) {
  double* values[kSideBySide];
  double* q_values[kSideBySide];
  for (int lane = 0; lane < kSideBySide; ++lane) {
    values[lane] = lane < count ? out[lane].values : spare_.data();
    q_values[lane] = lane < count ? out[lane].q_values : spare_.data();
  }
  solver_.take_apart(lanes_.next, shape_.states, values);
  solver_.take_apart(lanes_.q_values, shape_.pairs(), q_values);
  for (int lane = 0; lane < count; ++lane) {
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      out[lane].policy[s] = static_cast<std::int32_t>(lanes_.policy[s * kSideBySide + lane]);
    }
  }
}

// Where it is not plain which actions are best.
void SideBySide::finish_lane(int lane, const Optimum& out) {
  const DenseTerms sums = terms(lane);
  for (std::int64_t s = 0; s < shape_.states; ++s) {
    if (!(odd_[size(s)] >> lane & 1u)) continue;
    double* const q = out.q_values + s * shape_.actions;
    gather(lanes_.advantage + s * shape_.actions * kSideBySide, shape_.actions, lane, q);
    out.policy[s] = finish(
        q, shape_.actions, lanes_.discount, lanes_.values[s * kSideBySide + lane], bound(s, lane),
        [&](std::int64_t a) { return sums.sizes(s, a); },
        [&](std::int64_t a) { return sums.action_value(s, a); });
    for (std::int64_t a = 0; a < shape_.actions; ++a) q[a] *= lanes_.unit[lane];
  }
}

// How far a value may be off.
double SideBySide::error_bound(int lane) const {
  ErrorBound error;
  error.add(lanes_.low[lane], lanes_.residual[lane]);
  error.add(lanes_.high[lane], lanes_.residual[lane]);
  return lanes_.unit[lane] * error.of(lanes_.discount, lanes_.largest_reward[lane], shape_.states);
}

}  // namespace metarl_fast
