// SPDX-License-Identifier: MIT
#include "arrays.hpp"

namespace metarl_fast::bindings {
namespace {

template <class Real>
void bind_train_as(py::module_& m, const char* name) {
  m.def(
      name,
      [](const TaskBatch& batch, std::uint64_t key, std::int64_t num_episodes, std::int64_t num_steps,
         bool continuing, double learning_rate, double learning_rate_decay, double discount,
         const OptionalArray<double>& epsilon, const Array<Real>& initial_table, OptionalArray<Real> q_table,
         OptionalArray<std::int32_t> policy, OptionalArray<Real> returns, OptionalArray<Real> snapshots,
         const Array<std::int64_t>& snapshot_episodes, int num_threads, const py::object& progress) {
        const std::int64_t n = batch.size();
        const std::int64_t s = batch.shape().states;
        const std::int64_t a = batch.shape().actions;
        const std::int64_t k = snapshot_episodes.size();
        require_shape(snapshot_episodes, "snapshot_episodes", {k});
        Learner learner{learning_rate, learning_rate_decay, discount, !epsilon.has_value(), nullptr, 0};
        if (epsilon) {
          if (epsilon->size() != 1) require_shape(*epsilon, "epsilon", {num_episodes});
          learner.epsilon = epsilon->data();
          learner.num_epsilons = epsilon->size();
        }
        const Schedule schedule{key, num_episodes, num_steps, continuing};
        TrainArrays<Real> arrays;
        arrays.initial_per_task = initial_table.ndim() == 3;
        arrays.initial_per_task ? require_shape(initial_table, "initial_table", {n, s, a})
                                : require_shape(initial_table, "initial_table", {s, a});
        arrays.initial_table = initial_table.data();
        arrays.q_table = output(q_table, "q_table", {n, s, a});
        arrays.policy = output(policy, "policy", {n, s});
        arrays.returns = output(returns, "returns", {n, num_episodes});
        arrays.snapshots = output(snapshots, "snapshots", {n, k, s, a});
        arrays.snapshot_episodes = snapshot_episodes.data();
        arrays.num_snapshots = k;
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        train(batch, learner, schedule, arrays, options);
      },
      py::arg("batch"), py::arg("key"), py::arg("num_episodes"), py::arg("num_steps"), py::arg("continuing"),
      py::arg("learning_rate"), py::arg("learning_rate_decay"), py::arg("discount"),
      py::arg("epsilon").noconvert().none(true), py::arg("initial_table").noconvert(),
      py::arg("q_table").noconvert().none(true), py::arg("policy").noconvert().none(true),
      py::arg("returns").noconvert().none(true), py::arg("snapshots").noconvert().none(true),
      py::arg("snapshot_episodes").noconvert(), py::arg("num_threads"), py::arg("progress").none(true));
}

}  // namespace

void bind_train(py::module_& m) {
  bind_train_as<float>(m, "train_float32");
  bind_train_as<double>(m, "train_float64");
}

}  // namespace metarl_fast::bindings
