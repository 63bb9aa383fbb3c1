// SPDX-License-Identifier: MIT
// How long work asks whether to stop, without knowing who answers.
#pragma once

#include <cstdint>

namespace metarl_fast {

// Called now and then; true asks to stop early. Once true, it stays so.
using StopRequested = bool (*)(void* context);

struct Interrupt {
  StopRequested requested = nullptr;
  void* context = nullptr;
  bool operator()() const { return requested != nullptr && requested(context); }
};

// Thrown by work that was asked to stop and leaves something half done behind, so that nobody reads it.
// Whoever asked knows why; it is no error.
struct Interrupted {};

inline void stop_if_asked(const Interrupt& interrupt) {
  if (interrupt()) throw Interrupted();
}

// Asks again and again while entries of large arrays are written or read, however many each piece of work
// has.
class Meter {
 public:
  explicit Meter(const Interrupt& interrupt) : interrupt_(interrupt) {}

  // Counts entries that are about to be worked on. Throws Interrupted.
  void count(std::int64_t entries) {
    left_ -= entries;
    if (left_ >= 0) return;
    stop_if_asked(interrupt_);
    left_ = kEntriesBetweenQuestions;
  }

 private:
  // An entry takes 1 to 100 nanoseconds, a question 30.
  static constexpr std::int64_t kEntriesBetweenQuestions = 1 << 14;
  const Interrupt& interrupt_;
  std::int64_t left_ = kEntriesBetweenQuestions;
};

}  // namespace metarl_fast
