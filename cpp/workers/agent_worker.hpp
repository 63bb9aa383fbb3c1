// SPDX-License-Identifier: MIT
// Lets agents live in their tasks, one after the other: the loop of a textbook.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "../learners/learner.hpp"
#include "../simulator.hpp"
#include "initial_table.hpp"
#include "learning_stream.hpp"
#include "limits.hpp"

namespace metarl_fast {

template <class Real>
class AgentWorker final : public Worker {
 public:
  AgentWorker(const Learner& learner, const TaskBatch& batch, const Schedule& schedule,
              const TrainArrays<Real>& arrays)
      : learner_(learner),
        batch_(batch),
        schedule_(schedule),
        arrays_(arrays),
        simulator_(batch),
        entries_(learner.rows(batch.shape()) * batch.shape().actions),
        returns_(static_cast<std::size_t>(schedule.num_episodes)) {}

  std::int64_t run(std::int64_t index, const Interrupt& interrupt) override {
    const Shape& shape = batch_.shape();
    simulator_.load(index, interrupt);
    check_task(index);
    const Real* initial = initial_table_of(arrays_, schedule_, entries_, index);
    const std::unique_ptr<Agent> agent = learner_.agent(
        start_.setting(learner_, initial, shape, simulator_.task(), index, simulator_.formula()));
    Stream stream = learning_stream(schedule_, batch_, index);
    Meter meter(interrupt);
    std::int64_t snapshots = 0;
    state_ = kNowhere;
    if (arrays_.history.length) arrays_.history.length[index] = 0;
    const std::int64_t every = batch_.episodes_per_segment();
    for (std::int64_t episode = 0; episode < schedule_.num_episodes; ++episode) {
      if (every != 0 && episode != 0 && episode % every == 0) {
        simulator_.load(index, interrupt, episode / every);
        check_task(index);
      }
      snapshots += take_snapshot(*agent, index, snapshots, episode);
      returns_[static_cast<std::size_t>(episode)] = live_one_episode(*agent, index, episode, stream, meter);
    }
    take_snapshot(*agent, index, snapshots, schedule_.num_episodes);
    write_results(*agent, index);
    return 1;
  }

  const double* returns(std::int64_t) const override { return returns_.data(); }

 private:
  static constexpr std::int32_t kNowhere = -1;

  // The sum of its rewards.
  double live_one_episode(Agent& agent, std::int64_t index, std::int64_t episode, Stream& stream,
                          Meter& meter) {
    const Shape& shape = batch_.shape();
    const std::int64_t steps = steps_of(schedule_, index);
    agent.begin_episode(episode);
    const bool anew = state_ == kNowhere;
    if (anew) state_ = simulator_.reset(stream);
    bool over = anew && simulator_.terminal(state_);  // before it began
    double earned = 0.0;
    for (std::int64_t step = 0; step < steps && !over; ++step) {
      meter.count(shape.actions + shape.outcomes);
      const std::int32_t action = agent.act(state_, stream);
      const Answer answer = simulator_.step(state_, action, stream);
      const bool last = step + 1 == steps;
      const bool cut = last && !answer.terminated && !schedule_.continuing;
      agent.observe({state_, action, answer.reward, answer.next_state, answer.terminated, cut}, stream);
      if (arrays_.history.length) record(index, action, answer, last);
      earned += answer.reward;
      state_ = answer.next_state;
      over = answer.terminated;
    }
    meter.count(1);
    if (over || !schedule_.continuing) {
      agent.end_episode();
      state_ = kNowhere;
    }
    return earned;
  }

  void record(std::int64_t index, std::int32_t action, const Answer& answer, bool last) {
    const Ended ended = answer.terminated ? Ended::terminated : last ? Ended::truncated : Ended::not_yet;
    const PastStep<Real> step{state_, action, answer.next_state, static_cast<Real>(answer.reward), ended};
    arrays_.history.write(index, arrays_.history.length[index], 1, [&](std::int64_t) { return step; });
  }

  void check_task(std::int64_t index) const {
    const double largest = simulator_.formula() ? simulator_.formula()->largest_reward() : 0.0;
    const double reach = simulator_.formula()
                             ? check_rewards<Real>(&largest, 1, simulator_.task().reward_noise, index)
                             : check_rewards<Real>(simulator_.task(), batch_.shape().rewards(), index);
    check_sums(reach, steps_of(schedule_, index), arrays_.return_sums ? batch_.size() : 1);
  }

  // How many were taken, 0 or 1.
  int take_snapshot(const Agent& agent, std::int64_t index, std::int64_t k, std::int64_t episode) {
    if (k == arrays_.num_snapshots || arrays_.snapshot_episodes[k] != episode) return 0;
    if (arrays_.snapshots)
      write_table(agent, arrays_.snapshots + (index * arrays_.num_snapshots + k) * entries_);
    return 1;
  }

  void write_table(const Agent& agent, Real* out) {
    values_.resize(static_cast<std::size_t>(entries_));
    agent.q_table(values_.data());
    std::transform(values_.begin(), values_.end(), out, [](double q) { return static_cast<Real>(q); });
  }

  void write_results(const Agent& agent, std::int64_t index) {
    const Shape& shape = batch_.shape();
    if (arrays_.q_table) write_table(agent, arrays_.q_table + index * entries_);
    if (arrays_.returns) {
      std::copy(returns_.begin(), returns_.end(), arrays_.returns + index * schedule_.num_episodes);
    }
    if (!arrays_.policy) return;
    values_.resize(static_cast<std::size_t>(shape.pairs()));
    agent.policy(values_.data());
    const double* row = values_.data();
    for (std::int64_t s = 0; s < shape.states; ++s, row += shape.actions) {
      arrays_.policy[index * shape.states + s] =
          static_cast<std::int32_t>(std::max_element(row, row + shape.actions) - row);
    }
  }

  const Learner& learner_;
  const TaskBatch& batch_;
  const Schedule& schedule_;
  const TrainArrays<Real>& arrays_;
  Simulator<Real> simulator_;
  const std::int64_t entries_;  // of a table, or weights
  std::int32_t state_ = kNowhere;
  std::vector<double> values_;   // a table, weights or a policy, being written out
  std::vector<double> returns_;  // [num_episodes]
  AgentStart<Real> start_;
};

}  // namespace metarl_fast
