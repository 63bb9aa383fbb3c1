// SPDX-License-Identifier: MIT
// Step by step: a task that answers, and an agent that lives in it.
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "arrays.hpp"
#include "keywords.hpp"

#include "../learners/agent.hpp"
#include "../learners/agents.hpp"
#include "../learners/learner.hpp"
#include "../simulator.hpp"
#include "../workers/initial_table.hpp"

namespace metarl_fast::bindings {
namespace {

using SharedStream = std::shared_ptr<Stream>;

SharedStream new_stream(std::uint64_t key, std::uint64_t task, std::uint32_t purpose) {
  return std::make_shared<Stream>(make_stream(key, task, static_cast<Purpose>(purpose)));
}

void require_place(std::int64_t value, const char* name, std::int64_t count) {
  if (value >= 0 && value < count) return;
  std::ostringstream message;
  message << name << " is " << value << ", expected 0 to " << count - 1;
  throw std::invalid_argument(message.str());
}

// One task that answers, and the state that it is in.
template <class Real>
class BoundSimulator {
 public:
  BoundSimulator(const TaskBatch& batch, SharedStream stream)
      : simulator_(batch), stream_(std::move(stream)) {
    if (batch.size() != 1) throw std::invalid_argument("batch must hold one task");
    const Unlocked unlocked;
    simulator_.load(0);
  }

  std::int32_t reset() {
    state_ = simulator_.reset(*stream_);
    over_ = simulator_.terminal(state_);
    return state_;
  }

  // (next state, reward, terminated)
  py::tuple step(std::int64_t action) {
    const Shape& shape = simulator_.shape();
    require_place(action, "action", shape.actions);
    if (over_) throw std::invalid_argument("the episode is over, expected a call of reset before this step");
    if (!available(shape, simulator_.task(), state_ * shape.actions + action)) {
      std::ostringstream message;
      message << "action is " << action << ", which is not available in state " << state_;
      throw std::invalid_argument(message.str());
    }
    const Answer answer = simulator_.step(state_, static_cast<std::int32_t>(action), *stream_);
    state_ = answer.next_state;
    over_ = answer.terminated;
    return py::make_tuple(answer.next_state, answer.reward, answer.terminated);
  }

  std::int32_t state() const { return state_; }
  bool over() const { return over_; }

 private:
  Simulator<Real> simulator_;
  SharedStream stream_;
  std::int32_t state_ = 0;
  bool over_ = true;
};

// An agent, the sizes of its task, and which episode it is in.
class BoundAgent {
 public:
  BoundAgent(const Shape& shape, std::int64_t rows, std::unique_ptr<Agent> agent, SharedStream stream)
      : shape_(shape), rows_(rows), agent_(std::move(agent)), stream_(std::move(stream)) {}

  void begin_episode() {
    agent_->begin_episode(episode_++);
    begun_ = true;
  }

  void end_episode() {
    agent_->end_episode();
    begun_ = false;
  }

  std::int32_t act(std::int64_t state) {
    require_place(state, "state", shape_.states);
    if (!begun_) begin_episode();
    return agent_->act(static_cast<std::int32_t>(state), *stream_);
  }

  void observe(std::int64_t state, std::int64_t action, double reward, std::int64_t next_state,
               bool terminated, bool truncated) {
    require_place(state, "state", shape_.states);
    require_place(action, "action", shape_.actions);
    require_place(next_state, "next_state", shape_.states);
    require(std::isfinite(reward), "reward", reward, "a finite number");
    if (!begun_) begin_episode();
    agent_->observe({static_cast<std::int32_t>(state), static_cast<std::int32_t>(action), reward,
                     static_cast<std::int32_t>(next_state), terminated, truncated && !terminated},
                    *stream_);
    if (terminated || truncated) end_episode();
  }

  py::array_t<double> policy() const {
    py::array_t<double> found({shape_.states, shape_.actions});
    agent_->policy(found.mutable_data());
    return found;
  }

  py::array_t<double> q_table() const {
    py::array_t<double> found({rows_, shape_.actions});
    agent_->q_table(found.mutable_data());
    return found;
  }

 private:
  Shape shape_;
  std::int64_t rows_;  // of its table, or weights
  std::unique_ptr<Agent> agent_;
  SharedStream stream_;
  std::int64_t episode_ = 0;  // the next one to begin
  bool begun_ = false;
};

template <class Real>
std::unique_ptr<BoundAgent> make_agent(const Learner& learner, const TaskBatch& batch,
                                       const Array<Real>& initial_table, SharedStream stream) {
  const Shape& shape = batch.shape();
  if (batch.size() != 1) throw std::invalid_argument("batch must hold one task");
  require_shape(initial_table, "initial_table", {learner.rows(shape), shape.actions});
  learner.check(batch, Schedule());
  std::optional<TaskBuffer> buffer;  // a large task is written out for its missing actions only
  const bool looked_at = shape.masked || learner.sees_reset();
  const TaskView task = looked_at ? batch.load(0, buffer.emplace(shape)) : TaskView();
  AgentStart<Real> start;
  const Setting<Real> setting = start.setting(learner, initial_table.data(), shape, task, 0);
  return std::make_unique<BoundAgent>(shape, learner.rows(shape), learner.agent(setting), std::move(stream));
}

template <class Real>
void bind_simulator(py::module_& m, const char* name) {
  using Bound = BoundSimulator<Real>;
  py::class_<Bound>(m, name)
      .def(py::init<const TaskBatch&, SharedStream>(), py::arg("batch"), py::arg("stream"),
           py::keep_alive<1, 2>())
      .def("reset", &Bound::reset)
      .def("step", &Bound::step, py::arg("action"))
      .def_property_readonly("state", &Bound::state)
      .def_property_readonly("terminated", &Bound::over);
}

template <class Kind>
std::unique_ptr<Kind> make_learner(const py::kwargs& given) {
  auto learner = std::make_unique<Kind>();
  set_parameters(*learner, given);
  return learner;
}

template <class... Kinds>
void bind_learners(py::module_& m, LearnerList<Kinds...>) {
  (py::class_<Kinds, Learner>(m, Kinds::kName).def(py::init(&make_learner<Kinds>)), ...);
}

}  // namespace

void bind_agents(py::module_& m) {
  bind_learners(m, AgentLearners());
  py::class_<Stream, SharedStream>(m, "Stream")
      .def(py::init(&new_stream), py::arg("key"), py::arg("task"), py::arg("purpose"));
  bind_simulator<float>(m, "SimulatorFloat32");
  bind_simulator<double>(m, "SimulatorFloat64");
  py::class_<BoundAgent>(m, "Agent")
      .def("begin_episode", &BoundAgent::begin_episode)
      .def("act", &BoundAgent::act, py::arg("state"))
      .def("observe", &BoundAgent::observe, py::arg("state"), py::arg("action"), py::arg("reward"),
           py::arg("next_state"), py::arg("terminated"), py::arg("truncated"))
      .def("end_episode", &BoundAgent::end_episode)
      .def("policy", &BoundAgent::policy)
      .def_property_readonly("q_table", &BoundAgent::q_table);
  m.def("agent_float32", &make_agent<float>, py::arg("learner"), py::arg("batch"),
        py::arg("initial_table").noconvert(), py::arg("stream"), py::keep_alive<0, 1>());
  m.def("agent_float64", &make_agent<double>, py::arg("learner"), py::arg("batch"),
        py::arg("initial_table").noconvert(), py::arg("stream"), py::keep_alive<0, 1>());
}

}  // namespace metarl_fast::bindings
