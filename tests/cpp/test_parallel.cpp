// SPDX-License-Identifier: MIT
// Blocks and rows on threads: everything is done once, errors come through, small stacks are not worked on.
#include <metarl_fast/parallel.hpp>
#include <metarl_fast/thread.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <pthread.h>

#include "expect.hpp"

namespace {

using namespace metarl_fast;

constexpr double kMuchWork = 1e9;  // a block, so that threads are worth while

void test_every_block_is_done_once() {
  for (const int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> done(1000);
    const auto make_worker = [&] {
      return [&](std::int64_t block, Pulse&) {
        ++done[static_cast<std::size_t>(block)];
        return std::int64_t{1};
      };
    };
    std::int64_t last = 0;
    for_each_block(1000, 1, kMuchWork, {threads, [&](std::int64_t now, std::int64_t) { last = now; }},
                   make_worker);
    for (const std::atomic<int>& times : done) EXPECT(times == 1);
    EXPECT(last == 1000);
  }
}

// sum_i i^2 of each range, for a run of two tasks of many rows.
std::vector<std::int64_t> sums_of_ranges(int threads) {
  constexpr std::int64_t kRows = 10'007;
  constexpr std::int64_t kRange = 64;
  std::vector<std::int64_t> sums(2 * (kRows / kRange + 1));
  for_each_block(
      2, 1, kMuchWork, {threads, nullptr},
      [&] {
        return [&](std::int64_t task, Pulse& pulse) {
          for (int again = 0; again < 20; ++again) {
            pulse.row_loop()(kRows, kRange, [&](std::int64_t begin, std::int64_t end) {
              std::int64_t& sum =
                  sums[static_cast<std::size_t>(task * (kRows / kRange + 1) + begin / kRange)];
              for (std::int64_t row = begin; row < end; ++row) sum += row * row;
            });
          }
          return std::int64_t{1};
        };
      },
      /*shares_rows=*/true);
  return sums;
}

void test_every_row_is_done_once() {
  const std::vector<std::int64_t> alone = sums_of_ranges(1);
  std::int64_t all = 0;
  for (const std::int64_t sum : alone) all += sum;
  EXPECT(all == 2 * 20 * (10'006LL * 10'007LL * 20'013LL / 6));
  for (const int threads : {2, 3, 8}) EXPECT(sums_of_ranges(threads) == alone);
}

void test_what_a_worker_throws_stops_all_and_comes_through() {
  for (const bool in_rows : {false, true}) {
    std::string found;
    try {
      for_each_block(
          1 << 20, 1, kMuchWork, {3, nullptr},
          [&] {
            return [&](std::int64_t block, Pulse& pulse) {
              if (block == 10 && !in_rows) throw std::runtime_error("ten");
              pulse.row_loop()(100, 1, [&](std::int64_t row, std::int64_t) {
                if (block == 10 && row == 50) throw std::runtime_error("ten");
              });
              return std::int64_t{1};
            };
          },
          /*shares_rows=*/true);
    } catch (const std::runtime_error& error) {
      found = error.what();
    }
    EXPECT(found == "ten");
  }
}

void test_scratch_that_some_threads_cannot_have_is_no_error() {
  for (const int able : {0, 1, 2}) {
    std::atomic<int> asked{0};
    std::atomic<int> done{0};
    bool refused = false;
    try {
      for_each_block(100, 1, kMuchWork, {4, nullptr}, [&] {
        if (++asked > able) throw std::bad_alloc();
        return [&](std::int64_t, Pulse&) {
          ++done;
          return std::int64_t{1};
        };
      });
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    EXPECT(refused == (able == 0));
    EXPECT(done == (able == 0 ? 0 : 100));
  }
}

void test_progress_comes_on_the_calling_thread_while_another_works() {
  const pthread_t caller = pthread_self();
  std::atomic<bool> reported{false};
  const Progress progress = [&](std::int64_t, std::int64_t) {
    EXPECT(pthread_equal(pthread_self(), caller));
    reported = true;
  };
  for_each_block(2, 1, kMuchWork, {2, progress}, [&] {
    return [&](std::int64_t, Pulse& pulse) {
      while (!reported) pulse.stop_requested();
      return std::int64_t{1};
    };
  });
  EXPECT(reported);
}

// Runs `call` on a thread whose stack is less than work needs.
template <class Call>
void on_a_small_stack(Call call) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  pthread_t thread{};
  const auto enter = [](void* self) -> void* {
    (*static_cast<Call*>(self))();
    return nullptr;
  };
  EXPECT(pthread_create(&thread, &attributes, enter, &call) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

void test_work_goes_to_another_thread_where_the_stack_is_small() {
  on_a_small_stack([] {
    const pthread_t caller = pthread_self();
    if (stack_left() >= kStackOfWork) return;  // a sanitizer made it larger
    int reports = 0;
    for_each_block(3, 1, 1.0, {1, [&](std::int64_t, std::int64_t) { ++reports; }}, [&] {
      EXPECT(!pthread_equal(pthread_self(), caller));
      EXPECT(stack_left() >= kStackOfWork);
      return [](std::int64_t, Pulse&) { return std::int64_t{1}; };
    });
    EXPECT(reports >= 1);
  });
  EXPECT(stack_left() >= kStackOfWork);
}

}  // namespace

int main() {
  test_every_block_is_done_once();
  test_every_row_is_done_once();
  test_what_a_worker_throws_stops_all_and_comes_through();
  test_scratch_that_some_threads_cannot_have_is_no_error();
  test_progress_comes_on_the_calling_thread_while_another_works();
  test_work_goes_to_another_thread_where_the_stack_is_small();
  std::printf("%s\n", failures == 0 ? "all passed" : "FAILED");
  return failures == 0 ? 0 : 1;
}
