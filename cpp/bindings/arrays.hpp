// SPDX-License-Identifier: MIT
// NumPy arrays in and out. Python has already converted dtype and layout; here shape and alignment are
// checked.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#include "../engine.hpp"
#include "gil.hpp"

namespace metarl_fast::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class T>
using OptionalArray = std::optional<Array<T>>;

inline void require_aligned(const py::array& array, const char* name) {
  if (reinterpret_cast<std::uintptr_t>(array.data()) % static_cast<std::size_t>(array.itemsize()) != 0) {
    throw std::invalid_argument(std::string(name) + " is not aligned in memory");
  }
}

inline void require_shape(const py::array& array, const char* name,
                          std::initializer_list<std::int64_t> expected) {
  require_aligned(array, name);
  bool same = array.ndim() == static_cast<py::ssize_t>(expected.size());
  py::ssize_t axis = 0;
  for (const std::int64_t length : expected) same = same && array.shape(axis++) == length;
  if (same) return;
  std::ostringstream message;
  message << name << " has shape (";
  for (py::ssize_t k = 0; k < array.ndim(); ++k) message << (k ? ", " : "") << array.shape(k);
  message << "), expected (";
  bool first = true;
  for (const std::int64_t length : expected) {
    message << (first ? "" : ", ") << length;
    first = false;
  }
  message << ")";
  throw std::invalid_argument(message.str());
}

// Pointer to an output of the given shape; null when it is None.
template <class T>
T* output(OptionalArray<T>& array, const char* name, std::initializer_list<std::int64_t> expected) {
  if (!array) return nullptr;
  require_shape(*array, name, expected);
  return array->mutable_data();
}

// Keeps Python objects alive for the C++ side; the last owner may be on any thread.
inline std::shared_ptr<const void> keep_alive(py::object objects) {
  return {new py::object(std::move(objects)), [](const void* kept) {
            const py::gil_scoped_acquire gil;
            delete static_cast<const py::object*>(kept);
          }};
}

// Ctrl-C first, then the user's callback, from the calling thread while the GIL is released.
inline RunOptions run_options(int num_threads, const py::object& progress) {
  return {num_threads, [&progress](std::int64_t done, std::int64_t total) {
            const Visit visit;
            const py::gil_scoped_acquire gil;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            if (!progress.is_none()) progress(done, total);
          }};
}

}  // namespace metarl_fast::bindings
