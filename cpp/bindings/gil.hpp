// SPDX-License-Identifier: MIT
// The interpreter's lock: given back while the core works, taken for callbacks.
//
// Up to Python 3.13 a daemon thread that asks for the lock while the interpreter shuts down is torn out of
// what it does; C++ does not bear that, and the process aborts. So from `atexit` on no thread asks any more:
// it sleeps until the process is gone, as Python 3.14 lets it.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace metarl_fast::bindings {

// Lives while a thread asks for the lock, or uses it on the core's behalf.
class Visit {
 public:
  Visit() {
    ++visitors_;
    if (!closed_ || PyThread_get_thread_ident() == closed_by_) return;
    --visitors_;
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
  ~Visit() { --visitors_; }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  // Called once, with the lock, when the interpreter begins to shut down. Waits, but not for ever, until
  // those who asked before have had their turn.
  static void close() {
    closed_by_ = PyThread_get_thread_ident();
    closed_ = true;
    const pybind11::gil_scoped_release unlocked;
    for (int k = 0; k < 1000 && visitors_ > 0; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // Called in a forked child, where those who asked are gone, but for one whose callback forked.
  static void forget() { visitors_ = 0; }

 private:
  static inline std::atomic<int> visitors_{0};
  static inline std::atomic<bool> closed_{false};
  static inline unsigned long closed_by_ = 0;
};

// Gives the lock back for its lifetime.
class Unlocked {
 public:
  Unlocked() : state_(PyEval_SaveThread()) {}
  ~Unlocked() {
    const Visit visit;
    PyEval_RestoreThread(state_);
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace metarl_fast::bindings
