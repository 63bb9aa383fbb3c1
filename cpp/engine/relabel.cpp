// SPDX-License-Identifier: MIT
// Relabelling: a learner lives through a history that it did not make, and says at each step what it would
// do.
#include "../engine.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "../parallel.hpp"
#include "../workers/initial_table.hpp"
#include "../workers/learning_stream.hpp"

namespace metarl_fast {
namespace {

template <class Real>
class Witness {
 public:
  Witness(const TaskBatch& batch, const Learner& learner, std::uint64_t key,
          const RelabelArrays<Real>& arrays)
      : batch_(batch),
        learner_(learner),
        arrays_(arrays),
        buffer_(batch.shape()),
        values_(static_cast<std::size_t>(batch.shape().pairs())) {
    schedule_.key = key;
  }

  void live(std::int64_t task, const Interrupt& interrupt) {
    const Shape& shape = batch_.shape();
    const std::int64_t entries = learner_.rows(shape) * shape.actions;
    const Real* initial =
        arrays_.initial_table + (arrays_.initial_per_task ? task * entries : std::int64_t{0});
    const bool looked_at = shape.masked || learner_.sees_reset();
    const TaskView view = looked_at ? batch_.load(task, buffer_) : TaskView();
    const std::unique_ptr<Agent> agent = learner_.agent(start_.setting(learner_, initial, shape, view, task));
    Stream stream = learning_stream(schedule_, batch_, task);
    Meter meter(interrupt);
    const History<Real>& history = arrays_.history;
    bool begins = true;
    std::int64_t episode = 0;
    for (std::int64_t t = 0; t < history.length[task]; ++t) {
      meter.count(shape.pairs());
      const Step step = step_at(task, t);
      if (begins) agent->begin_episode(episode++);
      label(*agent, step.state, arrays_.label + (task * history.room + t) * shape.actions);
      agent->observe(step, stream);
      begins = step.terminated || step.truncated;
      if (begins) agent->end_episode();
    }
  }

 private:
  void label(const Agent& agent, std::int32_t state, float* out) {
    const std::int64_t actions = batch_.shape().actions;
    const double* q = values_.data();
    if (!agent.q_row(state, values_.data())) {
      agent.q_table(values_.data());
      q += state * actions;
    }
    const double largest = *std::max_element(q, q + actions);
    const auto ties = std::count(q, q + actions, largest);
    const float share = 1.0F / static_cast<float>(ties);
    std::transform(q, q + actions, out, [&](double value) { return value == largest ? share : 0.0F; });
  }

  Step step_at(std::int64_t task, std::int64_t t) const {
    const History<Real>& history = arrays_.history;
    const std::int64_t place = task * history.room + t;
    const Shape& shape = batch_.shape();
    const auto reward = static_cast<double>(history.reward[place]);
    if (!std::isfinite(reward)) refuse("reward", task, t, reward, "a finite number");
    return {number("state", history.state, task, t, shape.states),
            number("action", history.action, task, t, shape.actions),
            reward,
            number("next_state", history.next_state, task, t, shape.states),
            history.terminated[place] != 0,
            history.truncated[place] != 0};
  }

  std::int32_t number(const char* name, const Numbers& of, std::int64_t task, std::int64_t t,
                      std::int64_t count) const {
    std::int64_t found = 0;
    with_type(of, [&](const auto* array) { found = array[task * arrays_.history.room + t]; });
    if (found >= count) refuse(name, task, t, static_cast<double>(found), "one that the task has");
    return static_cast<std::int32_t>(found);
  }

  [[noreturn]] static void refuse(const char* name, std::int64_t task, std::int64_t t, double value,
                                  const char* expected) {
    std::ostringstream message;
    message << name << "[" << task << ", " << t << "] is " << value << ", expected " << expected;
    throw std::invalid_argument(message.str());
  }

  const TaskBatch& batch_;
  const Learner& learner_;
  const RelabelArrays<Real>& arrays_;
  Schedule schedule_;
  TaskBuffer buffer_;
  AgentStart<Real> start_;
  std::vector<double> values_;  // [S][A], or one row of it
};

}  // namespace

template <class Real>
void relabel(const TaskBatch& batch, const Learner& learner, std::uint64_t key,
             const RelabelArrays<Real>& arrays, const RunOptions& options) {
  learner.check(batch, Schedule());
  const double work = 10.0 * static_cast<double>(arrays.history.room);
  for_each_block(batch.size(), 1, work, options, [&] {
    return [witness = std::make_shared<Witness<Real>>(batch, learner, key, arrays)](std::int64_t task,
                                                                                    Pulse& pulse) {
      witness->live(task, pulse.interrupt());
      return std::int64_t{1};
    };
  });
}

template void relabel(const TaskBatch&, const Learner&, std::uint64_t, const RelabelArrays<float>&,
                      const RunOptions&);
template void relabel(const TaskBatch&, const Learner&, std::uint64_t, const RelabelArrays<double>&,
                      const RunOptions&);

}  // namespace metarl_fast
