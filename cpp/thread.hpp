// SPDX-License-Identifier: MIT
// Threads with a stack of a known size, and how much of its own a thread has left. Made here only.
#pragma once

#include <cstddef>

#include <pthread.h>

namespace metarl_fast {

// Work needs up to 40 KB (kernels keep columns of numbers there); the rest is for what the system and
// exceptions put on top. Only what is touched takes memory.
constexpr std::size_t kStackOfWork = std::size_t{192} << 10;

// Bytes below the caller's frame; very many where the system does not say.
std::size_t stack_left();

// A thread of ours. Signals are for the program's own threads, except those that a thread brings on itself.
class Thread {
 public:
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Whether the system gives a thread. It runs `body(context)`, which must not throw.
  bool start(void (*body)(void* context) noexcept, void* context);
  void join();

 private:
  static void* enter(void* self);

  void (*body_)(void*) noexcept = nullptr;
  void* context_ = nullptr;
  pthread_t handle_{};
};

}  // namespace metarl_fast
