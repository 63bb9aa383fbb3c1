// SPDX-License-Identifier: MIT
// Features of states, and learners on them.
#include <memory>

#include "arrays.hpp"
#include "keywords.hpp"

#include "../learners/linear_learner.hpp"
#include "../learners/listed_features.hpp"
#include "../learners/tile_coding.hpp"

namespace metarl_fast::bindings {
namespace {

// Which features a state has, and their values: two arrays [n][K].
py::tuple lists_of(const Features& features, const Array<std::int64_t>& states) {
  const std::int64_t n = states.size();
  require_shape(states, "states", {n});
  py::array_t<std::int32_t> which({n, features.active()});
  py::array_t<double> value({n, features.active()});
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t state = states.data()[k];
    require(state >= 0 && state < features.states(), "state", static_cast<double>(state),
            "a state that the features are of");
    features.of(state, which.mutable_data() + k * features.active(),
                value.mutable_data() + k * features.active());
  }
  return py::make_tuple(which, value);
}

template <class Kind>
void bind_features(py::module_& m) {
  const auto make = [](const py::kwargs& given) {
    auto features = std::make_shared<Kind>();
    set_parameters(*features, given);
    features->check();
    return features;
  };
  py::class_<Kind, Features, std::shared_ptr<Kind>>(m, Kind::kName).def(py::init(make));
}

}  // namespace

void bind_linear(py::module_& m) {
  py::class_<Features, std::shared_ptr<Features>>(m, "Features")
      .def_property_readonly("num_states", &Features::states)
      .def_property_readonly("num_features", &Features::number)
      .def_property_readonly("active", &Features::active)
      .def("lists", &lists_of, py::arg("states").noconvert());
  bind_features<ListedFeatures>(m);
  bind_features<TileCoding>(m);
  const auto make = [](const Learner& settings, std::shared_ptr<Features> features) {
    const auto* td = dynamic_cast<const TdLearner*>(&settings);
    if (!td) throw py::type_error("settings are no TdLearner");
    return std::make_unique<LinearLearner>(*td, std::move(features));
  };
  py::class_<LinearLearner, Learner>(m, "LinearLearner")
      .def(py::init(make), py::arg("settings"), py::arg("features").none(true), py::keep_alive<1, 2>());
}

}  // namespace metarl_fast::bindings
