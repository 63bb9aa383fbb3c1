// SPDX-License-Identifier: MIT
// Pieces of lifetimes: shapes and places checked, pointers passed on.
#include "arrays.hpp"

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "../contexts.hpp"

namespace metarl_fast::bindings {
namespace {

using Copied = std::vector<std::pair<py::array, py::array>>;

Column column(const py::array& from, py::array to, std::int64_t room, const ContextArrays& cut) {
  require_shape(to, "a piece", {cut.pieces, cut.steps});
  const bool rows = from.ndim() == 2 && from.shape(1) == room && from.itemsize() == to.itemsize() &&
                    (room < 2 || from.strides(1) == from.itemsize()) && (to.flags() & py::array::c_style);
  if (!rows) throw std::invalid_argument("an array of steps that lies in memory in no order known here");
  return {static_cast<const std::byte*>(from.data()), from.strides(0),
          static_cast<std::byte*>(to.mutable_data()), from.itemsize()};
}

Numbers numbers(const py::array& array) {
  const auto bytes = static_cast<int>(array.itemsize());
  if (array.dtype().kind() != 'u' || !(bytes == 1 || bytes == 2 || bytes == 4)) {
    throw std::invalid_argument("numbers that are no uint8, uint16 or uint32");
  }
  return {const_cast<void*>(array.data()), bytes};
}

void bound_cut_contexts(const Copied& copied, const py::array& best, const py::array& optimal_action,
                        const Array<std::int64_t>& ends, const Array<std::int64_t>& ends_before, int every,
                        Array<std::int32_t>& episode, Array<bool>& mask, const Array<std::int64_t>& task,
                        const Array<std::int64_t>& start, const Array<std::int64_t>& length,
                        int num_threads) {
  if (copied.empty() || copied[0].first.ndim() != 2 || best.ndim() != 2 || episode.ndim() != 2) {
    throw std::invalid_argument("steps and best actions are to be arrays of two axes, the states first");
  }
  ContextArrays cut;
  const std::int64_t tasks = best.shape(0);
  cut.room = copied[0].first.shape(1);
  cut.pieces = episode.shape(0);
  cut.steps = episode.shape(1);
  cut.states = best.shape(1);
  for (const auto& [from, to] : copied) {
    if (from.shape(0) != tasks) throw std::invalid_argument("as many rows are expected as best has");
    cut.columns.push_back(column(from, to, cut.room, cut));
  }
  cut.state = numbers(copied[0].second);
  cut.best = numbers(best);
  cut.optimal_action = numbers(optimal_action);
  require_shape(optimal_action, "optimal_action", {cut.pieces, cut.steps});
  require_shape(mask, "mask", {cut.pieces, cut.steps});
  const bool in_order = (best.flags() & py::array::c_style) && (optimal_action.flags() & py::array::c_style);
  if (!in_order || cut.best.bytes != cut.optimal_action.bytes) {
    throw std::invalid_argument("best and optimal_action are to be of one type, rows one after the other");
  }
  require_shape(ends, "ends", {ends.size()});
  require_shape(ends_before, "ends_before", {tasks + 1});
  cut.ends = ends.data();
  cut.ends_before = ends_before.data();
  cut.every = every;
  cut.episode = episode.mutable_data();
  cut.mask = mask.mutable_data();
  for (const auto& [array, name] : {std::pair(&task, "task"), {&start, "start"}, {&length, "length"}}) {
    require_shape(*array, name, {cut.pieces});
  }
  cut.task = task.data();
  cut.start = start.data();
  cut.length = length.data();
  for (std::int64_t k = 0; k < cut.pieces; ++k) {
    require(cut.task[k] >= 0 && cut.task[k] < tasks, "task", static_cast<double>(cut.task[k]), "a row");
    const std::int64_t* before = cut.ends_before + cut.task[k];
    require(0 <= before[0] && before[0] <= before[1] && before[1] <= ends.size(), "ends_before",
            static_cast<double>(before[1]), "places in ends");
    require(cut.start[k] >= 0 && cut.start[k] <= cut.room, "start", static_cast<double>(cut.start[k]),
            "a step of the history");
    require(cut.length[k] >= 0 && cut.length[k] <= std::min(cut.steps, cut.room - cut.start[k]), "length",
            static_cast<double>(cut.length[k]), "no more than there is");
  }
  const py::none no_progress;
  const RunOptions options = run_options(num_threads, no_progress);
  const Unlocked unlocked;  // only raw pointers from here on
  cut_contexts(cut, options);
}

const std::uint8_t* rows_of(const py::array& array, const char* name, const Endings& of) {
  require_shape(array, name, {of.tasks, of.room});
  if (array.dtype().kind() != 'b' || (of.room > 1 && array.strides(1) != 1)) {
    throw std::invalid_argument(std::string(name) + " is no array of bools, step beside step");
  }
  return static_cast<const std::uint8_t*>(array.data());
}

// (places of the steps that end an episode, how many are those of the tasks before each)
py::tuple bound_find_endings(const py::array& terminated, const py::array& truncated,
                             const Array<std::int64_t>& length, int num_threads) {
  Endings of;
  of.tasks = length.size();
  of.room = terminated.ndim() == 2 ? terminated.shape(1) : 0;
  require_shape(length, "length", {of.tasks});
  of.terminated = rows_of(terminated, "terminated", of);
  of.truncated = rows_of(truncated, "truncated", of);
  of.terminated_row = terminated.strides(0);
  of.truncated_row = truncated.strides(0);
  of.length = length.data();
  for (std::int64_t k = 0; k < of.tasks; ++k) {
    require(of.length[k] >= 0 && of.length[k] <= of.room, "length", static_cast<double>(of.length[k]),
            "no more than there is");
  }
  const py::none no_progress;
  const RunOptions options = run_options(num_threads, no_progress);
  Array<std::int64_t> before(of.tasks + 1);
  std::int64_t* counts = before.mutable_data();
  counts[0] = 0;
  {
    const Unlocked unlocked;
    count_endings(of, counts + 1, options);
  }
  std::partial_sum(counts, counts + of.tasks + 1, counts);
  Array<std::int64_t> ends(counts[of.tasks]);
  std::int64_t* places = ends.mutable_data();
  {
    const Unlocked unlocked;
    write_endings(of, counts, places, options);
  }
  return py::make_tuple(ends, before);
}

}  // namespace

void bind_histories(py::module_& m) {
  m.def("find_endings", &bound_find_endings, py::arg("terminated"), py::arg("truncated"),
        py::arg("length").noconvert(), py::arg("num_threads"));
  m.def("cut_contexts", &bound_cut_contexts, py::arg("copied"), py::arg("best"), py::arg("optimal_action"),
        py::arg("ends").noconvert(), py::arg("ends_before").noconvert(), py::arg("every"),
        py::arg("episode").noconvert(), py::arg("mask").noconvert(), py::arg("task").noconvert(),
        py::arg("start").noconvert(), py::arg("length").noconvert(), py::arg("num_threads"));
}

}  // namespace metarl_fast::bindings
