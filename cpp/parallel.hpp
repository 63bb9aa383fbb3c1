// SPDX-License-Identifier: MIT
// Blocks of tasks on threads, progress, cancellation, sums in a fixed order: the only threads in the tree.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "engine.hpp"
#include "interrupt.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace metarl_fast {

using Clock = std::chrono::steady_clock;

constexpr auto kTimeBetweenReports = std::chrono::milliseconds(50);
constexpr auto kWaitForOthers = std::chrono::microseconds(50);

#ifdef _OPENMP
// In table entries read or written, about a nanosecond each.
constexpr double kWorkPerThread = 100'000;

inline const pid_t kLoadedIn = getpid();

// libgomp's threads do not survive fork(), and a child that waits for them hangs. It gets one thread.
inline bool in_forked_child() { return getpid() != kLoadedIn; }
#endif

// What the threads of one run share.
class Run {
 public:
  Run(std::int64_t blocks, std::int64_t tasks, const Progress& progress)
      : blocks_(blocks), tasks_(tasks), progress_(progress), last_report_(Clock::now()) {}

  bool take(std::int64_t& block) {
    if (stopped()) return false;
    block = next_.fetch_add(1, std::memory_order_relaxed);
    return block < blocks_;
  }
  void add_done(std::int64_t tasks) { done_.fetch_add(tasks, std::memory_order_relaxed); }
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  // The first failure wins; everybody stops.
  void fail(std::exception_ptr error) {
    if (!failed_.exchange(true)) error_ = std::move(error);
    stop_.store(true, std::memory_order_relaxed);
  }

  // For the calling thread only: Python may be called from here.
  void report_if_due() {
    if (!progress_ || stopped()) return;
    const Clock::time_point now = Clock::now();
    if (now - last_report_ < kTimeBetweenReports) return;
    last_report_ = now;
    report();
  }
  void report() {
    try {
      progress_(done_.load(std::memory_order_relaxed), tasks_);
    } catch (...) {
      fail(std::current_exception());
    }
  }
  void finish() {
    if (progress_ && !stopped()) report();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::int64_t blocks_;
  std::int64_t tasks_;
  const Progress& progress_;
  Clock::time_point last_report_;
  std::atomic<std::int64_t> next_{0};
  std::atomic<std::int64_t> done_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

// One thread's handle on the run.
struct Pulse {
  Run& run;
  bool on_calling_thread;

  bool stop_requested() const {
    if (on_calling_thread) run.report_if_due();
    return run.stopped();
  }
  Interrupt interrupt() {
    return {[](void* self) { return static_cast<Pulse*>(self)->stop_requested(); }, this};
  }
};

// Makes a worker and feeds it blocks until none is left. Exceptions must not leave a parallel region.
template <class MakeWorker>
void work(Run& run, bool on_calling_thread, const MakeWorker& make_worker) {
  try {
    Pulse pulse{run, on_calling_thread};
    auto worker = make_worker();
    for (std::int64_t block = 0; run.take(block);) {
      run.add_done(worker(block, pulse));
      pulse.stop_requested();
    }
  } catch (const Interrupted&) {  // the run knows why
  } catch (...) {
    run.fail(std::current_exception());
  }
}

#ifdef _OPENMP
// Waking threads takes longer than small work does, the more so on a busy machine.
inline int useful_threads(int wanted, std::int64_t blocks, double work) {
  const double worthwhile = std::max(1.0, std::min(work / kWorkPerThread, 1e6));
  return static_cast<int>(std::min({std::int64_t{wanted}, blocks, static_cast<std::int64_t>(worthwhile)}));
}
#endif

// Runs `worker(block, pulse)`, which returns the number of tasks it did, over all blocks. Each thread has its
// own worker from `make_worker()`, so scratch is allocated where it is used.
template <class MakeWorker>
void for_each_block(std::int64_t tasks, std::int64_t tasks_per_block, [[maybe_unused]] double work_per_task,
                    const RunOptions& options, const MakeWorker& make_worker) {
  if (options.num_threads < 1) {
    throw std::invalid_argument("num_threads is " + std::to_string(options.num_threads) +
                                ", expected at least 1");
  }
  const std::int64_t blocks = (tasks + tasks_per_block - 1) / tasks_per_block;
  Run run(blocks, tasks, options.progress);
#ifdef _OPENMP
  // libgomp ends the process when the system refuses it a thread, and so many help nobody.
  const int most = std::max(64, 4 * omp_get_num_procs());
  const double all_work = work_per_task * static_cast<double>(tasks);
  const int threads = useful_threads(std::min(options.num_threads, most), blocks, all_work);
  if (threads > 1 && !in_forked_child()) {
    std::atomic<int> finished{0};
#pragma omp parallel num_threads(threads)
    {
      const bool calling = omp_get_thread_num() == 0;
      work(run, calling, make_worker);
      finished.fetch_add(1, std::memory_order_release);
      // The barrier at the end would not let the calling thread answer Ctrl-C.
      while (calling && finished.load(std::memory_order_acquire) < omp_get_num_threads()) {
        run.report_if_due();
        std::this_thread::sleep_for(kWaitForOthers);
      }
    }
    run.finish();
    return;
  }
#endif
  work(run, true, make_worker);
  run.finish();
}

// Sums over tasks that do not depend on which thread is done first: the blocks' sums are added in the order
// of the blocks, and those that come early wait.
class OrderedSums {
 public:
  explicit OrderedSums(std::int64_t size) : sums_(static_cast<std::size_t>(size)) {}

  void add(std::int64_t block, std::vector<double> part) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.emplace(block, std::move(part));
    for (auto next = waiting_.begin(); next != waiting_.end() && next->first == next_block_;
         next = waiting_.erase(next), ++next_block_) {
      for (std::size_t e = 0; e < sums_.size(); ++e) sums_[e] += next->second[e];
    }
  }
  const std::vector<double>& sums() const { return sums_; }

 private:
  std::mutex mutex_;
  std::int64_t next_block_ = 0;
  std::map<std::int64_t, std::vector<double>> waiting_;
  std::vector<double> sums_;
};

}  // namespace metarl_fast
