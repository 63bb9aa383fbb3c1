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
#include <sstream>
#include <stdexcept>
#include <thread>

#include <unistd.h>

#include "aligned.hpp"
#include "kernel/kernel.hpp"
#include "rng.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace metarl_fast {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTimeBetweenReports = std::chrono::milliseconds(50);
constexpr auto kWaitForOthers = std::chrono::microseconds(50);
// About 0.2 ms of work: the longest a block runs between two looks at the cancellation flag.
constexpr std::int64_t kStepsBetweenPulses = 4096;
// Larger tasks take so long to generate that a block of them looks between one and the next.
constexpr std::size_t kCellsBetweenPulses = 1 << 14;

#ifdef _OPENMP
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

// Runs `worker(block, pulse)`, which returns the number of tasks it did, over all blocks. Each thread has its
// own worker from `make_worker()`, so scratch is allocated where it is used.
template <class MakeWorker>
void for_each_block(std::int64_t tasks, std::int64_t tasks_per_block, const RunOptions& options,
                    const MakeWorker& make_worker) {
  if (options.num_threads < 1) {
    throw std::invalid_argument("num_threads is " + std::to_string(options.num_threads) +
                                ", expected at least 1");
  }
  const std::int64_t blocks = (tasks + tasks_per_block - 1) / tasks_per_block;
  Run run(blocks, tasks, options.progress);
#ifdef _OPENMP
  // libgomp ends the process when the system refuses it a thread, and so many help nobody.
  const std::int64_t most = std::max(64, 4 * omp_get_num_procs());
  const int threads = static_cast<int>(std::min({std::int64_t{options.num_threads}, blocks, most}));
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

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// The sampling rule of mdp.hpp: thresholds from the last possible outcome on exceed every u.
template <class Real>
void write_thresholds(const double* probability, std::int64_t outcomes, Row row, Real* thresholds) {
  std::int64_t last = outcomes - 1;
  while (last > 0 && !(probability[last] > 0.0)) --last;
  Real* fine = thresholds + row.coarse;
  double cumulative = 0.0;
  for (std::int64_t k = 0; k < last; ++k) {
    cumulative += probability[k];
    fine[k] = static_cast<Real>(cumulative);
  }
  std::fill(fine + last, fine + row.fine, Real{2});
  for (std::int64_t k = 0; k < row.coarse; ++k)
    thresholds[k] = 16 * k < row.fine ? fine[16 * k + 15] : Real{2};
}

void advance(const Kernels& k, Block<float>& b, std::int64_t steps) { k.advance_float(b, steps); }
void advance(const Kernels& k, Block<double>& b, std::int64_t steps) { k.advance_double(b, steps); }
void begin(const Kernels& k, Block<float>& b) { k.begin_float(b); }
void begin(const Kernels& k, Block<double>& b) { k.begin_double(b); }

// A reward beyond the table's type would become infinite without a word.
template <class Real>
void check_rewards(const double* rewards, std::int64_t count, std::int64_t task) {
  constexpr double kLargest = std::numeric_limits<Real>::max();
  const double* end = rewards + count;
  const double* bad = std::find_if(rewards, end, [](double r) { return !(std::fabs(r) <= kLargest); });
  if (bad == end) return;
  std::ostringstream message;
  message << "a reward of task " << task << " is " << *bad << ", which a table of " << 8 * sizeof(Real)
          << "-bit numbers cannot hold";
  throw std::invalid_argument(message.str());
}

// One thread's scratch for a block of tasks: the tables of all lanes and the task being read.
template <class Real>
class TrainWorker {
 public:
  TrainWorker(const TaskBatch& batch, const Learner& learner, const Schedule& schedule,
              const TrainArrays<Real>& arrays)
      : batch_(batch), schedule_(schedule), arrays_(arrays), kernels_(kernels()), buffer_(batch.shape()) {
    const Shape& shape = batch.shape();
    block_.states = static_cast<std::int32_t>(shape.states);
    block_.actions = static_cast<std::int32_t>(shape.actions);
    block_.dense = shape.dense;
    block_.row = Row::for_outcomes(shape.outcomes);
    block_.start_row = Row::for_outcomes(shape.states);
    block_.q_stride = (shape.actions + 7) / 8 * 8;
    block_.reward_noise = static_cast<Real>(shape.reward_noise);
    block_.num_episodes = static_cast<std::int32_t>(schedule.num_episodes);
    block_.num_steps = static_cast<std::int32_t>(schedule.num_steps);
    block_.continuing = schedule.continuing;
    block_.uniform_behaviour = learner.uniform_behaviour;
    block_.constant_epsilon = learner.uniform_behaviour ||
                              std::all_of(learner.epsilon, learner.epsilon + schedule.num_episodes,
                                          [&](double epsilon) { return epsilon == learner.epsilon[0]; });
    block_.epsilon = learner.epsilon;
    block_.learning_rate = learner.learning_rate;
    block_.learning_rate_decay = learner.learning_rate_decay;
    block_.discount = static_cast<Real>(learner.discount);
    block_.num_snapshots = arrays.num_snapshots;
    block_.snapshot_episodes = arrays.snapshot_episodes;

    const std::size_t lanes = size(std::min<std::int64_t>(kLanes, batch.size()));
    row_cells_ = size(shape.pairs() * stride(block_.row));
    reward_cells_ = size(shape.pairs() * (shape.dense ? 1 : block_.row.fine));
    q_cells_ = size(shape.states * block_.q_stride);
    thresholds_ = make_aligned<Real>(lanes * row_cells_);
    rewards_ = make_aligned<Real>(lanes * reward_cells_);
    start_ = make_aligned<Real>(lanes * size(stride(block_.start_row)));
    if (!shape.dense) successors_ = make_aligned<std::int32_t>(lanes * reward_cells_);
    if (shape.dense) terminal_ = make_aligned<std::uint8_t>(lanes * size(shape.states));
    q_table_ = make_aligned<Real>(kLanes * q_cells_);
    if (learner.learning_rate_decay != 0.0) visits_ = make_aligned<std::uint32_t>(kLanes * q_cells_);
    tiles_ = make_aligned<Real>(2 * kLanes * size(block_.q_stride));
    block_.thresholds = thresholds_.get();
    block_.rewards = rewards_.get();
    block_.successors = successors_.get();
    block_.terminal = terminal_.get();
    block_.start = start_.get();
    block_.q_table = q_table_.get();
    block_.visits = visits_.get();
    block_.tile = reinterpret_cast<Real(*)[kLanes]>(tiles_.get());
    block_.next_tile = block_.tile + block_.q_stride;
  }

  std::int64_t operator()(std::int64_t block_index, Pulse& pulse) {
    const std::int64_t first = block_index * kLanes;
    block_.active = static_cast<int>(std::min<std::int64_t>(kLanes, batch_.size() - first));
    block_.any_terminal = false;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (row_cells_ > kCellsBetweenPulses && pulse.stop_requested()) return 0;
      const bool active = lane < block_.active;
      if (active) write_task(lane, first + lane);
      block_.task_of[lane] = active ? lane : 0;
      block_.first_pair[lane] = block_.task_of[lane] * block_.states * block_.actions;
      block_.first_cell[lane] = lane * static_cast<std::int32_t>(q_cells_);
      if (!active) block_.single_start[lane] = block_.single_start[0];
      write_table(lane, lane < block_.active ? first + lane : first);
      set_stream(lane, lane < block_.active ? first + lane : first);
      block_.outputs[lane] = lane < block_.active ? outputs(first + lane) : LaneOutputs<Real>{};
    }
    begin(kernels_, block_);
    while (block_.unfinished > 0) {
      if (pulse.stop_requested()) return 0;
      advance(kernels_, block_, kStepsBetweenPulses);
    }
    return block_.active;
  }

 private:
  void write_task(int lane, std::int64_t index) {
    const Shape& shape = batch_.shape();
    const TaskView task = batch_.load(index, buffer_);
    check_rewards<Real>(task.reward, shape.rewards(), index);
    Real* thresholds = thresholds_.get() + size(lane) * row_cells_;
    Real* rewards = rewards_.get() + size(lane) * reward_cells_;
    Real* start = start_.get() + lane * stride(block_.start_row);
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      write_thresholds(task.probability + pair * shape.outcomes, shape.outcomes, block_.row,
                       thresholds + pair * stride(block_.row));
    }
    write_thresholds(task.start, shape.states, block_.start_row, start);
    block_.single_start[lane] = only_state(task.start);
    if (shape.dense) {
      for (std::int64_t pair = 0; pair < shape.pairs(); ++pair)
        rewards[pair] = without_minus_zero(task.reward[pair]);
      std::uint8_t* terminal = terminal_.get() + lane * shape.states;
      std::copy_n(task.terminated, shape.states, terminal);
      block_.any_terminal |=
          std::any_of(terminal, terminal + shape.states, [](std::uint8_t t) { return t != 0; });
      return;
    }
    std::int32_t* successors = successors_.get() + size(lane) * reward_cells_;
    for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
      for (std::int64_t k = 0; k < shape.outcomes; ++k) {
        const std::int64_t from = pair * shape.outcomes + k;
        const std::int64_t to = pair * block_.row.fine + k;
        rewards[to] = without_minus_zero(task.reward[from]);
        successors[to] = task.terminated[from] ? ~task.next_state[from] : task.next_state[from];
      }
    }
  }

  // With rewards free of -0 no result depends on the sign of a zero, which a maximum leaves open.
  static Real without_minus_zero(double reward) { return static_cast<Real>(reward) + Real{0}; }

  // The start state when there is but one, else -1.
  std::int32_t only_state(const double* start) const {
    const double* end = start + block_.states;
    const double* first = std::find_if(start, end, [](double p) { return p > 0.0; });
    const bool alone = std::all_of(first + 1, end, [](double p) { return p == 0.0; });
    return alone ? static_cast<std::int32_t>(first - start) : -1;
  }

  void write_table(int lane, std::int64_t index) {
    const Shape& shape = batch_.shape();
    Real* q = q_table_.get() + size(lane) * q_cells_;
    const Real* initial = arrays_.initial_table + (arrays_.initial_per_task ? index * shape.pairs() : 0);
    for (std::int64_t s = 0; s < shape.states; ++s) {
      Real* row = q + s * block_.q_stride;
      std::copy_n(initial + s * shape.actions, shape.actions, row);
      std::fill(row + shape.actions, row + block_.q_stride, -std::numeric_limits<Real>::infinity());
    }
    if (visits_) {
      std::fill_n(visits_.get() + size(lane) * q_cells_, q_cells_, 0u);
    }
  }

  void set_stream(int lane, std::int64_t index) {
    const Stream stream = make_stream(schedule_.key, batch_.ids()[index], Purpose::learning);
    for (int word = 0; word < 4; ++word) block_.rng[word][lane] = stream.s[word];
  }

  LaneOutputs<Real> outputs(std::int64_t index) const {
    const Shape& shape = batch_.shape();
    LaneOutputs<Real> out{};
    if (arrays_.returns) out.returns = arrays_.returns + index * schedule_.num_episodes;
    if (arrays_.q_table) out.q_table = arrays_.q_table + index * shape.pairs();
    if (arrays_.policy) out.policy = arrays_.policy + index * shape.states;
    if (arrays_.snapshots) out.snapshots = arrays_.snapshots + index * arrays_.num_snapshots * shape.pairs();
    return out;
  }

  const TaskBatch& batch_;
  const Schedule& schedule_;
  const TrainArrays<Real>& arrays_;
  const Kernels& kernels_;
  TaskBuffer buffer_;
  Block<Real> block_{};
  std::size_t row_cells_, reward_cells_, q_cells_;
  AlignedArray<Real> thresholds_, rewards_, start_, q_table_, tiles_;
  AlignedArray<std::int32_t> successors_;
  AlignedArray<std::uint8_t> terminal_;
  AlignedArray<std::uint32_t> visits_;
};

