// SPDX-License-Identifier: MIT
// The extension's table of contents.
#include <pybind11/pybind11.h>

#include "gil.hpp"

#include <exception>
#include <new>
#include <stdexcept>

namespace metarl_fast::bindings {
void bind_tasks(pybind11::module_& m);
void bind_families(pybind11::module_& m);
void bind_train(pybind11::module_& m);
void bind_gradients(pybind11::module_& m);
void bind_histories(pybind11::module_& m);
void bind_agents(pybind11::module_& m);
void bind_linear(pybind11::module_& m);
void bind_vector(pybind11::module_& m);
void bind_planning(pybind11::module_& m);
void bind_long_run(pybind11::module_& m);
void bind_runtime(pybind11::module_& m);
}  // namespace metarl_fast::bindings

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  pybind11::register_local_exception_translator([](std::exception_ptr error) {
    constexpr const char* kText =
        "the system refused memory for scratch of the core: fewer threads or smaller tasks need less";
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
      PyErr_SetString(PyExc_MemoryError, kText);
    } catch (const std::length_error&) {  // more than any system has
      PyErr_SetString(PyExc_MemoryError, kText);
    }
  });
  m.doc() = "C++ core of metarl_fast; use the package's Python interface.";
  pybind11::module_::import("atexit").attr("register")(
      pybind11::cpp_function(&metarl_fast::bindings::Visit::close));
  if (const auto os = pybind11::module_::import("os"); pybind11::hasattr(os, "register_at_fork")) {
    os.attr("register_at_fork")(pybind11::arg("after_in_child") =
                                    pybind11::cpp_function(&metarl_fast::bindings::Visit::forget));
  }
  metarl_fast::bindings::bind_tasks(m);
  metarl_fast::bindings::bind_families(m);
  metarl_fast::bindings::bind_train(m);
  metarl_fast::bindings::bind_gradients(m);
  metarl_fast::bindings::bind_histories(m);
  metarl_fast::bindings::bind_agents(m);
  metarl_fast::bindings::bind_linear(m);
  metarl_fast::bindings::bind_vector(m);
  metarl_fast::bindings::bind_planning(m);
  metarl_fast::bindings::bind_long_run(m);
  metarl_fast::bindings::bind_runtime(m);
}
