// SPDX-License-Identifier: MIT
// Batches of tasks: ids, arrays in memory, and writing tasks out.
#include <algorithm>

#include "arrays.hpp"

#include "../accept.hpp"

namespace metarl_fast::bindings {
namespace {

TaskIds make_ids(std::uint64_t first, std::int64_t count, OptionalArray<std::uint64_t> list) {
  if (!list) return {first, count, nullptr};
  require_shape(*list, "ids", {count});
  const std::uint64_t* data = list->data();
  return {first, count, std::shared_ptr<const std::uint64_t>(keep_alive(std::move(*list)), data)};
}

// The sizes of dense tasks, or of outcome lists if there are next states; refuses arrays of other shapes.
Shape shape_of(std::int64_t n, const Array<double>& probability,
               const OptionalArray<std::int32_t>& next_state, const Array<double>& reward,
               const OptionalArray<std::uint8_t>& terminated) {
  if (probability.ndim() != 4) throw std::invalid_argument("probability must have 4 axes");
  const bool dense = !next_state.has_value();
  if (dense == terminated.has_value()) {
    throw std::invalid_argument("next_state and terminated belong together");
  }
  const std::int64_t s = probability.shape(1);
  const std::int64_t a = probability.shape(2);
  const std::int64_t k = probability.shape(3);
  require_shape(probability, dense ? "transitions" : "probability", {n, s, a, dense ? s : k});
  if (next_state) require_shape(*next_state, "next_state", {n, s, a, k});
  if (terminated) require_shape(*terminated, "terminated", {n, s, a, k});
  dense ? require_shape(reward, "rewards", {n, s, a}) : require_shape(reward, "rewards", {n, s, a, k});
  return {s, a, k, dense};
}

// From one task to the next in an array [N][S], or [S] for all.
std::int64_t stride_of(const py::array& array, const char* name, std::int64_t tasks, std::int64_t states) {
  array.ndim() == 1 ? require_shape(array, name, {states}) : require_shape(array, name, {tasks, states});
  return array.ndim() == 1 ? 0 : states;
}

// Lets Ctrl-C end long checks.
Interrupt ctrl_c() {
  return {[](void*) {
            const Visit visit;
            const py::gil_scoped_acquire gil;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            return false;
          },
          nullptr};
}

// scale [N][S][A] means rejection; reward_noise is [] or [N].
std::shared_ptr<TaskBatch> stored_tasks(const TaskIds& ids, Array<double> probability,
                                        OptionalArray<std::int32_t> next_state, Array<double> reward,
                                        OptionalArray<std::uint8_t> terminated, Array<std::uint8_t> terminal,
                                        Array<double> start, OptionalArray<double> scale,
                                        Array<double> reward_noise, bool masked) {
  const std::int64_t n = ids.count;
  Shape shape = shape_of(n, probability, next_state, reward, terminated);
  if (scale) require_shape(*scale, "scale", {n, shape.states, shape.actions});
  reward_noise.ndim() == 0 ? require_shape(reward_noise, "reward_noise", {})
                           : require_shape(reward_noise, "reward_noise", {n});

  const double* noise = reward_noise.data();
  shape.reward_noise = reward_noise.size() ? *std::max_element(noise, noise + reward_noise.size()) : 0.0;
  shape.sampling = scale ? Sampling::rejection : Sampling::inverse;
  shape.masked = masked;
  TaskArrays arrays;
  arrays.first = {probability.data(),
                  next_state ? next_state->data() : nullptr,
                  reward.data(),
                  terminated ? terminated->data() : nullptr,
                  terminal.data(),
                  start.data(),
                  scale ? scale->data() : nullptr,
                  0.0};
  arrays.start_stride = stride_of(start, "start", n, shape.states);
  arrays.terminal_stride = stride_of(terminal, "terminal", n, shape.states);
  arrays.reward_noise = noise;
  arrays.noise_stride = reward_noise.ndim() == 0 ? 0 : 1;
  arrays.owner = keep_alive(
      py::make_tuple(probability, next_state, reward, terminated, terminal, start, scale, reward_noise));
  const Unlocked unlocked;  // only raw pointers from here on
  return std::make_shared<StoredTasks>(shape, ids, std::move(arrays), ctrl_c());
}

bool accept_tasks(Array<double> probability, OptionalArray<std::int32_t> next_state, Array<double> reward,
                  OptionalArray<std::uint8_t> terminated, Array<std::uint8_t> terminal, Array<double> start,
                  bool infer_terminal) {
  const std::int64_t n = probability.ndim() > 0 ? probability.shape(0) : 0;
  const Shape shape = shape_of(n, probability, next_state, reward, terminated);
  GivenTasks tasks;
  tasks.terminal_stride = stride_of(terminal, "terminal", n, shape.states);
  tasks.start_stride = stride_of(start, "start", n, shape.states);
  if (infer_terminal && (shape.dense || tasks.terminal_stride == 0)) {
    throw std::invalid_argument("terminal states are inferred of outcome lists, for each task");
  }
  tasks.probability = probability.mutable_data();
  tasks.next_state = next_state ? next_state->mutable_data() : nullptr;
  tasks.reward = reward.mutable_data();
  tasks.terminated = terminated ? terminated->mutable_data() : nullptr;
  tasks.terminal = terminal.mutable_data();
  tasks.start = start.mutable_data();
  tasks.infer_terminal = infer_terminal;
  const Unlocked unlocked;
  return accept(shape, n, tasks, ctrl_c());
}

}  // namespace

void bind_tasks(py::module_& m) {
  py::class_<TaskIds>(m, "TaskIds")
      .def(py::init(&make_ids), py::arg("first"), py::arg("count"), py::arg("list").noconvert().none(true));

  py::class_<TaskBatch, std::shared_ptr<TaskBatch>>(m, "TaskBatch")
      .def_property_readonly("num_tasks", &TaskBatch::size)
      .def_property_readonly("num_states", [](const TaskBatch& b) { return b.shape().states; })
      .def_property_readonly("num_actions", [](const TaskBatch& b) { return b.shape().actions; })
      .def_property_readonly("num_outcomes", [](const TaskBatch& b) { return b.shape().outcomes; })
      .def_property_readonly("dense", [](const TaskBatch& b) { return b.shape().dense; })
      .def_property_readonly("by_rejection",
                             [](const TaskBatch& b) { return b.shape().sampling == Sampling::rejection; })
      .def_property_readonly(
          "needs_rows",
          [](const TaskBatch& b) { return b.shape().sampling == Sampling::inverse || !b.uniform_law(); })
      .def_property_readonly("episodes_per_segment", &TaskBatch::episodes_per_segment)
      .def_property_readonly("masked", [](const TaskBatch& b) { return b.shape().masked; })
      .def_property_readonly("reward_noise", [](const TaskBatch& b) { return b.shape().reward_noise; });

  m.def("stored_tasks", &stored_tasks, py::arg("ids"), py::arg("probability").noconvert(),
        py::arg("next_state").noconvert().none(true), py::arg("reward").noconvert(),
        py::arg("terminated").noconvert().none(true), py::arg("terminal").noconvert(),
        py::arg("start").noconvert(), py::arg("scale").noconvert().none(true),
        py::arg("reward_noise").noconvert(), py::arg("masked"));
  m.def("accept", &accept_tasks, py::arg("probability").noconvert(),
        py::arg("next_state").noconvert().none(true), py::arg("reward").noconvert(),
        py::arg("terminated").noconvert().none(true), py::arg("terminal").noconvert(),
        py::arg("start").noconvert(), py::arg("infer_terminal"));

  m.def(
      "materialise",
      [](const TaskBatch& batch, OptionalArray<double> probability, OptionalArray<std::int32_t> next_state,
         OptionalArray<double> reward, OptionalArray<std::uint8_t> terminated,
         OptionalArray<std::uint8_t> terminal, OptionalArray<double> start, OptionalArray<double> scale,
         OptionalArray<double> reward_noise, int num_threads) {
        const Shape& shape = batch.shape();
        const std::int64_t n = batch.size();
        const std::int64_t s = shape.states;
        const std::int64_t a = shape.actions;
        const std::int64_t k = shape.outcomes;
        if (shape.dense && (next_state || terminated)) {
          throw std::invalid_argument("dense tasks have no next_state and no terminated");
        }
        MaterialiseArrays out{};
        out.probability = output(probability, "probability", {n, s, a, k});
        out.next_state = output(next_state, "next_state", {n, s, a, k});
        out.reward =
            shape.dense ? output(reward, "reward", {n, s, a}) : output(reward, "reward", {n, s, a, k});
        out.terminated = output(terminated, "terminated", {n, s, a, k});
        out.terminal = output(terminal, "terminal", {n, s});
        out.reward_noise = output(reward_noise, "reward_noise", {n});
        out.start = output(start, "start", {n, s});
        if (scale && shape.sampling != Sampling::rejection) {
          throw std::invalid_argument("these tasks are not drawn from by rejection and have no scale");
        }
        out.scale = output(scale, "scale", {n, s, a});
        const py::object no_progress = py::none();
        const RunOptions options = run_options(num_threads, no_progress);
        const Unlocked unlocked;  // only raw pointers from here on
        materialise(batch, out, options);
      },
      py::arg("batch"), py::arg("probability").noconvert().none(true),
      py::arg("next_state").noconvert().none(true), py::arg("reward").noconvert().none(true),
      py::arg("terminated").noconvert().none(true), py::arg("terminal").noconvert().none(true),
      py::arg("start").noconvert().none(true), py::arg("scale").noconvert().none(true),
      py::arg("reward_noise").noconvert().none(true), py::arg("num_threads"));
}

}  // namespace metarl_fast::bindings
