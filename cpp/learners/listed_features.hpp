// SPDX-License-Identifier: MIT
// Features of one's own: for each state a list of those that are not 0, all lists of one length.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "features.hpp"

namespace metarl_fast {

class ListedFeatures final : public Features {
 public:
  static constexpr const char* kName = "ListedFeatures";

  std::int64_t number_of_features = 0;  // F
  std::int64_t length = 0;              // K, of a list
  std::vector<std::int32_t> which;      // [S][K]
  std::vector<double> value;            // [S][K]; 0 where a list is shorter

  template <class Self, class Visitor>
  static void parameters(Self& features, const Visitor& visit) {
    visit("num_features", features.number_of_features, between(1, std::numeric_limits<std::int32_t>::max()));
    visit("length", features.length, between(1, std::numeric_limits<std::int32_t>::max()));
    visit("indices", features.which, at_least(0));
    visit("values", features.value, between(-1, 1));
  }

  void check() const override {
    check_parameters(*this);
    require(which.size() == value.size() && !which.empty() &&
                static_cast<std::int64_t>(which.size()) % length == 0,
            "the number of indices or values", static_cast<double>(which.size()), "a list a state");
    for (const std::int32_t k : which) {
      require(k < number_of_features, "an index", k, "less than num_features");
    }
  }

  std::int64_t states() const override { return static_cast<std::int64_t>(which.size()) / length; }
  std::int64_t number() const override { return number_of_features; }
  std::int64_t active() const override { return length; }

  void of(std::int64_t state, std::int32_t* found, double* of_them) const override {
    const auto first = static_cast<std::size_t>(state * length);
    for (std::size_t k = first; k < first + static_cast<std::size_t>(length); ++k) {
      *found++ = which[k];
      *of_them++ = value[k];
    }
  }
};

}  // namespace metarl_fast
