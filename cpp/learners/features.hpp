// SPDX-License-Identifier: MIT
// Features of states: in each state a few of F numbers are not 0 (Sutton and Barto, 2nd ed., section 9.5).
#pragma once

#include <cstdint>
#include <memory>

namespace metarl_fast {

class Features {
 public:
  virtual ~Features() = default;

  // Throws std::invalid_argument for parameters that nothing can be made of.
  virtual void check() const = 0;

  virtual std::int64_t states() const = 0;  // S
  virtual std::int64_t number() const = 0;  // F
  virtual std::int64_t active() const = 0;  // K, how many a state has at most

  // Those of a state: which [K], and their values [K], within -1 and 1.
  virtual void of(std::int64_t state, std::int32_t* which, double* value) const = 0;
};

using FeaturesPtr = std::shared_ptr<const Features>;

}  // namespace metarl_fast
