// SPDX-License-Identifier: MIT
// Planning and evaluation of policies: shapes checked, pointers passed on.
#include "arrays.hpp"
#include "policy_arrays.hpp"

namespace metarl_fast::bindings {
namespace {

using Horizon = OptionalArray<std::int64_t>;

SolveArrays solve_arrays(const TaskBatch& batch, Array<double>& values, Array<double>& q_values,
                         Array<std::int32_t>& policy, Array<double>& returns) {
  const std::int64_t n = batch.size();
  const std::int64_t s = batch.shape().states;
  require_shape(values, "values", {n, s});
  require_shape(q_values, "q_values", {n, s, batch.shape().actions});
  require_shape(policy, "policy", {n, s});
  require_shape(returns, "returns", {n});
  return {values.mutable_data(), q_values.mutable_data(), policy.mutable_data(), returns.mutable_data()};
}

// What it took to find it.
void add_took(const TaskBatch& batch, Array<std::int64_t>& iterations, Array<double>& error_bound,
              SolveArrays& out) {
  require_shape(iterations, "iterations", {batch.size()});
  require_shape(error_bound, "error_bound", {batch.size()});
  out.iterations = iterations.mutable_data();
  out.error_bound = error_bound.mutable_data();
}

}  // namespace

void bind_planning(py::module_& m) {
  m.def(
      "policy_iteration",
      [](const TaskBatch& batch, double discount, Array<double> values, Array<double> q_values,
         Array<std::int32_t> policy, Array<double> returns, Array<std::int64_t> iterations,
         Array<double> error_bound, int num_threads, const py::object& progress) {
        SolveArrays out = solve_arrays(batch, values, q_values, policy, returns);
        add_took(batch, iterations, error_bound, out);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        policy_iteration(batch, discount, out, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("values").noconvert(), py::arg("q_values").noconvert(),
      py::arg("policy").noconvert(), py::arg("returns").noconvert(), py::arg("iterations").noconvert(),
      py::arg("error_bound").noconvert(), py::arg("num_threads"), py::arg("progress").none(true));

  m.def(
      "value_iteration",
      [](const TaskBatch& batch, double discount, double tolerance, Array<double> values,
         Array<double> q_values, Array<std::int32_t> policy, Array<double> returns,
         Array<std::int64_t> iterations, Array<double> error_bound, int num_threads,
         const py::object& progress) {
        SolveArrays out = solve_arrays(batch, values, q_values, policy, returns);
        add_took(batch, iterations, error_bound, out);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        value_iteration(batch, discount, tolerance, out, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("tolerance"), py::arg("values").noconvert(),
      py::arg("q_values").noconvert(), py::arg("policy").noconvert(), py::arg("returns").noconvert(),
      py::arg("iterations").noconvert(), py::arg("error_bound").noconvert(), py::arg("num_threads"),
      py::arg("progress").none(true));

  m.def(
      "modified_policy_iteration",
      [](const TaskBatch& batch, double discount, double tolerance, std::int64_t sweeps, Array<double> values,
         Array<double> q_values, Array<std::int32_t> policy, Array<double> returns,
         Array<std::int64_t> iterations, Array<double> error_bound, int num_threads,
         const py::object& progress) {
        SolveArrays out = solve_arrays(batch, values, q_values, policy, returns);
        add_took(batch, iterations, error_bound, out);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        modified_policy_iteration(batch, discount, tolerance, sweeps, out, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("tolerance"), py::arg("sweeps"),
      py::arg("values").noconvert(), py::arg("q_values").noconvert(), py::arg("policy").noconvert(),
      py::arg("returns").noconvert(), py::arg("iterations").noconvert(), py::arg("error_bound").noconvert(),
      py::arg("num_threads"), py::arg("progress").none(true));

  m.def(
      "backward_induction",
      [](const TaskBatch& batch, double discount, const Array<std::int64_t>& horizon, Array<double> values,
         Array<double> q_values, Array<std::int32_t> policy, Array<double> returns,
         OptionalArray<std::int32_t> plan, int num_threads, const py::object& progress) {
        const SolveArrays out = solve_arrays(batch, values, q_values, policy, returns);
        require_shape(horizon, "horizon", {batch.size()});
        const std::int64_t longest = plan && plan->ndim() == 3 ? plan->shape(1) : 0;
        std::int32_t* steps = output(plan, "plan", {batch.size(), longest, batch.shape().states});
        const std::int64_t* horizons = horizon.data();
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        backward_induction(batch, discount, horizons, out, steps, longest, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("horizon").noconvert(), py::arg("values").noconvert(),
      py::arg("q_values").noconvert(), py::arg("policy").noconvert(), py::arg("returns").noconvert(),
      py::arg("plan").noconvert().none(true), py::arg("num_threads"), py::arg("progress").none(true));

  m.def(
      "evaluate",
      [](const TaskBatch& batch, double discount, const Horizon& horizon,
         const OptionalArray<double>& probability, const OptionalArray<std::int32_t>& action,
         const OptionalArray<double>& optimal_values, OptionalArray<double> values,
         OptionalArray<double> returns, OptionalArray<double> gaps, int num_threads,
         const py::object& progress) {
        const std::int64_t n = batch.size();
        const std::int64_t s = batch.shape().states;
        EvaluateArrays arrays = policy_arrays(batch, probability, action);
        const std::int64_t p = arrays.num_policies;
        if (horizon) require_shape(*horizon, "horizon", {n});
        if (optimal_values) require_shape(*optimal_values, "optimal_values", {n, s});
        arrays.optimal_values = optimal_values ? optimal_values->data() : nullptr;
        arrays.values = output(values, "values", {n, p, s});
        arrays.returns = output(returns, "returns", {n, p});
        arrays.gaps = output(gaps, "gaps", {n, p});
        const std::int64_t* horizons = horizon ? horizon->data() : nullptr;
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        evaluate(batch, discount, horizons, arrays, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("horizon").noconvert().none(true),
      py::arg("probability").noconvert().none(true), py::arg("action").noconvert().none(true),
      py::arg("optimal_values").noconvert().none(true), py::arg("values").noconvert().none(true),
      py::arg("returns").noconvert().none(true), py::arg("gaps").noconvert().none(true),
      py::arg("num_threads"), py::arg("progress").none(true));
}

}  // namespace metarl_fast::bindings
