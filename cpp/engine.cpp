// SPDX-License-Identifier: MIT
// Blocks of tasks on threads: the only OpenMP in the tree.
#include "engine.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "interrupt.hpp"
#include "kernel/kernel.hpp"
#include "lane_block.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace metarl_fast {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTimeBetweenReports = std::chrono::milliseconds(50);
constexpr auto kWaitForOthers = std::chrono::microseconds(50);

#ifdef _OPENMP
// In table entries read or written, about a nanosecond each.
constexpr double kWorkPerThread = 100'000;

const pid_t kLoadedIn = getpid();

// libgomp's threads do not survive fork(), and a child that waits for them hangs. It gets one thread.
bool in_forked_child() { return getpid() != kLoadedIn; }
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
  } catch (...) {
    run.fail(std::current_exception());
  }
}

#ifdef _OPENMP
// Waking threads takes longer than small work does, the more so on a busy machine.
int useful_threads(int wanted, std::int64_t blocks, double work) {
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

double entries(const Shape& shape) { return static_cast<double>(shape.probabilities()); }

// A guess, to tell small planning from large.
constexpr double kSweeps = 100.0;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// The kernel counts the cells of a block's tables, padded by less than two lines, with 32 bits.
void check(const Shape& shape, const Learner& learner) {
  const std::int64_t tables = learner.rule == Rule::double_q_learning ? 2 : 1;
  const std::int64_t cells = tables * shape.states * ((shape.actions + 7) / 8 * 8);
  require(cells <= std::numeric_limits<std::int32_t>::max() / kLanes - 4 * kLine,
          "the size of a task's table", static_cast<double>(cells),
          "num_states * num_actions, actions counted in eights, below 2^26 (two tables: 2^25)");
}

void check_exploration(const Learner& learner, std::int64_t num_episodes) {
  const bool softmax = learner.behaviour == Behaviour::softmax;
  require(learner.num_explorations == 1 || learner.num_explorations == num_episodes, "num_explorations",
          static_cast<double>(learner.num_explorations), "1 or num_episodes");
  for (std::int64_t e = 0; e < learner.num_explorations; ++e) {
    const double value = learner.exploration[e];
    if (softmax) {
      require(value > 0.0 && std::isfinite(value), "temperature", value, "a finite number above 0");
    } else {
      require(value >= 0.0 && value <= 1.0, "epsilon", value, "0 to 1");
    }
  }
}

void check(const Learner& learner, const Schedule& schedule, const std::int64_t* snapshot_episodes,
           std::int64_t num_snapshots) {
  require(learner.learning_rate >= 0.0 && learner.learning_rate <= 1.0, "learning_rate",
          learner.learning_rate, "0 to 1");
  require(learner.learning_rate_decay >= 0.0 && std::isfinite(learner.learning_rate_decay),
          "learning_rate_decay", learner.learning_rate_decay, "a finite number >= 0");
  require(learner.discount >= 0.0 && learner.discount <= 1.0, "discount", learner.discount, "0 to 1");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() - 1;
  require(schedule.num_episodes >= 0 && schedule.num_episodes <= kMost, "num_episodes",
          static_cast<double>(schedule.num_episodes), "0 to 2147483646");
  require(schedule.num_steps >= 1 && schedule.num_steps <= kMost, "num_steps",
          static_cast<double>(schedule.num_steps), "1 to 2147483646");
  require(learner.trace_decay >= 0.0 && learner.trace_decay <= 1.0, "trace_decay", learner.trace_decay,
          "0 to 1");
  require(std::fabs(learner.bonus) <= 0x1p126, "bonus", learner.bonus, "a number within 2^126");
  if (learner.behaviour != Behaviour::uniform) check_exploration(learner, schedule.num_episodes);
  std::int64_t before = -1;
  for (std::int64_t k = 0; k < num_snapshots; ++k) {
    require(snapshot_episodes[k] > before && snapshot_episodes[k] <= schedule.num_episodes,
            "a snapshot episode", static_cast<double>(snapshot_episodes[k]),
            "increasing numbers from 0 to num_episodes");
    before = snapshot_episodes[k];
  }
}

void check(const Criterion& criterion) {
  require(criterion.horizon >= 0, "horizon", static_cast<double>(criterion.horizon), ">= 0");
  require(criterion.discount >= 0.0 && criterion.discount <= 1.0, "discount", criterion.discount, "0 to 1");
  require(criterion.horizon > 0 || criterion.discount < 1.0, "discount", criterion.discount,
          "below 1 when there is no horizon");
  require(criterion.tolerance > 0.0, "tolerance", criterion.tolerance, "a number above 0");
}

}  // namespace

