// SPDX-License-Identifier: MIT
#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sched.h>
#include <unistd.h>

#include "thread.hpp"

namespace metarl_fast {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTimeBetweenReports = std::chrono::milliseconds(50);
// Starting a thread takes longer than small work does, the more so on a busy machine.
constexpr double kWorkPerThread = 100'000;
// How long a thread looks out for rows before it sleeps: falling asleep and waking take as long.
constexpr auto kTimeAwake = std::chrono::microseconds(50);

// A loop over rows that several threads work on.
struct SharedLoop {
  std::int64_t rows;
  std::int64_t rows_at_once;
  RowLoop::Body body;
  const void* closure;
  std::atomic<std::int64_t> next{0};
  int helpers = 0;  // under the run's mutex

  bool has_rows() const { return next.load(std::memory_order_relaxed) < rows; }
  void work(const Pulse& pulse) {
    while (!pulse.stop_requested()) {
      const std::int64_t begin = next.fetch_add(rows_at_once, std::memory_order_relaxed);
      if (begin >= rows) return;
      body(closure, begin, std::min(rows, begin + rows_at_once));
    }
  }
};

}  // namespace

class Run {
 public:
  Run(const Blocks& blocks, const RunOptions& options, const MakeBlockWorker& make_worker)
      : tasks_(blocks.tasks),
        blocks_(blocks.number()),
        shares_rows_(blocks.shares_rows),
        progress_(options.progress),
        make_worker_(make_worker),
        last_report_(Clock::now()),
        blocks_left_(blocks_) {}

  // What one thread does from beginning to end.
  void work(bool on_calling_thread) noexcept {
    try {
      Pulse pulse(*this, on_calling_thread);
      const bool has_memory = work_on_blocks(pulse, on_calling_thread);
      if (shares_rows_ && has_memory) help_with_rows(pulse);
    } catch (const Interrupted&) {  // the run knows why
    } catch (...) {
      fail(std::current_exception());
    }
  }

  // Threads besides the calling one come and go.
  void come() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++others_;
  }
  void go() {
    const std::lock_guard<std::mutex> lock(mutex_);
    --others_;
    changed_.notify_all();
  }
  // Who came begins when this is let go.
  std::mutex& gate() { return gate_; }
  void wait_for_others() {
    if (!forked_) wait(true, [this] { return others_ == 0; });
  }

  void finish() {
    if (!stopped() && blocks_left_ > 0) fail(no_memory_);  // no thread had any
    if (progress_ && !stopped()) report();
    if (error_) std::rethrow_exception(error_);
  }

  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  // Whether this is a child that the progress callback forked. The other threads do not exist here; what they
  // may hold, locks above all, must not be touched.
  bool forked() const { return forked_; }

  // For the calling thread only: Python may be called from here.
  void report_if_due() {
    if (!progress_ || stopped()) return;
    const Clock::time_point now = Clock::now();
    if (now - last_report_ < kTimeBetweenReports) return;
    last_report_ = now;
    report();
  }

  // Sleeps until `ready()`, which is asked under the mutex.
  template <class Ready>
  void wait(bool on_calling_thread, const Ready& ready) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ready()) {
      if (!on_calling_thread || !progress_ || stopped()) {
        changed_.wait(lock);
        continue;
      }
      changed_.wait_until(lock, last_report_ + kTimeBetweenReports);
      lock.unlock();
      report_if_due();
      if (forked_) return;
      lock.lock();
    }
  }
  void wake_all() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
    }  // who is about to sleep has looked, or will
    changed_.notify_all();
  }

  void share(const Pulse& pulse, SharedLoop& loop) {
    const bool shared = lookouts_.load(std::memory_order_relaxed) > 0;
    if (shared) publish(loop);
    try {
      loop.work(pulse);
    } catch (const Interrupted&) {  // the run knows why
    } catch (...) {
      fail(std::current_exception());
    }
    if (shared && !forked_) withdraw(loop);
    if (stopped()) throw Interrupted();
  }

 private:
  // The first failure wins; everybody stops.
  void fail(std::exception_ptr error) {
    if (!failed_.exchange(true)) error_ = std::move(error);
    stop_.store(true);
    if (!forked_) wake_all();
  }

  void report() {
    const pid_t before = getpid();
    try {
      progress_(done_.load(std::memory_order_relaxed), tasks_);
      forked_ = getpid() != before;
      if (forked_)
        throw std::runtime_error("a progress callback forked: the work goes on in the parent only");
    } catch (...) {
      forked_ = getpid() != before;
      fail(std::current_exception());
    }
  }

  // Whether there was memory for it.
  bool work_on_blocks(Pulse& pulse, bool on_calling_thread) {
    if (next_block_.load(std::memory_order_relaxed) >= blocks_) return true;
    std::unique_ptr<BlockWorker> worker = make_worker();
    if (!worker && on_calling_thread) {  // alone there may be enough
      wait_for_others();
      worker = make_worker();
    }
    while (worker && !stopped()) {
      const std::int64_t block = next_block_.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks_) break;
      done_.fetch_add(worker->run(block, pulse), std::memory_order_relaxed);
      if (blocks_left_.fetch_sub(1) == 1 && shares_rows_) wake_all();
      pulse.stop_requested();
    }
    return worker != nullptr;
  }

  // Null without memory for it: one thread fewer, like one that the system refuses.
  std::unique_ptr<BlockWorker> make_worker() {
    try {
      return make_worker_();
    } catch (const std::bad_alloc&) {
      const std::lock_guard<std::mutex> lock(mutex_);
      no_memory_ = std::current_exception();
      return nullptr;
    }
  }

  void publish(SharedLoop& loop) {
    const std::lock_guard<std::mutex> lock(mutex_);
    loops_.push_back(&loop);
    published_.fetch_add(1);
    changed_.notify_all();
  }

  // Nobody knows of the loop any more when this returns.
  void withdraw(SharedLoop& loop) {
    std::unique_lock<std::mutex> lock(mutex_);
    loops_.erase(std::find(loops_.begin(), loops_.end(), &loop));
    while (loop.helpers > 0) changed_.wait(lock);
  }

  void help_with_rows(const Pulse& pulse) {
    lookouts_.fetch_add(1);
    while (!stopped() && blocks_left_ > 0) {
      const std::int64_t seen = published_;
      SharedLoop* loop = find_loop();
      if (loop == nullptr) {
        look_out(pulse, seen);
        continue;
      }
      loop->work(pulse);
      if (forked_) return;
      const std::lock_guard<std::mutex> lock(mutex_);
      if (--loop->helpers == 0) changed_.notify_all();
    }
  }

  SharedLoop* find_loop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (SharedLoop* loop : loops_) {
      if (!loop->has_rows()) continue;
      ++loop->helpers;
      return loop;
    }
    return nullptr;
  }

  // Until there is a loop that was not there before, or nothing more to come.
  void look_out(const Pulse& pulse, std::int64_t seen) {
    const auto ready = [&] { return published_ != seen || blocks_left_ == 0 || stopped(); };
    for (const auto sleep = Clock::now() + kTimeAwake; Clock::now() < sleep; sched_yield()) {
      if (ready()) return;
    }
    pulse.wait(ready);
  }

  const std::int64_t tasks_;
  const std::int64_t blocks_;
  const bool shares_rows_;
  const Progress& progress_;
  const MakeBlockWorker& make_worker_;
  Clock::time_point last_report_;
  bool forked_ = false;  // like the line above, the calling thread's
  std::atomic<std::int64_t> next_block_{0};
  std::atomic<std::int64_t> blocks_left_;
  std::atomic<std::int64_t> done_{0};
  std::atomic<std::int64_t> published_{0};
  std::atomic<int> lookouts_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  std::mutex gate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under the mutex:
  int others_ = 0;
  std::exception_ptr no_memory_;
  std::vector<SharedLoop*> loops_;
};

