// SPDX-License-Identifier: MIT
// The extension's table of contents.
#include <pybind11/pybind11.h>

#include "gil.hpp"

namespace metarl_fast::bindings {
void bind_tasks(pybind11::module_& m);
void bind_train(pybind11::module_& m);
void bind_planning(pybind11::module_& m);
void bind_runtime(pybind11::module_& m);
}  // namespace metarl_fast::bindings

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  m.doc() = "C++ core of metarl_fast; use the package's Python interface.";
  pybind11::module_::import("atexit").attr("register")(
      pybind11::cpp_function(&metarl_fast::bindings::Visit::close));
  metarl_fast::bindings::bind_tasks(m);
  metarl_fast::bindings::bind_train(m);
  metarl_fast::bindings::bind_planning(m);
  metarl_fast::bindings::bind_runtime(m);
}
