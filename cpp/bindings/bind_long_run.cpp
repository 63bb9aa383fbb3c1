// SPDX-License-Identifier: MIT
// The average reward, and where policies spend their time: shapes checked, pointers passed on.
#include "arrays.hpp"
#include "policy_arrays.hpp"

namespace metarl_fast::bindings {
namespace {

LongRunArrays long_run_arrays(const TaskBatch& batch, std::int64_t policies, Array<double>& gain,
                              Array<double>& bias, Array<std::int32_t>& recurrent_class,
                              Array<std::int32_t>& classes, Array<double>& returns) {
  const std::int64_t n = batch.size();
  const std::int64_t s = batch.shape().states;
  require_shape(gain, "gain", {n, policies, s});
  require_shape(bias, "bias", {n, policies, s});
  require_shape(recurrent_class, "recurrent_class", {n, policies, s});
  require_shape(classes, "classes", {n, policies});
  require_shape(returns, "returns", {n, policies});
  return {gain.mutable_data(), bias.mutable_data(), recurrent_class.mutable_data(), classes.mutable_data(),
          returns.mutable_data()};
}

double* visits_data(const TaskBatch& batch, std::int64_t policies, Array<double>& visits) {
  require_shape(visits, "visits", {batch.size(), policies, batch.shape().states, batch.shape().actions});
  return visits.mutable_data();
}

}  // namespace

void bind_long_run(py::module_& m) {
  m.def(
      "average_reward",
      [](const TaskBatch& batch, Array<std::int32_t> policy, Array<std::int64_t> iterations,
         Array<double> gain, Array<double> bias, Array<std::int32_t> recurrent_class,
         Array<std::int32_t> classes, Array<double> returns, int num_threads, const py::object& progress) {
        require_shape(policy, "policy", {batch.size(), batch.shape().states});
        require_shape(iterations, "iterations", {batch.size()});
        std::int32_t* actions = policy.mutable_data();
        std::int64_t* rounds = iterations.mutable_data();
        const LongRunArrays out = long_run_arrays(batch, 1, gain, bias, recurrent_class, classes, returns);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        average_reward(batch, actions, rounds, out, options);
      },
      py::arg("batch"), py::arg("policy").noconvert(), py::arg("iterations").noconvert(),
      py::arg("gain").noconvert(), py::arg("bias").noconvert(), py::arg("recurrent_class").noconvert(),
      py::arg("classes").noconvert(), py::arg("returns").noconvert(), py::arg("num_threads"),
      py::arg("progress").none(true));

  m.def(
      "gain_and_bias",
      [](const TaskBatch& batch, const OptionalArray<double>& probability,
         const OptionalArray<std::int32_t>& action, Array<double> gain, Array<double> bias,
         Array<std::int32_t> recurrent_class, Array<std::int32_t> classes, Array<double> returns,
         int num_threads, const py::object& progress) {
        const EvaluateArrays arrays = policy_arrays(batch, probability, action);
        const LongRunArrays out =
            long_run_arrays(batch, arrays.num_policies, gain, bias, recurrent_class, classes, returns);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        gain_and_bias(batch, arrays, out, options);
      },
      py::arg("batch"), py::arg("probability").noconvert().none(true),
      py::arg("action").noconvert().none(true), py::arg("gain").noconvert(), py::arg("bias").noconvert(),
      py::arg("recurrent_class").noconvert(), py::arg("classes").noconvert(), py::arg("returns").noconvert(),
      py::arg("num_threads"), py::arg("progress").none(true));

  m.def(
      "occupancy",
      [](const TaskBatch& batch, double discount, const OptionalArray<std::int64_t>& horizon,
         const OptionalArray<double>& probability, const OptionalArray<std::int32_t>& action,
         Array<double> visits, int num_threads, const py::object& progress) {
        const EvaluateArrays arrays = policy_arrays(batch, probability, action);
        if (horizon) require_shape(*horizon, "horizon", {batch.size()});
        const std::int64_t* horizons = horizon ? horizon->data() : nullptr;
        double* out = visits_data(batch, arrays.num_policies, visits);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        occupancy(batch, discount, horizons, arrays, out, options);
      },
      py::arg("batch"), py::arg("discount"), py::arg("horizon").noconvert().none(true),
      py::arg("probability").noconvert().none(true), py::arg("action").noconvert().none(true),
      py::arg("visits").noconvert(), py::arg("num_threads"), py::arg("progress").none(true));

  m.def(
      "long_run_occupancy",
      [](const TaskBatch& batch, const OptionalArray<double>& probability,
         const OptionalArray<std::int32_t>& action, Array<double> visits, int num_threads,
         const py::object& progress) {
        const EvaluateArrays arrays = policy_arrays(batch, probability, action);
        double* out = visits_data(batch, arrays.num_policies, visits);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        long_run_occupancy(batch, arrays, out, options);
      },
      py::arg("batch"), py::arg("probability").noconvert().none(true),
      py::arg("action").noconvert().none(true), py::arg("visits").noconvert(), py::arg("num_threads"),
      py::arg("progress").none(true));
}

}  // namespace metarl_fast::bindings
