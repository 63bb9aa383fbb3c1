// SPDX-License-Identifier: MIT
// Threads with a stack of a known size, and how much of its own a thread has left. Made here only.
#pragma once

#include <atomic>
#include <cstddef>

#include <pthread.h>

namespace metarl_fast {

// Work needs up to 40 KB (kernels keep columns of numbers there); the rest is for what the system and
// exceptions put on top. Only what is touched takes memory.
constexpr std::size_t kStackOfWork = std::size_t{192} << 10;

// What work on small tasks takes of the heap, and more; larger work asks for it, and is refused.
constexpr std::size_t kHeapOfWork = std::size_t{2} << 20;

// Bytes below the caller's frame; very many where the system does not say.
std::size_t stack_left();

// Whether this process has a limit of address space, within which even small allocations fail.
bool memory_is_limited();

// A thread of ours. Signals are for the program's own threads, except those that a thread brings on itself.
class Thread {
 public:
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Whether the system gives a thread. It runs `body(context)`, which must not throw. Where memory is limited
  // there is one only if so many bytes are left beside it; it has begun when this returns, and nobody should
  // allocate until then.
  bool start(void (*body)(void* context) noexcept, void* context, std::size_t left_beside);
  void join();

 private:
  static void* enter(void* self);

  void (*body_)(void*) noexcept = nullptr;
  void* context_ = nullptr;
  std::atomic<bool> begun_{false};
  pthread_t handle_{};
};

}  // namespace metarl_fast
