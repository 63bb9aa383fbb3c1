// SPDX-License-Identifier: MIT
// Tasks that move slowly from one draw of a family to the next.
//
// Draws D_0, D_1, ... are `steps` segments apart. In segment j * steps + r each step of the task goes as in
// D_{j+1} with probability w = r / steps, else as in D_j: so rows, expected rewards and starts are
// (1 - w) D_j + w D_{j+1}. A pair of which one of the two draws knows nothing, because the state is terminal
// there or the action not available, goes as in the other; a state is terminal where it is in both.
//
// With budgets tasks move around D_0 instead, from D_0 + a_j (D_j - D_0) to D_0 + a_j+1 (D_j+1 - D_0), with
//   a_j = min(1, steps budget / (2 |D_j - D_0|)),
// so that from one segment to the next no pair's expected reward changes by more than the one budget and no
// row, in the sum of its differences, by more than the other. Dense tasks have an a_j for rewards and one for
// rows, outcome lists the smaller one for both. What D_j knows nothing of goes as in D_0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "changing.hpp"

namespace metarl_fast {

class Drifting final : public Changing {
 public:
  static constexpr const char* kName = "Drifting";

  std::int64_t steps = 10;                // segments from one draw to the next
  double reward_budget = kLargestDouble;  // none
  double transition_budget = kLargestDouble;

  template <class Self, class Visitor>
  static void parameters(Self& drifting, const Visitor& visit) {
    Changing::parameters(drifting, visit);
    visit("steps", drifting.steps, at_least(1));
    visit("reward_budget", drifting.reward_budget, at_least(0));
    visit("transition_budget", drifting.transition_budget, at_least(0));
  }

  void check() const override {
    check_parameters(*this);
    check_inside();
  }
  Shape shape() const override;

 private:
  // How far a draw is from D_0: the largest difference of a pair's expected rewards, and of rows.
  struct Distance {
    double reward = 0.0;
    double row = 0.0;
  };
  // What D_j and D_j+1 count, of rewards or of rows; D_0 has the rest.
  struct Weights {
    double from = 0.0;
    double to = 0.0;
    double rest() const { return std::max(0.0, 1.0 - from - to); }
  };

