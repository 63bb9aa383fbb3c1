// SPDX-License-Identifier: MIT
// Many tasks that answer side by side, for vector environments.
#include <pybind11/native_enum.h>

#include <cstring>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrays.hpp"

#include "../rollout.hpp"
#include "../thresholds.hpp"
#include "../vector_simulator.hpp"

namespace metarl_fast::bindings {
namespace {

using SharedBatch = std::shared_ptr<TaskBatch>;

// One caller at a time: the interpreter may have no lock that says so.
template <class Real>
class BoundVectorSimulator {
 public:
  BoundVectorSimulator(std::int64_t places, std::int64_t episodes_per_task, bool stays)
      : core_(places, episodes_per_task, stays) {}

  // Each place gets the batch's task of its number.
  void assign(const Array<std::int64_t>& places, SharedBatch batch, const Array<std::int64_t>& numbers,
              std::int64_t limit, const OptionalArray<std::int64_t>& limits, bool follows) {
    require_places(places);
    require_shape(numbers, "numbers", {places.size()});
    const auto supply = new_supply(std::move(batch), limit, limits);
    for (std::int64_t k = 0; k < numbers.size(); ++k) {
      require(numbers.data()[k] >= 0 && numbers.data()[k] < supply->batch->size(), "a number",
              static_cast<double>(numbers.data()[k]), "one of the batch's tasks");
    }
    const Turn turn(*this);
    core_.assign(places.data(), numbers.data(), places.size(), supply, follows);
  }

  // The k-th place will get the k-th task.
  void expect(const Array<std::int64_t>& places, SharedBatch batch, std::int64_t limit,
              const OptionalArray<std::int64_t>& limits) {
    require_places(places);
    const auto supply = new_supply(std::move(batch), limit, limits);
    require(supply->batch->size() == places.size(), "the number of tasks",
            static_cast<double>(supply->batch->size()), "as many as places");
    const Turn turn(*this);
    for (std::int64_t k = 0; k < places.size(); ++k) core_.expect(places.data()[k], supply, k);
  }

  void leave(const Array<std::int64_t>& places) {
    require_places(places);
    const Turn turn(*this);
    for (std::int64_t k = 0; k < places.size(); ++k) core_.leave(places.data()[k]);
  }

  void seed(const Array<std::int64_t>& places, const Array<std::uint64_t>& keys) {
    require_places(places);
    require_shape(keys, "keys", {places.size()});
    const Turn turn(*this);
    for (std::int64_t k = 0; k < places.size(); ++k) core_.seed(places.data()[k], keys.data()[k]);
  }

  void reset(const Array<std::int64_t>& places) {
    require_places(places);
    const std::int64_t* place = places.data();
    const std::int64_t count = places.size();
    const Turn turn(*this);
    for (std::int64_t k = 0; k < count; ++k) core_.reset(place[k], core_.loader());
  }

  // Writes what each place answers; says whether an episode ended.
  bool step(const Array<std::int64_t>& actions, Autoreset mode, Array<std::int64_t>& states,
            Array<std::int64_t>& entered, Array<double>& rewards, Array<bool>& terminated,
            Array<bool>& truncated) {
    const std::int64_t n = core_.places();
    require_shape(actions, "actions", {n});
    const std::int64_t* action = actions.data();
    auto* state = written(states, "states");
    auto* into = written(entered, "entered");
    auto* reward = written(rewards, "rewards");
    auto* ends = written(terminated, "terminated");
    auto* cut = written(truncated, "truncated");
    const Turn turn(*this);
    for (std::int64_t i = 0; i < n; ++i) core_.check(i, action[i], mode);
    bool ended = false;
    constexpr std::int64_t kAhead = 8;
    for (std::int64_t i = 0; i < n; ++i) {
      if (i + kAhead < n) core_.prefetch(i + kAhead, action[i + kAhead]);
      const PlaceAnswer answer = core_.step(i, action[i], mode, core_.loader());
      state[i] = answer.state;
      into[i] = answer.entered;
      reward[i] = answer.reward;
      ends[i] = answer.terminated;
      cut[i] = answer.truncated;
      ended |= answer.terminated || answer.truncated;
    }
    return ended;
  }

