// SPDX-License-Identifier: MIT
// A family around another one, whose shape and time it has unless it says otherwise.
#pragma once

#include <cstdint>

#include "family.hpp"

namespace metarl_fast {

class Around : public Family {
 public:
  FamilyPtr family;

  Shape shape() const override { return family->shape(); }
  std::int64_t episodes_per_segment() const override { return family->episodes_per_segment(); }
};

}  // namespace metarl_fast
