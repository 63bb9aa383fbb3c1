// SPDX-License-Identifier: MIT
// Blocks of tasks on threads, rows of one task on threads, progress, cancellation: the only threads in the
// tree.
//
// The threads are our own and live as long as one call. OpenMP's would end the process when the system
// refuses one of them, run on stacks of whatever size the environment says, and leave a forked child without
// its pool. Here a thread that is refused is one thread fewer, stacks have a known size, and nothing is left
// behind. It costs about 20 microseconds a thread and call, less than waking a pool that has gone to sleep.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "engine.hpp"
#include "interrupt.hpp"
#include "row_loop.hpp"

namespace metarl_fast {

// What the threads of one call share.
class Run;

// One thread's handle on the run.
class Pulse {
 public:
  Pulse(Run& run, bool on_calling_thread) : run_(run), on_calling_thread_(on_calling_thread) {}

  bool stop_requested() const;
  Interrupt interrupt() {
    return {[](void* self) { return static_cast<Pulse*>(self)->stop_requested(); }, this};
  }
  // For the rows of the task in hand: threads that have no block of their own help.
  RowLoop row_loop() { return {&Pulse::share, this}; }

  // Sleeps until `ready()`, or throws Interrupted. Who makes it ready calls `wake_others`.
  void wait(const std::function<bool()>& ready) const;
  void wake_others() const;

 private:
  static void share(void* self, std::int64_t rows, std::int64_t rows_at_once, RowLoop::Body body,
                    const void* closure);

  Run& run_;
  bool on_calling_thread_;
};

// One thread's scratch and what it does with a block.
class BlockWorker {
 public:
  virtual ~BlockWorker() = default;
  virtual std::int64_t run(std::int64_t block, Pulse& pulse) = 0;  // returns the number of tasks done
};

struct Blocks {
  std::int64_t tasks;
  std::int64_t tasks_per_block;
  double work_per_task;      // in table entries read or written, about a nanosecond each
  bool shares_rows = false;  // more threads than there are blocks are of use, see Pulse::row_loop

  std::int64_t number() const { return (tasks + tasks_per_block - 1) / tasks_per_block; }
};

using MakeBlockWorker = std::function<std::unique_ptr<BlockWorker>()>;
void run_blocks(const Blocks&, const RunOptions&, const MakeBlockWorker&);

// Runs `worker(block, pulse)`, which returns the number of tasks it did, over all blocks. Each thread has its
// own worker from `make_worker()`, so scratch is allocated where it is used.
template <class MakeWorker>
void for_each_block(std::int64_t tasks, std::int64_t tasks_per_block, double work_per_task,
                    const RunOptions& options, const MakeWorker& make_worker, bool shares_rows = false) {
  struct Closure final : BlockWorker {
    explicit Closure(const MakeWorker& make) : work(make()) {}
    std::int64_t run(std::int64_t block, Pulse& pulse) override { return work(block, pulse); }
    decltype(make_worker()) work;
  };
  run_blocks({tasks, tasks_per_block, work_per_task, shares_rows}, options,
             [&make_worker] { return std::make_unique<Closure>(make_worker); });
}

}  // namespace metarl_fast
