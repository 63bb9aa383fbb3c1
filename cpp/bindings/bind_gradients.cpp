// SPDX-License-Identifier: MIT
// Learning from recorded steps, and the way back: shapes checked, pointers passed on.
#include "arrays.hpp"
#include "history_arrays.hpp"

#include "../learners/linear_learner.hpp"
#include "../learners/td_learner.hpp"

namespace metarl_fast::bindings {
namespace {

Shape shape_of(std::int64_t states, std::int64_t actions) {
  Shape shape;
  shape.states = states;
  shape.actions = actions;
  return shape;
}

void bound_replay(const Learner& learner, const py::dict& history, const Array<double>& initial_table,
                  const std::optional<Array<double>>& learning_rates, const py::dict& fresh,
                  const std::optional<Array<double>>& cotangents, const std::optional<Array<double>>& worth,
                  OptionalArray<double> q_table, OptionalArray<double> loss, OptionalArray<double> of_initial,
                  OptionalArray<double> of_rates, int num_threads, const py::object& progress) {
  const auto* settings = dynamic_cast<const TdLearner*>(&learner);
  if (!settings)
    throw std::invalid_argument(
        "learners that are no temporal-difference rule cannot be replayed: QLearning, ExpectedSarsa and "
        "Sarsa can");
  const bool per_task = initial_table.ndim() == 3;
  if (!per_task)
    require_shape(initial_table, "initial_table", {initial_table.shape(0), initial_table.shape(1)});
  const std::int64_t s = initial_table.shape(per_task ? 1 : 0);
  const std::int64_t a = initial_table.shape(per_task ? 2 : 1);
  const py::array length = history["length"];
  const std::int64_t n = length.size();
  if (per_task) require_shape(initial_table, "initial_table", {n, s, a});
  const Shape shape = shape_of(s, a);
  ReplayArrays arrays;
  arrays.initial_table = initial_table.data();
  arrays.initial_per_task = per_task;
  if (learning_rates) {
    require_shape(*learning_rates, "learning_rates", {s, a});
    arrays.learning_rates = learning_rates->data();
  } else if (settings->learning_rates) {
    require(settings->num_learning_rates == s * a, "the number of learning rates",
            static_cast<double>(settings->num_learning_rates), "one for each pair");
    arrays.learning_rates = settings->learning_rates;
  }
  arrays.history = history_of<double>(history, shape, n);
  arrays.fresh = history_of<double>(fresh, shape, n);
  if (cotangents) {
    require_shape(*cotangents, "cotangents", {n, s, a});
    arrays.cotangents = cotangents->data();
  }
  if (worth) {
    require_shape(*worth, "worth", {n, arrays.history.room});
    arrays.worth = worth->data();
  }
  arrays.q_table = output(q_table, "q_table", {n, s, a});
  arrays.loss = output(loss, "loss", {n});
  arrays.of_initial = output(of_initial, "of_initial", {n, s, a});
  arrays.of_rates = output(of_rates, "of_rates", {n, s, a});
  const bool way_back = arrays.fresh.length || arrays.cotangents;
  if ((arrays.of_initial || arrays.loss) && !way_back) {
    throw std::invalid_argument("a gradient needs fresh steps, or cotangents");
  }
  const RunOptions options = run_options(num_threads, progress);
  const Unlocked unlocked;  // only raw pointers from here on
  replay(shape, n, *settings, arrays, options);
}

void bound_replay_linear(const LinearLearner& learner, const py::dict& history,
                         const Array<double>& initial_table, const py::dict& fresh,
                         const OptionalArray<double>& cotangents, OptionalArray<double> q_table,
                         OptionalArray<double> loss, OptionalArray<double> of_initial, int num_threads,
                         const py::object& progress) {
  const bool per_task = initial_table.ndim() == 3;
  const std::int64_t a = initial_table.shape(initial_table.ndim() - 1);
  const py::array length = history["length"];
  const std::int64_t n = length.size(), f = learner.num_weights();
  if (!learner.features()) throw std::invalid_argument("without features there is a table to replay");
  if (per_task) {
    require_shape(initial_table, "initial_table", {n, f, a});
  } else {
    require_shape(initial_table, "initial_table", {f, a});
  }
  const Shape shape = shape_of(learner.features()->states(), a);
  ReplayArrays arrays;
  arrays.initial_table = initial_table.data();
  arrays.initial_per_task = per_task;
  arrays.history = history_of<double>(history, shape, n);
  arrays.fresh = history_of<double>(fresh, shape, n);
  if (cotangents) {
    require_shape(*cotangents, "cotangents", {n, f, a});
    arrays.cotangents = cotangents->data();
  }
  arrays.q_table = output(q_table, "q_table", {n, f, a});
  arrays.loss = output(loss, "loss", {n});
  arrays.of_initial = output(of_initial, "of_initial", {n, f, a});
  if ((arrays.of_initial || arrays.loss) && !(arrays.fresh.length || arrays.cotangents)) {
    throw std::invalid_argument("a gradient needs fresh steps, or cotangents");
  }
  const RunOptions options = run_options(num_threads, progress);
  const Unlocked unlocked;  // only raw pointers from here on
  replay_linear(learner, a, n, arrays, options);
}

// [N][S][A], or [1][S][A] for all tasks.
bool is_shared(const TaskBatch& batch, const Array<double>& table, const char* name) {
  const bool shared = table.ndim() == 3 && table.shape(0) == 1;
  require_shape(table, name, {shared ? 1 : batch.size(), batch.shape().states, batch.shape().actions});
  return shared;
}

void bound_policy_gradient(const TaskBatch& batch, double discount,
                           const OptionalArray<std::int64_t>& horizon, const Array<double>& preferences,
                           const OptionalArray<double>& direction, Array<double> returns,
                           Array<double> gradient, OptionalArray<double> product, int num_threads,
                           const py::object& progress) {
  const std::int64_t n = batch.size(), s = batch.shape().states, a = batch.shape().actions;
  PolicyGradientArrays arrays{};
  arrays.preference = preferences.data();
  arrays.shared_preference = is_shared(batch, preferences, "preferences");
  if (horizon) require_shape(*horizon, "horizon", {n});
  if (direction.has_value() != product.has_value()) {
    throw std::invalid_argument("direction and product go together");
  }
  require_shape(returns, "returns", {n});
  require_shape(gradient, "gradient", {n, s, a});
  arrays.returns = returns.mutable_data();
  arrays.gradient = gradient.mutable_data();
  if (direction) {
    arrays.direction = direction->data();
    arrays.shared_direction = is_shared(batch, *direction, "direction");
    require_shape(*product, "product", {n, s, a});
    arrays.product = product->mutable_data();
  }
  const std::int64_t* horizons = horizon ? horizon->data() : nullptr;
  const RunOptions options = run_options(num_threads, progress);
  const Unlocked unlocked;  // only raw pointers from here on
  policy_gradient(batch, discount, horizons, arrays, options);
}

}  // namespace

void bind_gradients(py::module_& m) {
  m.def("policy_gradient", &bound_policy_gradient, py::arg("batch"), py::arg("discount"),
        py::arg("horizon").noconvert().none(true), py::arg("preferences").noconvert(),
        py::arg("direction").noconvert().none(true), py::arg("returns").noconvert(),
        py::arg("gradient").noconvert(), py::arg("product").noconvert().none(true), py::arg("num_threads"),
        py::arg("progress").none(true));
  m.def("replay", &bound_replay, py::arg("learner"), py::arg("history"), py::arg("initial_table").noconvert(),
        py::arg("learning_rates").noconvert().none(true), py::arg("fresh"),
        py::arg("cotangents").noconvert().none(true), py::arg("worth").noconvert().none(true),
        py::arg("q_table").noconvert().none(true), py::arg("loss").noconvert().none(true),
        py::arg("of_initial").noconvert().none(true), py::arg("of_rates").noconvert().none(true),
        py::arg("num_threads"), py::arg("progress").none(true));
  m.def("replay_linear", &bound_replay_linear, py::arg("learner"), py::arg("history"),
        py::arg("initial_table").noconvert(), py::arg("fresh"), py::arg("cotangents").noconvert().none(true),
        py::arg("q_table").noconvert().none(true), py::arg("loss").noconvert().none(true),
        py::arg("of_initial").noconvert().none(true), py::arg("num_threads"), py::arg("progress").none(true));
  m.def(
      "replay_scratch",
      [](std::int64_t states, std::int64_t actions, std::int64_t num_steps) {
        return replay_scratch(shape_of(states, actions), num_steps);
      },
      py::arg("num_states"), py::arg("num_actions"), py::arg("num_steps"));
}

}  // namespace metarl_fast::bindings