template <class Real>
void train(const TaskBatch& batch, const Learner& learner, const Schedule& schedule,
           const TrainArrays<Real>& arrays, const RunOptions& options) {
  check(learner, schedule, arrays.snapshot_episodes, arrays.num_snapshots);
  check(batch.shape(), learner);
  const double updates =
      static_cast<double>(schedule.num_episodes) * static_cast<double>(schedule.num_steps) * 5.0;
  kernels();  // an unusable METARL_FAST_ISA is reported before any thread starts
  const bool written_out = !batch.uniform_law() || batch.shape().sampling == Sampling::inverse;
  const double tables = written_out ? entries(batch.shape()) : static_cast<double>(batch.shape().pairs());
  OrderedSums sums(arrays.mean_returns ? schedule.num_episodes : 0);
  for_each_block(batch.size(), kLanes, tables + updates, options, [&] {
    return
        [&, block = LaneBlock<Real>(batch, learner, schedule, arrays)](std::int64_t i, Pulse& pulse) mutable {
          const std::int64_t done = block.run(i, pulse.interrupt());
          if (arrays.mean_returns && done > 0) {
            std::vector<double> part(size(schedule.num_episodes));
            block.add_returns(part.data());
            sums.add(i, std::move(part));
          }
          return done;
        };
  });
  for (std::size_t e = 0; e < sums.sums().size(); ++e) {
    arrays.mean_returns[e] = sums.sums()[e] / static_cast<double>(batch.size());
  }
}

template void train<float>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<float>&,
                           const RunOptions&);
template void train<double>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<double>&,
                            const RunOptions&);

void solve(const TaskBatch& batch, const Criterion& criterion, const SolveArrays& out,
           const RunOptions& options) {
  check(criterion);
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, kSweeps * entries(batch.shape()), options, [&] {
    return
        [&, buffer = TaskBuffer(shape), scratch = PlanningScratch()](std::int64_t i, Pulse& pulse) mutable {
          const TaskView task = batch.load(i, buffer);
          double* values = out.values + i * shape.states;
          std::int32_t* plan = out.plan ? out.plan + i * criterion.horizon * shape.states : nullptr;
          metarl_fast::solve(shape, task, criterion, values, out.q_values + i * shape.pairs(),
                             out.policy + i * shape.states, plan, scratch, pulse.interrupt());
          out.returns[i] = start_value(shape, task, values);
          return std::int64_t{1};
        };
  });
}

void evaluate(const TaskBatch& batch, const Criterion& criterion, const EvaluateArrays& arrays,
              const RunOptions& options) {
  check(criterion);
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, kSweeps * entries(batch.shape()), options, [&] {
    return [&, buffer = TaskBuffer(shape), scratch = PlanningScratch(),
            room = std::vector<double>(size(shape.states))](std::int64_t i, Pulse& pulse) mutable {
      const TaskView task = batch.load(i, buffer);
      for (std::int64_t p = 0; p < arrays.num_policies && !pulse.stop_requested(); ++p) {
        const std::int64_t place = i * arrays.num_policies + p;
        const double* policy = arrays.policy + (arrays.policy_shared ? p : place) * shape.pairs();
        double* values = arrays.values ? arrays.values + place * shape.states : room.data();
        evaluate_policy(shape, task, criterion, policy, values, scratch, pulse.interrupt());
        arrays.returns[place] = start_value(shape, task, values);
      }
      return std::int64_t{1};
    };
  });
}

void materialise(const TaskBatch& batch, const MaterialiseArrays& out, const RunOptions& options) {
  const Shape& shape = batch.shape();
  const bool rows = !batch.uniform_law() || out.probability || out.scale;
  const double work = rows ? entries(shape) : static_cast<double>(shape.pairs());
  for_each_block(batch.size(), kLanes, work, options, [&] {
    return [&, buffer = TaskBuffer(shape, rows)](std::int64_t block, Pulse& pulse) mutable {
      const std::int64_t end = std::min(batch.size(), (block + 1) * kLanes);
      for (std::int64_t i = block * kLanes; i < end && !pulse.stop_requested(); ++i) {
        const TaskView task = rows ? batch.load(i, buffer) : batch.load_without_rows(i, buffer);
        const std::int64_t entries = shape.probabilities();
        if (out.probability) std::copy_n(task.probability, entries, out.probability + i * entries);
        if (out.next_state) std::copy_n(task.next_state, entries, out.next_state + i * entries);
        if (out.reward) std::copy_n(task.reward, shape.rewards(), out.reward + i * shape.rewards());
        if (out.terminated) {
          std::copy_n(task.terminated, shape.terminations(), out.terminated + i * shape.terminations());
        }
        if (out.scale) std::copy_n(task.scale, shape.pairs(), out.scale + i * shape.pairs());
        if (out.start) std::copy_n(task.start, shape.states, out.start + i * shape.states);
      }
      return end - block * kLanes;
    };
  });
}

bool openmp_enabled() {
#ifdef _OPENMP
  return true;
#else
  return false;
#endif
}

}  // namespace metarl_fast