bool Pulse::stop_requested() const {
  if (on_calling_thread_) run_.report_if_due();
  return run_.stopped();
}

void Pulse::wait(const std::function<bool()>& ready) const {
  run_.wait(on_calling_thread_, [&] { return run_.stopped() || ready(); });
  if (run_.stopped()) throw Interrupted();
}

void Pulse::wake_others() const { run_.wake_all(); }

void Pulse::share(void* self, std::int64_t rows, std::int64_t rows_at_once, RowLoop::Body body,
                  const void* closure) {
  const Pulse& pulse = *static_cast<Pulse*>(self);
  SharedLoop loop{rows, rows_at_once, body, closure};
  pulse.run_.share(pulse, loop);
}

int most_threads() {
  constexpr int kEnoughAnywhere = 64;
  return std::max(kEnoughAnywhere, 4 * static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

namespace {

int useful_threads(const Blocks& blocks, int wanted) {
  const double work = blocks.work_per_task * static_cast<double>(blocks.tasks);
  const double worthwhile = std::max(1.0, std::min(work / kWorkPerThread, 1e6));
  if (!blocks.shares_rows && wanted > blocks.number())
    wanted = static_cast<int>(std::max<std::int64_t>(1, blocks.number()));
  wanted = std::min(wanted, static_cast<int>(worthwhile));
  return wanted <= 64 ? wanted : std::min(wanted, most_threads());
}

// The threads besides the calling one; as many as the system gives.
class Crew {
 public:
  Crew(Run& run, int wanted) : run_(run), threads_(static_cast<std::size_t>(wanted)) {
    std::unique_lock<std::mutex> gate(run_.gate(), std::defer_lock);
    if (memory_is_limited()) gate.lock();  // nobody allocates while threads begin
    for (Thread& thread : threads_) {
      run_.come();
      const auto at_work = static_cast<std::size_t>(size_) + 2;  // this one, and the calling thread
      if (thread.start(&Crew::work, &run_, at_work * kHeapOfWork)) {
        ++size_;
        continue;
      }
      run_.go();
      break;
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() {
    if (run_.forked()) return;
    for (int k = 0; k < size_; ++k) threads_[static_cast<std::size_t>(k)].join();
  }
  int size() const { return size_; }

 private:
  static void work(void* run) noexcept {
    static_cast<Run*>(run)->gate().lock();
    static_cast<Run*>(run)->gate().unlock();
    static_cast<Run*>(run)->work(false);
    static_cast<Run*>(run)->go();
  }

  Run& run_;
  std::vector<Thread> threads_;
  int size_ = 0;
};

}  // namespace

void run_blocks(const Blocks& blocks, const RunOptions& options, const MakeBlockWorker& make_worker) {
  if (options.num_threads < 1) {
    throw std::invalid_argument("num_threads is " + std::to_string(options.num_threads) +
                                ", expected at least 1");
  }
  const int threads = useful_threads(blocks, options.num_threads);
  const bool work_here = stack_left() >= kStackOfWork;
  auto run = std::make_unique<Run>(blocks, options, make_worker);
  {
    const Crew crew(*run, work_here ? threads - 1 : threads);
    if (!work_here && crew.size() == 0) {
      throw std::runtime_error(
          "the stack of this thread is too small to work on, and the system refuses another thread");
    }
    if (work_here) run->work(true);
    run->wait_for_others();
  }
  // In a forked child even the end of a mutex might wait for threads that are gone.
  if (run->forked()) return run.release()->finish();
  run->finish();
}

}  // namespace metarl_fast