  // (state, reward, terminated, truncated) of one place
  py::tuple step_one(std::int64_t place, std::int64_t action, Autoreset mode) {
    require_place(place);
    const PlaceAnswer answer = [&] {
      const Turn turn(*this);
      core_.check(place, action, mode);
      return core_.step(place, action, mode, core_.loader());
    }();
    return py::make_tuple(answer.state, answer.reward, answer.terminated, answer.truncated);
  }

  // (states, rewards, terminated, truncated) of some places, in their order
  py::tuple step_some(const Array<std::int64_t>& places, const Array<std::int64_t>& actions, Autoreset mode) {
    require_places(places);
    require_shape(actions, "actions", {places.size()});
    const std::int64_t n = places.size();
    Array<std::int64_t> states(n);
    Array<double> rewards(n);
    Array<bool> terminated(n), truncated(n);
    const std::int64_t* place = places.data();
    const std::int64_t* action = actions.data();
    auto* state = states.mutable_data();
    auto* reward = rewards.mutable_data();
    auto* ends = terminated.mutable_data();
    auto* cut = truncated.mutable_data();
    {
      const Turn turn(*this);
      for (std::int64_t k = 0; k < n; ++k) core_.check(place[k], action[k], mode);
      for (std::int64_t k = 0; k < n; ++k) {
        const PlaceAnswer answer = core_.step(place[k], action[k], mode, core_.loader());
        state[k] = answer.state;
        reward[k] = answer.reward;
        ends[k] = answer.terminated;
        cut[k] = answer.truncated;
      }
    }
    return py::make_tuple(states, rewards, terminated, truncated);
  }

  // The next number of each chosen stream, and its companion.
  py::tuple draw(const Array<std::int64_t>& places) {
    require_places(places);
    Array<std::uint32_t> numbers(places.size()), companions(places.size());
    const std::int64_t* place = places.data();
    auto* number = numbers.mutable_data();
    auto* companion = companions.mutable_data();
    const std::int64_t count = places.size();
    {
      const Turn turn(*this);
      for (std::int64_t k = 0; k < count; ++k) {
        Stream& stream = core_.stream(place[k]);
        number[k] = next(stream);
        companion[k] = stream.s[kCompanion];
      }
    }
    return py::make_tuple(numbers, companions);
  }

  // Writes what happened, each [steps][places] or None.
  void roll_out(std::int64_t num_steps, const OptionalArray<std::int32_t>& action,
                const OptionalArray<double>& probability, OptionalArray<std::int32_t>& states,
                OptionalArray<std::int32_t>& actions, OptionalArray<Real>& rewards,
                OptionalArray<std::int32_t>& next_states, OptionalArray<bool>& terminated,
                OptionalArray<bool>& truncated, int num_threads) {
    const std::int64_t n = core_.places();
    const Shape shape = core_.task(0).shape();
    RolloutArrays<Real> out;
    out.num_steps = num_steps;
    out.states = output(states, "states", {num_steps, n});
    out.actions = output(actions, "actions", {num_steps, n});
    out.rewards = output(rewards, "rewards", {num_steps, n});
    out.next_states = output(next_states, "next_states", {num_steps, n});
    out.terminated = output(terminated, "terminated", {num_steps, n});
    out.truncated = output(truncated, "truncated", {num_steps, n});
    RolloutPolicy<Real> policy;
    if (action) {
      policy.action = action->data();
      policy.stride = stride_of(*action, "action", {shape.states}, {n, shape.states});
    }
    if (probability) {
      policy.stride = stride_of(*probability, "probability", {shape.states, shape.actions},
                                {n, shape.states, shape.actions});
    }
    const double* rows = probability ? probability->data() : nullptr;
    const py::object no_progress = py::none();
    const RunOptions options = run_options(num_threads, no_progress);
    const Turn turn(*this);
    std::vector<Real> thresholds;
    if (rows) {
      const std::int64_t states_of_all = shape.states * (policy.stride ? n : 1);
      const std::int64_t length = thresholds_of(shape.actions);
      thresholds.resize(static_cast<std::size_t>(states_of_all * length));
      for (std::int64_t k = 0; k < states_of_all; ++k) {
        write_thresholds(rows + k * shape.actions, shape.actions, thresholds.data() + k * length);
      }
      policy.probability = thresholds.data();
    }
    rollout(core_, policy, out, options);
  }

