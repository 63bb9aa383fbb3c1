// SPDX-License-Identifier: MIT
// Asking whether to stop every so many outcomes, within one sweep or after many.
#pragma once

#include <cstdint>

#include "../interrupt.hpp"

namespace metarl_fast {

class Patience {
 public:
  explicit Patience(const Interrupt& interrupt) : interrupt_(interrupt) {}

  // Whether to stop, after so many more outcomes.
  bool ends(std::int64_t outcomes) {
    seen_ += outcomes;
    if (seen_ < kOutcomesBetweenChecks) return stopped_;
    seen_ = 0;
    stopped_ = stopped_ || interrupt_();
    return stopped_;
  }

 private:
  static constexpr std::int64_t kOutcomesBetweenChecks = 1 << 16;  // about 0.1 ms of work

  const Interrupt& interrupt_;
  std::int64_t seen_ = 0;
  bool stopped_ = false;
};

}  // namespace metarl_fast