  void write_at(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                const Interrupt& interrupt) const override;
  void write_within_budgets(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                            const Interrupt& interrupt) const;
  bool has_budgets() const { return reward_budget < kLargestDouble || transition_budget < kLargestDouble; }
  bool knows(const TaskBuffer& draw, std::int64_t pair) const {
    const Shape of = family->shape();
    return !draw.terminal[static_cast<std::size_t>(pair / of.actions)] && available(of, draw.view(), pair);
  }
  Distance distance(const TaskBuffer& draw, const TaskBuffer& first, Meter& meter) const;
  double share(double budget, double distance) const {
    const double allowed = 0.5 * static_cast<double>(steps) * budget;
    return distance <= allowed ? 1.0 : allowed / distance;
  }
  void mix_pair(std::int64_t pair, const TaskBuffer* const draws[3], const Weights& of_rewards,
                const Weights& of_rows, TaskBuffer& task) const;
  void write_pair(std::int64_t pair, const TaskBuffer& from, const TaskBuffer& to, double w,
                  TaskBuffer& task) const;
};

// Outcome lists stand one after the other, so they are twice as long.
inline Shape Drifting::shape() const {
  Shape of = family->shape();
  if (!of.dense) of.outcomes *= has_budgets() ? 3 : 2;
  of.sampling = Sampling::inverse;
  return of;
}

inline void Drifting::write_at(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                               const Interrupt& interrupt) const {
  if (has_budgets()) return write_within_budgets(key, id, time, task, interrupt);
  const Shape of = family->shape();
  const auto draw = static_cast<std::uint64_t>(time / steps);
  const double w = static_cast<double>(time % steps) / static_cast<double>(steps);
  TaskBuffer from(of);
  TaskBuffer to(of);
  family->write(key_of_part(key, draw), id, 0, from, interrupt);
  family->write(key_of_part(key, draw + 1), id, 0, to, interrupt);

  Meter meter(interrupt);
  task.reward_noise = (1.0 - w) * from.reward_noise + w * to.reward_noise;
  for (std::int64_t s = 0; s < of.states; ++s) {
    const auto state = static_cast<std::size_t>(s);
    const bool ends_from = from.terminal[state] != 0;
    const bool ends_to = to.terminal[state] != 0;
    require(!of.dense || ends_from == ends_to, "a terminal state that drifts", static_cast<double>(s),
            "none in dense tasks, where outcomes do not say whether they end the episode");
    task.terminal[state] = ends_from && ends_to;
    task.start[state] = (1.0 - w) * from.start[state] + w * to.start[state];
    for (std::int64_t pair = s * of.actions; pair < (s + 1) * of.actions; ++pair) {
      meter.count(2 * of.outcomes);
      const bool nothing_from = ends_from || !available(of, from.view(), pair);
      const bool nothing_to = ends_to || !available(of, to.view(), pair);
      write_pair(pair, from, to, nothing_to ? 0.0 : nothing_from ? 1.0 : w, task);
    }
  }
}

inline void Drifting::write_pair(std::int64_t pair, const TaskBuffer& from, const TaskBuffer& to, double w,
                                 TaskBuffer& task) const {
  const Shape of = family->shape();
  const auto outcomes = static_cast<std::size_t>(of.outcomes);
  const std::size_t first = static_cast<std::size_t>(pair) * outcomes;
  if (of.dense) {
    const auto place = static_cast<std::size_t>(pair);
    task.reward[place] = (1.0 - w) * from.reward[place] + w * to.reward[place];
    for (std::size_t k = first; k < first + outcomes; ++k) {
      task.probability[k] = (1.0 - w) * from.probability[k] + w * to.probability[k];
    }
    return;
  }
  const auto copy = [&](const TaskBuffer& draw, double weight, std::size_t target) {
    for (std::size_t k = first; k < first + outcomes; ++k, ++target) {
      task.probability[target] = weight * draw.probability[k];
      task.next_state[target] = draw.next_state[k];
      task.reward[target] = draw.reward[k];
      task.terminated[target] = draw.terminated[k];
    }
  };
  copy(from, 1.0 - w, 2 * first);
  copy(to, w, 2 * first + outcomes);
}

inline Drifting::Distance Drifting::distance(const TaskBuffer& draw, const TaskBuffer& first,
                                             Meter& meter) const {
  const Shape of = family->shape();
  const auto outcomes = static_cast<std::size_t>(of.outcomes);
  Distance largest;
  std::vector<double> row(static_cast<std::size_t>(of.states) + 1, 0.0);
  for (std::int64_t pair = 0; pair < of.pairs(); ++pair) {
    if (!knows(draw, pair) || !knows(first, pair)) continue;
    meter.count(of.dense ? of.states : 4 * of.outcomes);
    const std::size_t place = static_cast<std::size_t>(pair) * outcomes;
    double reward = 0.0;
    double difference = 0.0;
    if (of.dense) {
      reward = draw.reward[static_cast<std::size_t>(pair)] - first.reward[static_cast<std::size_t>(pair)];
      for (std::size_t k = place; k < place + outcomes; ++k) {
        difference += std::fabs(draw.probability[k] - first.probability[k]);
      }
    } else {  // what terminates counts as one more state
      const auto entered = [&](const TaskBuffer& task, std::size_t k) -> double& {
        return row[task.terminated[k] ? row.size() - 1 : static_cast<std::size_t>(task.next_state[k])];
      };
      for (std::size_t k = place; k < place + outcomes; ++k) {
        reward += draw.probability[k] * draw.reward[k] - first.probability[k] * first.reward[k];
        entered(draw, k) += draw.probability[k];
        entered(first, k) -= first.probability[k];
      }
      for (const TaskBuffer* task : {&draw, &first}) {
        for (std::size_t k = place; k < place + outcomes; ++k) {
          difference += std::fabs(entered(*task, k));
          entered(*task, k) = 0.0;
        }
      }
    }
    largest.reward = std::max(largest.reward, std::fabs(reward));
    largest.row = std::max(largest.row, difference);
  }
  return largest;
}

inline void Drifting::write_within_budgets(std::uint64_t key, std::uint64_t id, std::int64_t time,
                                           TaskBuffer& task, const Interrupt& interrupt) const {
  const Shape of = family->shape();
  const std::int64_t draw = time / steps;
  const double w = static_cast<double>(time % steps) / static_cast<double>(steps);
  TaskBuffer first(of);
  TaskBuffer from(of);
  TaskBuffer to(of);
  family->write(key_of_part(key, 0), id, 0, first, interrupt);
  family->write(key_of_part(key, static_cast<std::uint64_t>(draw)), id, 0, from, interrupt);
  family->write(key_of_part(key, static_cast<std::uint64_t>(draw + 1)), id, 0, to, interrupt);

  Meter meter(interrupt);
  const Distance far[2] = {distance(from, first, meter), distance(to, first, meter)};
  Weights rewards{(1.0 - w) * share(reward_budget, far[0].reward), w * share(reward_budget, far[1].reward)};
  Weights rows{(1.0 - w) * share(transition_budget, far[0].row), w * share(transition_budget, far[1].row)};
  if (!of.dense) {
    rewards = {std::min(rewards.from, rows.from), std::min(rewards.to, rows.to)};
    rows = rewards;
  }
  const TaskBuffer* const draws[3] = {&first, &from, &to};
  task.reward_noise =
      rewards.rest() * first.reward_noise + rewards.from * from.reward_noise + rewards.to * to.reward_noise;
  for (std::int64_t s = 0; s < of.states; ++s) {
    const auto state = static_cast<std::size_t>(s);
    task.terminal[state] = first.terminal[state];
    task.start[state] =
        rows.rest() * first.start[state] + rows.from * from.start[state] + rows.to * to.start[state];
    for (std::int64_t pair = s * of.actions; pair < (s + 1) * of.actions; ++pair) {
      meter.count(3 * of.outcomes);
      const bool all = knows(first, pair);
      const double old = all && knows(from, pair) ? 1.0 : 0.0;
      const double next = all && knows(to, pair) ? 1.0 : 0.0;
      mix_pair(pair, draws, {old * rewards.from, next * rewards.to}, {old * rows.from, next * rows.to}, task);
    }
  }
}

inline void Drifting::mix_pair(std::int64_t pair, const TaskBuffer* const draws[3], const Weights& of_rewards,
                               const Weights& of_rows, TaskBuffer& task) const {
  const Shape of = family->shape();
  const auto outcomes = static_cast<std::size_t>(of.outcomes);
  const auto place = static_cast<std::size_t>(pair);
  const std::size_t first = place * outcomes;
  const double weight[3] = {of_rows.rest(), of_rows.from, of_rows.to};
  if (of.dense) {
    task.reward[place] = of_rewards.rest() * draws[0]->reward[place] +
                         of_rewards.from * draws[1]->reward[place] + of_rewards.to * draws[2]->reward[place];
    for (std::size_t k = first; k < first + outcomes; ++k) {
      task.probability[k] = weight[0] * draws[0]->probability[k] + weight[1] * draws[1]->probability[k] +
                            weight[2] * draws[2]->probability[k];
    }
    return;
  }
  for (std::size_t d = 0; d < 3; ++d) {
    for (std::size_t k = 0; k < outcomes; ++k) {
      const std::size_t target = (3 * place + d) * outcomes + k;
      task.probability[target] = weight[d] * draws[d]->probability[first + k];
      task.next_state[target] = draws[d]->next_state[first + k];
      task.reward[target] = draws[d]->reward[first + k];
      task.terminated[target] = draws[d]->terminated[first + k];
    }
  }
}

}  // namespace metarl_fast
