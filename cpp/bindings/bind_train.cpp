// SPDX-License-Identifier: MIT
// Training in float and double: shapes checked, pointers passed on.
#include <pybind11/native_enum.h>

#include <limits>

#include "arrays.hpp"
#include "history_arrays.hpp"

#include "../learners/agent_learner.hpp"
#include "../learners/disturbed.hpp"
#include "../learners/rules.hpp"
#include "../learners/td_learner.hpp"
#include "../ordered_sums.hpp"
#include "../repeated_tasks.hpp"

namespace metarl_fast::bindings {
namespace {

// One that keeps the arrays its settings point into.
struct BoundTdLearner final : TdLearner {
  Array<double> kept_exploration;
  OptionalArray<double> kept_rates;
};

Rule rule_named(const std::string& wanted) {
  Rule found{};
  bool known = false;
  std::string expected;
  const auto compare = [&](auto rule, Rule place) {
    const char* name = decltype(rule)::kName;
    expected += (expected.empty() ? "'" : ", '") + std::string(name) + "'";
    if (wanted != name) return;
    found = place;
    known = true;
  };
  for_each_rule(compare, Rules{});
  if (!known) throw std::invalid_argument("rule is '" + wanted + "', expected one of " + expected);
  return found;
}

std::unique_ptr<BoundTdLearner> make_td_learner(const std::string& rule, Behaviour behaviour,
                                                Array<double> exploration, double learning_rate,
                                                double learning_rate_decay, double discount,
                                                double initial_visits, double trace_decay, Traces traces,
                                                double bonus, std::int64_t bonus_episodes, bool sees_reset,
                                                OptionalArray<double> learning_rates) {
  require_shape(exploration, "exploration", {exploration.size()});
  auto learner = std::make_unique<BoundTdLearner>();
  static_cast<TdSettings&>(*learner) = {rule_named(rule),
                                        behaviour,
                                        exploration.data(),
                                        exploration.size(),
                                        learning_rate,
                                        learning_rate_decay,
                                        discount,
                                        initial_visits,
                                        trace_decay,
                                        traces,
                                        bonus,
                                        bonus_episodes,
                                        sees_reset,
                                        learning_rates ? learning_rates->data() : nullptr,
                                        learning_rates ? learning_rates->size() : 0};
  learner->kept_exploration = std::move(exploration);
  learner->kept_rates = std::move(learning_rates);
  return learner;
}

double scratch(const Learner& learner, const TaskBatch& batch, std::int64_t num_tasks,
               std::int64_t num_episodes, std::int64_t num_steps, bool continuing, bool mean_returns,
               std::size_t bytes_of_real) {
  const Schedule schedule{0, num_episodes, num_steps, continuing};
  return learner.scratch(batch, num_tasks, schedule, mean_returns, bytes_of_real);
}

template <class Real>
Carried<Real> carried(const py::dict& arrays, const CarriedSizes& sizes, std::int64_t n, std::int64_t s,
                      std::int64_t a) {
  static_assert(sizeof(Standing) == 8 * sizeof(std::uint32_t), "an array of eights");
  Carried<Real> found;
  if (arrays.empty()) return found;
  if (sizes.tables == 0) throw std::invalid_argument("this learner cannot be continued");
  found.standing = reinterpret_cast<Standing*>(entry<std::uint32_t>(arrays, "standing", {n, 8}));
  found.tables = entry<Real>(arrays, "tables", {n, sizes.tables, s, a});
  found.visits = entry<Count<Real>>(arrays, "visits", {n, sizes.visits, s, a});
  found.trace_cells = entry<std::int32_t>(arrays, "trace_cells", {n, sizes.traces});
  found.traces = entry<Real>(arrays, "traces", {n, sizes.traces});
  const bool whole = found.standing && (!found.visits == (sizes.visits == 0)) &&
                     (!found.traces == (sizes.traces == 0)) && (!found.trace_cells == (sizes.traces == 0));
  if (!whole) throw std::invalid_argument("not all is there that a run hands on");
  return found;
}

py::tuple carried_sizes(const Learner& learner, std::int64_t num_states, std::int64_t num_actions,
                        bool continuing) {
  Shape shape;
  shape.states = num_states;
  shape.actions = num_actions;
  const CarriedSizes sizes = learner.carried(shape, continuing);
  return py::make_tuple(sizes.tables, sizes.visits, sizes.traces);
}

constexpr std::int64_t kMostRuns = std::numeric_limits<std::int32_t>::max();

template <class Real>
void bind_train_as(py::module_& m, const char* name) {
  m.def(
      name,
      [](const TaskBatch& batch, const Learner& learner, std::uint64_t key, std::int64_t num_episodes,
         const Array<std::int64_t>& num_steps, bool continuing, const Array<Real>& initial_table,
         OptionalArray<Real> q_table, OptionalArray<std::int32_t> policy, OptionalArray<double> returns,
         OptionalArray<double> return_sums, OptionalArray<Real> snapshots,
         const Array<std::int64_t>& snapshot_episodes, int num_threads, const py::object& progress,
         std::int64_t num_runs, std::int64_t first_episode, const py::dict& before, const py::dict& after,
         const py::dict& history) {
        require(num_runs >= 1 && num_runs <= kMostRuns, "num_runs", static_cast<double>(num_runs),
                "1 to 2147483647");
        const std::int64_t n = batch.size() * num_runs;
        const std::int64_t s = batch.shape().states;
        const std::int64_t a = batch.shape().actions;
        const std::int64_t rows = learner.rows(batch.shape());
        const std::int64_t k = snapshot_episodes.size();
        require_shape(snapshot_episodes, "snapshot_episodes", {k});
        num_steps.ndim() == 0 ? require_shape(num_steps, "num_steps", {})
                              : require_shape(num_steps, "num_steps", {n});
        const std::int64_t* steps = num_steps.data();
        const Schedule schedule{key,
                                num_episodes,
                                num_steps.ndim() == 0 ? *steps : 1,
                                continuing,
                                num_steps.ndim() == 0 ? nullptr : steps,
                                num_runs,
                                first_episode};
        TrainArrays<Real> arrays;
        arrays.initial_per_task = initial_table.ndim() == 3;
        arrays.initial_per_task ? require_shape(initial_table, "initial_table", {batch.size(), rows, a})
                                : require_shape(initial_table, "initial_table", {rows, a});
        arrays.initial_table = initial_table.data();
        arrays.q_table = output(q_table, "q_table", {n, rows, a});
        arrays.policy = output(policy, "policy", {n, s});
        arrays.returns = output(returns, "returns", {n, episodes_of(schedule)});
        arrays.return_sums =
            output(return_sums, "return_sums", {number_of_shards(batch.size()), episodes_of(schedule)});
        arrays.snapshots = output(snapshots, "snapshots", {n, k, rows, a});
        arrays.snapshot_episodes = snapshot_episodes.data();
        arrays.num_snapshots = k;
        const CarriedSizes sizes = learner.carried(batch.shape(), continuing);
        arrays.before = carried<Real>(before, sizes, n, s, a);
        arrays.after = carried<Real>(after, sizes, n, s, a);
        arrays.history = history_of<Real>(history, batch.shape(), n);
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;  // only raw pointers from here on
        if (num_runs == 1) return train(batch, learner, schedule, arrays, options);
        train(RepeatedTasks(batch, num_runs), learner, schedule, arrays, options);
      },
      py::arg("batch"), py::arg("learner"), py::arg("key"), py::arg("num_episodes"),
      py::arg("num_steps").noconvert(), py::arg("continuing"), py::arg("initial_table").noconvert(),
      py::arg("q_table").noconvert().none(true), py::arg("policy").noconvert().none(true),
      py::arg("returns").noconvert().none(true), py::arg("return_sums").noconvert().none(true),
      py::arg("snapshots").noconvert().none(true), py::arg("snapshot_episodes").noconvert(),
      py::arg("num_threads"), py::arg("progress").none(true), py::arg("num_runs") = 1,
      py::arg("first_episode") = 0, py::arg("before") = py::dict(), py::arg("after") = py::dict(),
      py::arg("history") = py::dict());
}

template <class Real>
void bind_relabel_as(py::module_& m, const char* name) {
  m.def(
      name,
      [](const TaskBatch& batch, const Learner& learner, std::uint64_t key, const Array<Real>& initial_table,
         const py::dict& history, Array<float>& label, int num_threads, const py::object& progress) {
        const std::int64_t n = batch.size();
        const std::int64_t rows = learner.rows(batch.shape());
        const std::int64_t a = batch.shape().actions;
        RelabelArrays<Real> arrays;
        arrays.initial_per_task = initial_table.ndim() == 3;
        arrays.initial_per_task ? require_shape(initial_table, "initial_table", {n, rows, a})
                                : require_shape(initial_table, "initial_table", {rows, a});
        arrays.initial_table = initial_table.data();
        arrays.history = history_of<Real>(history, Shape(), n);
        require_shape(label, "label", {n, arrays.history.room, a});
        arrays.label = label.mutable_data();
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t length = arrays.history.length[i];
          require(length >= 0 && length <= arrays.history.room, "length", static_cast<double>(length),
                  "0 to the steps that there is room for");
        }
        const RunOptions options = run_options(num_threads, progress);
        const Unlocked unlocked;
        relabel(batch, learner, key, arrays, options);
      },
      py::arg("batch"), py::arg("learner"), py::arg("key"), py::arg("initial_table").noconvert(),
      py::arg("history"), py::arg("label").noconvert(), py::arg("num_threads"),
      py::arg("progress").none(true));
}

}  // namespace