  // Whether each place's task has each action in a state [places][actions].
  Array<std::int8_t> available_in(const Array<std::int64_t>& states) {
    require_shape(states, "states", {core_.places()});
    const std::int64_t n = core_.places();
    const std::int64_t actions = core_.task(0).shape().actions;
    Array<std::int8_t> found({n, actions});
    std::int8_t* out = found.mutable_data();
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t state = states.data()[i];
      require(state >= 0 && state < core_.task(i).shape().states, "a state", static_cast<double>(state),
              "one of the task's");
      for (std::int64_t a = 0; a < actions; ++a) *out++ = core_.task(i).has(state, a);
    }
    return found;
  }

  // What each place stands at but its task, in words of 64 bits [places][words].
  Array<std::uint64_t> standing() {
    Array<std::uint64_t> found({core_.places(), kWords});
    std::uint64_t* words = found.mutable_data();
    const Turn turn(*this);
    for (std::int64_t i = 0; i < core_.places(); ++i, words += kWords) {
      const Standing where = core_.standing(i);
      std::memcpy(words, &where, sizeof(Standing));
    }
    return found;
  }
  // Has all places, with the tasks that they had then, stand there again.
  void stand(const Array<std::uint64_t>& standing) {
    require_shape(standing, "standing", {core_.places(), kWords});
    const std::uint64_t* words = standing.data();
    const Turn turn(*this);
    for (std::int64_t i = 0; i < core_.places(); ++i, words += kWords) {
      Standing where;
      std::memcpy(&where, words, sizeof(Standing));
      core_.stand(i, where);
    }
  }

  Array<std::int64_t> states() const {
    return read<std::int64_t>([this](std::int64_t i) { return core_.state(i); });
  }
  Array<std::int64_t> numbers() const {
    return read<std::int64_t>([this](std::int64_t i) { return core_.number(i); });
  }
  Array<std::int64_t> elapsed() const {
    return read<std::int64_t>([this](std::int64_t i) { return core_.elapsed(i); });
  }
  Array<bool> over() const {
    return read<bool>([this](std::int64_t i) { return core_.over(i); });
  }

  Array<bool> follows() const {
    return read<bool>([this](std::int64_t i) { return core_.follows(i); });
  }

  Array<bool> expects_none() const {
    return read<bool>([this](std::int64_t i) { return core_.expects_none(i); });
  }

 private:
  using Standing = typename VectorSimulator<Real>::Standing;
  static constexpr std::int64_t kWords = sizeof(Standing) / sizeof(std::uint64_t);
  static_assert(sizeof(Standing) % sizeof(std::uint64_t) == 0 && std::is_trivially_copyable_v<Standing>);

  static std::shared_ptr<const TaskSupply> new_supply(SharedBatch batch, std::int64_t limit,
                                                      const OptionalArray<std::int64_t>& limits) {
    TaskSupply tasks{std::move(batch), limit, {}};
    if (limits) {
      require_shape(*limits, "limits", {tasks.batch->size()});
      tasks.limits.assign(limits->data(), limits->data() + limits->size());
    }
    return std::make_shared<const TaskSupply>(std::move(tasks));
  }

  class Turn {
   public:
    explicit Turn(BoundVectorSimulator& of) : lock_(of.busy_) {}

   private:
    Unlocked unlocked_;
    std::lock_guard<std::mutex> lock_;
  };

  // States from one place's policy to the next one's, 0 if all have one.
  static std::int64_t stride_of(const py::array& policy, const char* name,
                                std::initializer_list<std::int64_t> one,
                                std::initializer_list<std::int64_t> each) {
    const bool shared = policy.ndim() == static_cast<py::ssize_t>(one.size());
    require_shape(policy, name, shared ? one : each);
    return shared ? 0 : *one.begin();
  }