void check(const Learner& learner, const Schedule& schedule) {
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
  for (std::int64_t e = 0; !learner.uniform_behaviour && e < schedule.num_episodes; ++e) {
    require(learner.epsilon[e] >= 0.0 && learner.epsilon[e] <= 1.0, "epsilon", learner.epsilon[e], "0 to 1");
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
  check(learner, schedule);
  kernels();  // an unusable METARL_FAST_ISA is reported before any thread starts
  for_each_block(batch.size(), kLanes, options,
                 [&] { return TrainWorker<Real>(batch, learner, schedule, arrays); });
}

template void train<float>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<float>&,
                           const RunOptions&);
template void train<double>(const TaskBatch&, const Learner&, const Schedule&, const TrainArrays<double>&,
                            const RunOptions&);

void solve(const TaskBatch& batch, const Criterion& criterion, const SolveArrays& out,
           const RunOptions& options) {
  check(criterion);
  const Shape& shape = batch.shape();
  for_each_block(batch.size(), 1, options, [&] {
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
  for_each_block(batch.size(), 1, options, [&] {
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
  for_each_block(batch.size(), kLanes, options, [&] {
    return [&, buffer = TaskBuffer(shape)](std::int64_t block, Pulse& pulse) mutable {
      const std::int64_t end = std::min(batch.size(), (block + 1) * kLanes);
      for (std::int64_t i = block * kLanes; i < end && !pulse.stop_requested(); ++i) {
        const TaskView task = batch.load(i, buffer);
        const std::int64_t entries = shape.probabilities();
        if (out.probability) std::copy_n(task.probability, entries, out.probability + i * entries);
        if (out.next_state) std::copy_n(task.next_state, entries, out.next_state + i * entries);
        if (out.reward) std::copy_n(task.reward, shape.rewards(), out.reward + i * shape.rewards());
        if (out.terminated) {
          std::copy_n(task.terminated, shape.terminations(), out.terminated + i * shape.terminations());
        }
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
