// SPDX-License-Identifier: MIT
// Arrays of a dict, and those of a history among them.
#pragma once

#include "arrays.hpp"

namespace metarl_fast::bindings {

// Pointer to an array of a dict; null if it is not there.
template <class T>
T* entry(const py::dict& arrays, const char* name, std::initializer_list<std::int64_t> shape) {
  if (!arrays.contains(name)) return nullptr;
  const py::object given = arrays[name];
  if (!py::isinstance<Array<T>>(given)) throw std::invalid_argument(std::string(name) + " has another dtype");
  const auto array = py::reinterpret_borrow<Array<T>>(given);
  require_shape(array, name, shape);
  return const_cast<T*>(array.data());  // what a run was given it only reads
}

// Whole numbers [n][room] of a dict, in whichever of three sizes they are.
inline Numbers numbers(const py::dict& arrays, const char* name, std::int64_t n, std::int64_t room) {
  const py::object given = arrays[name];
  if (py::isinstance<Array<std::uint8_t>>(given)) return {entry<std::uint8_t>(arrays, name, {n, room}), 1};
  if (py::isinstance<Array<std::uint16_t>>(given)) return {entry<std::uint16_t>(arrays, name, {n, room}), 2};
  return {entry<std::uint32_t>(arrays, name, {n, room}), 4};
}

template <class Real>
History<Real> history_of(const py::dict& arrays, const Shape& shape, std::int64_t n) {
  History<Real> found;
  if (arrays.empty()) return found;
  const py::array reward = arrays["reward"];
  found.room = reward.ndim() == 2 ? reward.shape(1) : 0;
  found.state = numbers(arrays, "state", n, found.room);
  found.action = numbers(arrays, "action", n, found.room);
  found.next_state = numbers(arrays, "next_state", n, found.room);
  if (arrays.contains("next_action")) found.next_action = numbers(arrays, "next_action", n, found.room);
  found.reward = entry<Real>(arrays, "reward", {n, found.room});
  found.terminated = reinterpret_cast<std::uint8_t*>(entry<bool>(arrays, "terminated", {n, found.room}));
  found.truncated = reinterpret_cast<std::uint8_t*>(entry<bool>(arrays, "truncated", {n, found.room}));
  found.length = entry<std::int64_t>(arrays, "length", {n});
  const auto fits = [](const Numbers& of, std::int64_t values) {
    return of.bytes == 4 || values <= std::int64_t{1} << (8 * of.bytes);
  };
  const bool alike = found.state.bytes == found.next_state.bytes &&
                     (!found.next_action.array || found.action.bytes == found.next_action.bytes);
  const bool whole = alike && found.reward && found.terminated && found.truncated && found.length;
  if (!whole || !fits(found.state, shape.states) || !fits(found.action, shape.actions)) {
    throw std::invalid_argument("a history that lacks arrays, or whose numbers are too small for the tasks");
  }
  return found;
}

}  // namespace metarl_fast::bindings
