// SPDX-License-Identifier: MIT
// What was built, and the raw pieces: tests compare them with their published answers, and the policy prior
// takes its exponential from here.
#include <pybind11/native_enum.h>

#include "arrays.hpp"

#include "../elementary.hpp"
#include "../kernel/kernel.hpp"
#include "../ordered_sums.hpp"
#include "../rng.hpp"

namespace metarl_fast::bindings {
namespace {

py::dict build_info() {
  int n = 0;
  const Kernels* const* list = available_kernels(n);
  py::list names;
  for (int k = 0; k < n; ++k) names.append(list[k]->name);
  py::dict info;
  info["version"] = METARL_FAST_VERSION;
  info["compiler"] = METARL_FAST_COMPILER;
  info["build_type"] = METARL_FAST_BUILD_TYPE;
  info["isa"] = kernels().name;
  info["available_isas"] = names;
  info["openmp"] = false;  // threads are our own, see parallel.hpp
  return info;
}

}  // namespace

void bind_runtime(py::module_& m) {
  m.def("build_info", &build_info);
  m.def("most_threads", &most_threads);
  m.attr("TASKS_PER_SHARD") = kTasksPerShard;
  py::native_enum<Purpose>(m, "Purpose", "enum.IntEnum")
      .value("transitions", Purpose::transitions)
      .value("rewards", Purpose::rewards)
      .value("start", Purpose::start)
      .value("layout", Purpose::layout)
      .value("learning", Purpose::learning)
      .value("parts", Purpose::parts)
      .value("acting", Purpose::acting)
      .finalize();
  m.def(
      "philox4x32",
      [](const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key) {
        const Philox4x32 out = philox4x32({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
        return std::array<std::uint32_t, 4>{out.word[0], out.word[1], out.word[2], out.word[3]};
      },
      py::arg("counter"), py::arg("key"));
  m.def(
      "threefry2x32",
      [](const std::array<std::uint32_t, 2>& counter, const std::array<std::uint32_t, 2>& key) {
        std::uint32_t x0 = counter[0];
        std::uint32_t x1 = counter[1];
        threefry2x32(x0, x1, key[0], key[1]);
        return std::array<std::uint32_t, 2>{x0, x1};
      },
      py::arg("counter"), py::arg("key"));
  m.def(
      "xoshiro128pp",
      [](const std::array<std::uint32_t, 4>& state, std::int64_t n) {
        Stream stream{{state[0], state[1], state[2], state[3]}};
        Array<std::uint32_t> out(n);
        for (std::int64_t k = 0; k < n; ++k) out.mutable_data()[k] = next(stream);
        return out;
      },
      py::arg("state"), py::arg("n"));
  m.def(
      "stream",
      [](std::uint64_t key, std::uint64_t task, std::uint32_t purpose, std::int64_t n) {
        Stream stream = make_stream(key, task, static_cast<Purpose>(purpose));
        Array<std::uint32_t> out(n);
        for (std::int64_t k = 0; k < n; ++k) out.mutable_data()[k] = next(stream);
        return out;
      },
      py::arg("key"), py::arg("task"), py::arg("purpose"), py::arg("n"));
  m.def("log", py::vectorize(portable_log), py::arg("x"));
  m.def("exp", py::vectorize(portable_exp), py::arg("x"));
  m.def("normal_quantile", py::vectorize(normal_quantile), py::arg("p"));
}

}  // namespace metarl_fast::bindings
