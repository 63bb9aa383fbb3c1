// SPDX-License-Identifier: MIT
#include "thread.hpp"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <limits>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace metarl_fast {
namespace {

// What the system itself may put on top (thread-local data of all libraries, frames of signals and
// exceptions) is several times what work needs. Address space only, until it is touched.
constexpr std::size_t kOwnStack = std::size_t{1} << 20;

struct Stack {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
  bool holds(std::uintptr_t place) const { return low <= place && place < high; }
};

Stack stack_of_this_thread() {
  Stack stack;
#if defined(__linux__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return stack;
  void* low = nullptr;
  std::size_t size = 0;
  if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
    stack.low = reinterpret_cast<std::uintptr_t>(low);
    stack.high = stack.low + size;
  }
  pthread_attr_destroy(&attributes);
#elif defined(__APPLE__)
  stack.high = reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(pthread_self()));
  stack.low = stack.high - pthread_get_stacksize_np(pthread_self());
#endif
  return stack;
}

// The first thread's stack is looked up in a file, so once; it grows as far as the limit of the moment.
std::atomic<std::uintptr_t> top_of_first_stack{0};
std::atomic<std::uintptr_t> end_of_first_stack{0};

bool on_first_stack(std::uintptr_t here) { return Stack{end_of_first_stack, top_of_first_stack}.holds(here); }

std::size_t left_on_first_stack(std::uintptr_t here) {
  std::uintptr_t low = end_of_first_stack;
  const std::uintptr_t high = top_of_first_stack;
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < high - low) low = high - limit.rlim_cur;
  return here > low ? here - low : 0;
}

}  // namespace

std::size_t stack_left() {
  const char local = 0;
  const auto here = reinterpret_cast<std::uintptr_t>(&local);
  if (on_first_stack(here)) return left_on_first_stack(here);
  const Stack stack = stack_of_this_thread();
  if (stack.high == 0) return std::numeric_limits<std::size_t>::max();
  if (!stack.holds(here)) return 0;  // a coroutine's, of unknown size
#if defined(__linux__)
  if (getpid() == gettid()) {
    end_of_first_stack = stack.low;
    top_of_first_stack = stack.high;
  }
#endif
  return here - stack.low;
}

bool memory_is_limited() {
  rlimit limit{};
  return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

void* Thread::enter(void* self) {
  Thread& thread = *static_cast<Thread*>(self);
  // The C library ends the process where there is no memory for thread-local data, of which exceptions have
  // some: it is taken before all else, or the exception that says that memory is short would be the end.
  [[maybe_unused]] const volatile int taken = std::uncaught_exceptions();
  thread.begun_.store(true);
  thread.body_(thread.context_);
  return nullptr;
}

bool Thread::start(void (*body)(void*) noexcept, void* context, std::size_t left_beside) {
  body_ = body;
  context_ = context;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  const bool limited = memory_is_limited();
  // Volatile, or a compiler may leave out an allocation that nobody writes to.
  void* volatile const left = limited ? std::malloc(left_beside) : nullptr;
  sigset_t others;
  sigset_t before;
  sigfillset(&others);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) sigdelset(&others, own);
  pthread_sigmask(SIG_SETMASK, &others, &before);
  const bool started = (left || !limited) && pthread_attr_setstacksize(&attributes, kOwnStack) == 0 &&
                       pthread_create(&handle_, &attributes, &Thread::enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  std::free(left);
  while (started && limited && !begun_.load()) sched_yield();
  return started;
}

void Thread::join() { pthread_join(handle_, nullptr); }

}  // namespace metarl_fast
