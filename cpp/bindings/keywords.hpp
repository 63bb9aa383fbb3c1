// SPDX-License-Identifier: MIT
// Parameters of families and learners, read from keywords.
#pragma once

#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "arrays.hpp"

#include "../families/family.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"

namespace metarl_fast::bindings {

[[noreturn]] inline void reject(const std::string& name, const py::handle& value,
                                const std::string& expected) {
  const auto shown = py::cast<std::string>(py::repr(value));
  throw py::type_error(name + " is " + shown.substr(0, 60) + ", expected " + expected);
}

// Reads parameters from keywords, and checks each where it is read.
class FromKeywords {
 public:
  FromKeywords(const char* kind, const py::kwargs& given) : kind_(kind), given_(given) {}

  template <class Parameter>
  void operator()(const char* name, Parameter& parameter, const Range& range) const {
    read(name, take(name), parameter);
    RangeCheck()(name, parameter, range);
  }

  template <class Choice, std::size_t N>
  void operator()(const char* name, Choice& choice, const Word<Choice> (&words)[N]) const {
    const py::handle value = take(name);
    std::string expected;
    for (const Word<Choice>& known : words) {
      if (py::isinstance<py::str>(value) && py::cast<std::string>(value) == known.word) {
        choice = known.choice;
        return;
      }
      expected += (expected.empty() ? "'" : ", '") + std::string(known.word) + "'";
    }
    const auto shown = py::cast<std::string>(py::repr(value));
    throw std::invalid_argument(name + (" is " + shown.substr(0, 60)) + ", expected one of " + expected);
  }

  template <class Object>
  void operator()(const char* name, Object& object) const {
    read(name, take(name), object);
    RangeCheck()(name, object);
  }

  // Refuses keywords that no parameter has taken.
  void finish() const {
    for (const auto& [name, value] : given_) {
      bool known = false;
      for (const char* taken : taken_) known |= py::cast<std::string>(name) == taken;
      if (!known) {
        throw py::type_error(std::string(kind_) + " has no parameter " + py::cast<std::string>(name));
      }
    }
  }

 private:
  py::handle take(const char* name) const {
    taken_.push_back(name);
    if (!given_.contains(name)) throw py::type_error(std::string(kind_) + " needs " + name);
    return PyDict_GetItemString(given_.ptr(), name);
  }

  template <class Number>
  static void read(const char* name, const py::handle& value, Number& number) {
    try {
      number = py::cast<Number>(value);
    } catch (const py::cast_error&) {
      reject(name, value, std::is_integral_v<Number> ? "a 64-bit integer" : "a number");
    }
  }

  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  static void read(const char* name, const py::handle& value, std::vector<Number>& numbers) {
    if (!py::isinstance<Array<Number>>(value)) {
      reject(name, value, "a C-ordered array of " + py::cast<std::string>(py::str(py::dtype::of<Number>())));
    }
    const auto array = py::reinterpret_borrow<Array<Number>>(value);
    require_aligned(array, name);
    numbers.assign(array.data(), array.data() + array.size());
  }

  // Other objects, each of which was made of keywords of its own.
  template <class Object, std::enable_if_t<std::is_class_v<Object>, int> = 0>
  static void read(const char* name, const py::handle& value, std::vector<Object>& objects) {
    if (!py::isinstance<py::sequence>(value)) {
      reject(name, value, "a sequence of " + std::string(Object::kName));
    }
    for (const py::handle& one : py::reinterpret_borrow<py::sequence>(value)) {
      if (!py::isinstance<Object>(one)) reject(name, one, Object::kName);
      objects.push_back(py::cast<const Object&>(one));
    }
  }

  static void read(const char* name, const py::handle& value, FamilyPtr& family) {
    if (!py::isinstance<Family>(value)) reject(name, value, "a family of the core");
    family = py::cast<std::shared_ptr<Family>>(value);
  }

  static void read(const char* name, const py::handle& value, std::shared_ptr<const TaskBatch>& tasks) {
    if (!py::isinstance<TaskBatch>(value)) reject(name, value, "a batch of the core");
    tasks = py::cast<std::shared_ptr<TaskBatch>>(value);
  }

  static void read(const char* name, const py::handle& value, std::vector<FamilyPtr>& families) {
    if (!py::isinstance<py::sequence>(value)) reject(name, value, "a sequence of families of the core");
    for (const py::handle& one : py::reinterpret_borrow<py::sequence>(value)) {
      read(name, one, families.emplace_back());
    }
  }

  const char* kind_;
  const py::kwargs& given_;
  mutable std::vector<const char*> taken_;
};

// Puts all parameters of a family or a learner in place.
template <class Kind>
void set_parameters(Kind& object, const py::kwargs& given) {
  const FromKeywords keywords(Kind::kName, given);
  Kind::parameters(object, keywords);
  keywords.finish();
}

}  // namespace metarl_fast::bindings
