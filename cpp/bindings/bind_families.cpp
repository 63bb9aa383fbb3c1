// SPDX-License-Identifier: MIT
// Families of tasks, each bound from the parameters that it names, and the lazy batches they make.
#include <sstream>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "keywords.hpp"

#include "../families/families.hpp"
#include "../families/family.hpp"
#include "../generated_tasks.hpp"

namespace metarl_fast::bindings {
namespace {

template <class Kind>
std::shared_ptr<Kind> make(const py::kwargs& given) {
  auto family = std::make_shared<Kind>();
  set_parameters(*family, given);
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