void bind_train(py::module_& m) {
  py::native_enum<Behaviour>(m, "Behaviour", "enum.Enum")
      .value("uniform", Behaviour::uniform)
      .value("epsilon_greedy", Behaviour::epsilon_greedy)
      .value("softmax", Behaviour::softmax)
      .finalize();
  py::native_enum<Traces>(m, "Traces", "enum.Enum")
      .value("replacing", Traces::replacing)
      .value("accumulating", Traces::accumulating)
      .finalize();
  py::class_<Learner>(m, "Learner")
      .def_property_readonly("tasks_at_once", &Learner::tasks_at_once)
      .def("carried", &carried_sizes, py::arg("num_states"), py::arg("num_actions"), py::arg("continuing"))
      .def("scratch", &scratch, py::arg("batch"), py::arg("num_tasks"), py::arg("num_episodes"),
           py::arg("num_steps"), py::arg("continuing"), py::arg("mean_returns"), py::arg("bytes_of_real"));
  py::class_<BoundTdLearner, Learner>(m, "TdLearner")
      .def(py::init(&make_td_learner), py::arg("rule"), py::arg("behaviour"),
           py::arg("exploration").noconvert(), py::arg("learning_rate"), py::arg("learning_rate_decay"),
           py::arg("discount"), py::arg("initial_visits"), py::arg("trace_decay"), py::arg("traces"),
           py::arg("bonus"), py::arg("bonus_episodes"), py::arg("sees_reset") = false,
           py::arg("learning_rates").noconvert().none(true) = py::none());
  py::class_<OneByOne, Learner>(m, "OneByOne")
      .def(py::init<const Learner&>(), py::arg("of"), py::keep_alive<1, 2>());
  py::class_<Disturbed, Learner>(m, "Disturbed")
      .def(py::init<const Learner&, double, double>(), py::arg("of"), py::arg("clean"), py::arg("most"),
           py::keep_alive<1, 2>());
  bind_relabel_as<float>(m, "relabel_float32");
  bind_relabel_as<double>(m, "relabel_float64");
  bind_train_as<float>(m, "train_float32");
  bind_train_as<double>(m, "train_float64");
}

}  // namespace metarl_fast::bindings
