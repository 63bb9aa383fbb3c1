// SPDX-License-Identifier: MIT
// Tasks between a few tasks that all share: each has weights of its own, its hidden parameters, and each of
// its steps goes as in the k'th task with probability w_k.
//
// A state that is terminal in some of them goes as in the others, and is terminal where it is in all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "dirichlet.hpp"
#include "family.hpp"
#include "layout.hpp"

namespace metarl_fast {

class HiddenParameter final : public Family {
 public:
  static constexpr const char* kName = "HiddenParameter";

  std::shared_ptr<const TaskBatch> tasks;  // the shared ones
  double concentration = 1.0;              // weights are Dirichlet

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("tasks", family.tasks);
    visit("concentration", family.concentration, above(0));
  }

  void check() const override {
    check_parameters(*this);
    require(tasks->size() > 0, "the number of tasks", static_cast<double>(tasks->size()), "one at least");
    require(!tasks->shape().masked, "whether actions may be missing", 1.0, "0: all available everywhere");
  }
  Shape shape() const override;
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  void add(const TaskView& from, std::int64_t place, std::int64_t state, double weight,
           TaskBuffer& task) const;
};

// Outcome lists of all shared tasks stand one after the other.
inline Shape HiddenParameter::shape() const {
  Shape of = tasks->shape();
  if (!of.dense) of.outcomes *= tasks->size();
  of.sampling = Sampling::inverse;
  return of;
}

inline void HiddenParameter::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                                   const Interrupt& interrupt) const {
  Stream stream = make_stream(key, id, Purpose::parts);
  const auto count = static_cast<std::size_t>(tasks->size());
  std::vector<double> weights(count, 1.0), logs;
  draw_dirichlet(stream, concentration, weights.data(), count, logs);

  const Shape from = tasks->shape();
  std::vector<TaskBuffer> rooms(count, TaskBuffer(from));
  std::vector<TaskView> shared;
  for (std::size_t k = 0; k < count; ++k) {
    shared.push_back(tasks->load(static_cast<std::int64_t>(k), rooms[k], interrupt));
  }
  std::fill(task.probability.begin(), task.probability.end(), 0.0);
  std::fill(task.reward.begin(), task.reward.end(), 0.0);
  task.reward_noise = 0.0;
  Meter meter(interrupt);
  for (std::int64_t s = 0; s < from.states; ++s) {
    meter.count(from.actions * from.outcomes * tasks->size());
    double open = 0.0;
    double start = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      if (!shared[k].terminal[s]) open += weights[k];
      start += weights[k] * shared[k].start[s];
      require(!from.dense || shared[k].terminal[s] == shared[0].terminal[s],
              "a state that is terminal in some tasks", static_cast<double>(s),
              "none in dense tasks, where outcomes do not say whether they end the episode");
    }
    task.terminal[static_cast<std::size_t>(s)] = open == 0.0;
    task.start[static_cast<std::size_t>(s)] = start;
    for (std::size_t k = 0; k < count; ++k) {
      const bool goes = open == 0.0 || !shared[k].terminal[s];
      add(shared[k], static_cast<std::int64_t>(k), s, goes ? weights[k] / (open > 0.0 ? open : 1.0) : 0.0,
          task);
    }
  }
  for (std::size_t k = 0; k < count; ++k) task.reward_noise += weights[k] * shared[k].reward_noise;
}

inline void HiddenParameter::add(const TaskView& from, std::int64_t place, std::int64_t state, double weight,
                                 TaskBuffer& task) const {
  const Shape of = tasks->shape();
  const std::int64_t lists = of.dense ? 1 : tasks->size();
  for (std::int64_t pair = state * of.actions; pair < (state + 1) * of.actions; ++pair) {
    const std::int64_t source = pair * of.outcomes;
    const std::int64_t target = pair * of.outcomes * lists + (of.dense ? 0 : place * of.outcomes);
    if (of.dense) task.reward[static_cast<std::size_t>(pair)] += weight * from.reward[pair];
    for (std::int64_t k = 0; k < of.outcomes; ++k) {
      const auto to = static_cast<std::size_t>(target + k);
      task.probability[to] += weight * from.probability[source + k];
      if (of.dense) continue;
      task.next_state[to] = from.next_state[source + k];
      task.reward[to] = from.reward[source + k];
      task.terminated[to] = from.terminated[source + k];
    }
  }
}

}  // namespace metarl_fast
