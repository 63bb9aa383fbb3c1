// SPDX-License-Identifier: MIT
// Writing tasks out.
#include "../engine.hpp"

#include <algorithm>

#include "../kernel/kernel.hpp"
#include "../parallel.hpp"

namespace metarl_fast {

void materialise(const TaskBatch& batch, const MaterialiseArrays& out, const RunOptions& options) {
  const Shape& shape = batch.shape();
  const bool rows = !batch.uniform_law() || out.probability || out.scale;
  const double work = rows ? static_cast<double>(shape.probabilities()) : static_cast<double>(shape.pairs());
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
        if (out.terminal) std::copy_n(task.terminal, shape.states, out.terminal + i * shape.states);
        if (out.reward_noise) out.reward_noise[i] = task.reward_noise;
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
