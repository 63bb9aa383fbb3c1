// SPDX-License-Identifier: MIT
#include "arrays.hpp"

namespace metarl_fast::bindings {

void bind_planning(py::module_& m) {
  m.def(
      "solve",
      [](const TaskBatch& batch, double discount, std::int64_t horizon, double tolerance, bool sweeps,
         Array<double> values, Array<double> q_values, Array<std::int32_t> policy,
         OptionalArray<std::int32_t> plan, Array<double> returns, int num_threads,
         const py::object& progress) {
        const std::int64_t n = batch.size();
        const std::int64_t s = batch.shape().states;
        require_shape(values, "values", {n, s});
        require_shape(q_values, "q_values", {n, s, batch.shape().actions});
        require_shape(policy, "policy", {n, s});
        require_shape(returns, "returns", {n});
        const SolveArrays out{values.mutable_data(), q_values.mutable_data(), policy.mutable_data(),
                              output(plan, "plan", {n, horizon, s}), returns.mutable_data()};
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        solve(batch, {discount, horizon, tolerance, sweeps}, out, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("horizon"), py::arg("tolerance"), py::arg("sweeps"),
      py::arg("values").noconvert(), py::arg("q_values").noconvert(), py::arg("policy").noconvert(),
      py::arg("plan").noconvert().none(true), py::arg("returns").noconvert(), py::arg("num_threads"),
      py::arg("progress").none(true));

  m.def(
      "evaluate",
      [](const TaskBatch& batch, double discount, std::int64_t horizon, double tolerance,
         const Array<double>& policy, OptionalArray<double> values, Array<double> returns, int num_threads,
         const py::object& progress) {
        const std::int64_t n = batch.size();
        const std::int64_t s = batch.shape().states;
        const std::int64_t a = batch.shape().actions;
        const bool shared = policy.ndim() == 3;
        if (policy.ndim() < 3) throw std::invalid_argument("policy must have 3 or 4 axes");
        const std::int64_t p = policy.shape(shared ? 0 : 1);
        shared ? require_shape(policy, "policy", {p, s, a}) : require_shape(policy, "policy", {n, p, s, a});
        require_shape(returns, "returns", {n, p});
        const EvaluateArrays arrays{policy.data(), shared, p, output(values, "values", {n, p, s}),
                                    returns.mutable_data()};
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        evaluate(batch, {discount, horizon, tolerance}, arrays, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("horizon"), py::arg("tolerance"),
      py::arg("policy").noconvert(), py::arg("values").noconvert().none(true), py::arg("returns").noconvert(),
      py::arg("num_threads"), py::arg("progress").none(true));
}

}  // namespace metarl_fast::bindings
