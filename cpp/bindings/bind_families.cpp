// SPDX-License-Identifier: MIT
// Families of tasks, each bound from the parameters that it names, and the lazy batches they make.
#include <cstring>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "arrays.hpp"

#include "../families/families.hpp"
#include "../families/family.hpp"
#include "../families/parameters.hpp"
#include "../generated_tasks.hpp"

namespace metarl_fast::bindings {
namespace {

[[noreturn]] void reject(const std::string& name, const py::handle& value, const std::string& expected) {
  const auto shown = py::cast<std::string>(py::repr(value));
  throw py::type_error(name + " is " + shown.substr(0, 60) + ", expected " + expected);
}

// Reads a family's parameters from keywords, and checks each where it is read.
class FromKeywords {
 public:
  FromKeywords(const char* family, const py::kwargs& given) : family_(family), given_(given) {}

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
        throw py::type_error(std::string(family_) + " has no parameter " + py::cast<std::string>(name));
      }
    }
  }

 private:
  py::handle take(const char* name) const {
    taken_.push_back(name);
    if (!given_.contains(name)) throw py::type_error(std::string(family_) + " needs " + name);
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

  template <class Number>
  static void read(const char* name, const py::handle& value, std::vector<Number>& numbers) {
    if (!py::isinstance<Array<Number>>(value)) {
      reject(name, value, "a C-ordered array of " + py::cast<std::string>(py::str(py::dtype::of<Number>())));
    }
    const auto array = py::reinterpret_borrow<Array<Number>>(value);
    require_aligned(array, name);
    numbers.assign(array.data(), array.data() + array.size());
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

  const char* family_;
  const py::kwargs& given_;
  mutable std::vector<const char*> taken_;
};

template <class Kind>
std::shared_ptr<Kind> make(const py::kwargs& given) {
  auto family = std::make_shared<Kind>();
  const FromKeywords keywords(Kind::kName, given);
  Kind::parameters(*family, keywords);
  keywords.finish();
  family->check();
  return family;
}

template <class... Kinds>
void bind_all(py::module_& m, FamilyList<Kinds...>) {
  (py::class_<Kinds, Family, std::shared_ptr<Kinds>>(m, Kinds::kName).def(py::init(&make<Kinds>)), ...);
}

}  // namespace

void bind_families(py::module_& m) {
  m.def("key_of_part", &key_of_part, py::arg("key"), py::arg("part"));
  py::class_<Family, std::shared_ptr<Family>>(m, "Family");
  bind_all(m, Families());
  m.def(
      "generate",
      [](const std::shared_ptr<Family>& family, std::uint64_t key, const TaskIds& ids)
          -> std::shared_ptr<TaskBatch> { return std::make_shared<GeneratedTasks>(family, key, ids); },
      py::arg("family").none(false), py::arg("key"), py::arg("ids"));
}

}  // namespace metarl_fast::bindings