  template <class T>
  T* written(Array<T>& out, const char* name) const {
    require_shape(out, name, {core_.places()});
    return out.mutable_data();
  }

  template <class T, class Get>
  Array<T> read(const Get& get) const {
    Array<T> found(core_.places());
    for (std::int64_t i = 0; i < core_.places(); ++i) found.mutable_data()[i] = get(i);
    return found;
  }

  void require_place(std::int64_t place) const {
    if (place >= 0 && place < core_.places()) return;
    throw std::invalid_argument("place is " + std::to_string(place) + ", expected 0 to " +
                                std::to_string(core_.places() - 1));
  }
  void require_places(const Array<std::int64_t>& places) const {
    require_shape(places, "places", {places.size()});
    for (std::int64_t k = 0; k < places.size(); ++k) require_place(places.data()[k]);
  }

  VectorSimulator<Real> core_;
  std::mutex busy_;
};

template <class Real>
void bind_vector_simulator(py::module_& m, const char* name) {
  using Bound = BoundVectorSimulator<Real>;
  py::class_<Bound>(m, name)
      .def(py::init<std::int64_t, std::int64_t, bool>(), py::arg("places"), py::arg("episodes_per_task"),
           py::arg("stays"))
      .def("assign", &Bound::assign, py::arg("places").noconvert(), py::arg("batch"),
           py::arg("numbers").noconvert(), py::arg("limit"), py::arg("limits").noconvert().none(true),
           py::arg("follows"))
      .def("expect", &Bound::expect, py::arg("places").noconvert(), py::arg("batch"), py::arg("limit"),
           py::arg("limits").noconvert().none(true))
      .def("leave", &Bound::leave, py::arg("places").noconvert())
      .def("seed", &Bound::seed, py::arg("places").noconvert(), py::arg("keys").noconvert())
      .def("reset", &Bound::reset, py::arg("places").noconvert())
      .def("step", &Bound::step, py::arg("actions").noconvert(), py::arg("mode"),
           py::arg("states").noconvert(), py::arg("entered").noconvert(), py::arg("rewards").noconvert(),
           py::arg("terminated").noconvert(), py::arg("truncated").noconvert())
      .def("step_one", &Bound::step_one, py::arg("place"), py::arg("action"), py::arg("mode"))
      .def("rollout", &Bound::roll_out, py::arg("num_steps"), py::arg("action").noconvert().none(true),
           py::arg("probability").noconvert().none(true), py::arg("states").noconvert().none(true),
           py::arg("actions").noconvert().none(true), py::arg("rewards").noconvert().none(true),
           py::arg("next_states").noconvert().none(true), py::arg("terminated").noconvert().none(true),
           py::arg("truncated").noconvert().none(true), py::arg("num_threads"))
      .def("step_some", &Bound::step_some, py::arg("places").noconvert(), py::arg("actions").noconvert(),
           py::arg("mode"))
      .def("draw", &Bound::draw, py::arg("places").noconvert())
      .def("available", &Bound::available_in, py::arg("states").noconvert())
      .def("standing", &Bound::standing)
      .def("stand", &Bound::stand, py::arg("standing").noconvert())
      .def_property_readonly("states", &Bound::states)
      .def_property_readonly("numbers", &Bound::numbers)
      .def_property_readonly("elapsed", &Bound::elapsed)
      .def_property_readonly("over", &Bound::over)
      .def_property_readonly("follows", &Bound::follows)
      .def_property_readonly("expects_none", &Bound::expects_none);
}

}  // namespace

void bind_vector(py::module_& m) {
  py::native_enum<Autoreset>(m, "Autoreset", "enum.Enum")
      .value("next_step", Autoreset::next_step)
      .value("same_step", Autoreset::same_step)
      .value("disabled", Autoreset::disabled)
      .finalize();
  bind_vector_simulator<float>(m, "VectorSimulatorFloat32");
  bind_vector_simulator<double>(m, "VectorSimulatorFloat64");
}

}  // namespace metarl_fast::bindings
