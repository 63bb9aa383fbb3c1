// SPDX-License-Identifier: MIT
// Sums over tasks that do not depend on which thread is done first, nor on where a batch was cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "parallel.hpp"

namespace metarl_fast {

// Tasks of a shard are added one after the other, and whoever wants the sum of all adds up the shards in
// order: work that was cut at multiples of this, by whomever, adds up to the same bits.
constexpr std::int64_t kTasksPerShard = 1024;

inline std::int64_t number_of_shards(std::int64_t tasks) {
  return (tasks + kTasksPerShard - 1) / kTasksPerShard;
}

// Rows [size] of numbers, one a run of a task, that come in blocks; summed into `sums` [shards][size]. A
// block that comes early is kept while that takes little memory; else its thread waits for its turn.
class OrderedSums {
 public:
  OrderedSums(double* sums, std::int64_t size, std::int64_t tasks_per_block, std::int64_t runs_per_task)
      : next_sum_(sums),
        size_(static_cast<std::size_t>(size)),
        blocks_per_shard_(kTasksPerShard * runs_per_task / tasks_per_block),
        rows_of_block_(static_cast<std::size_t>(tasks_per_block) * size_),
        shard_(size_) {}

  // `rows(task)` are the numbers of the block's tasks, 0 to tasks-1.
  template <class Rows>
  void add(std::int64_t block, std::int64_t tasks, const Rows& rows, const Pulse& pulse) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (block != next_block_ && (early_.size() + 1) * rows_of_block_ > kMostEarlyNumbers) {
      lock.unlock();
      pulse.wait([&] {
        const std::lock_guard<std::mutex> look(mutex_);
        return next_block_ == block;
      });
      lock.lock();
    }
    if (block != next_block_) {
      std::vector<double>& kept = early_[block];
      kept.reserve(static_cast<std::size_t>(tasks) * size_);
      for (std::int64_t task = 0; task < tasks; ++task)
        kept.insert(kept.end(), rows(task), rows(task) + size_);
      return;
    }
    for (std::int64_t task = 0; task < tasks; ++task) add_row(rows(task));
    end_block();
    for (auto next = early_.begin(); next != early_.end() && next->first == next_block_;
         next = early_.erase(next)) {
      for (std::size_t row = 0; row < next->second.size(); row += size_) add_row(next->second.data() + row);
      end_block();
    }
    lock.unlock();
    pulse.wake_others();
  }

  // When all blocks are in: the last shard may be a short one.
  void finish() {
    if (next_block_ % blocks_per_shard_ != 0) end_shard();
  }

 private:
  static constexpr std::size_t kMostEarlyNumbers = std::size_t{1} << 17;

  template <class Real>
  void add_row(const Real* row) {
    for (std::size_t e = 0; e < size_; ++e) shard_[e] += static_cast<double>(row[e]);
  }
  void end_block() {
    ++next_block_;
    if (next_block_ % blocks_per_shard_ == 0) end_shard();
  }
  void end_shard() {
    next_sum_ = std::copy(shard_.begin(), shard_.end(), next_sum_);
    std::fill(shard_.begin(), shard_.end(), 0.0);
  }

  double* next_sum_;
  const std::size_t size_;
  const std::int64_t blocks_per_shard_;
  const std::size_t rows_of_block_;
  std::mutex mutex_;
  std::int64_t next_block_ = 0;
  std::map<std::int64_t, std::vector<double>> early_;
  std::vector<double> shard_;
};

}  // namespace metarl_fast
