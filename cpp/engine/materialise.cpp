// SPDX-License-Identifier: MIT
// Writing tasks out.
#include "../engine.hpp"

#include <algorithm>

#include "../kernel/kernel.hpp"
#include "../parallel.hpp"

namespace metarl_fast {
namespace {

// Copies one task's array, if it is wanted, to its place among those of all tasks.
template <class T>
void copy_out(const T* from, std::int64_t entries, std::int64_t task, T* all, Meter& meter) {
  constexpr std::int64_t kAtOnce = 1 << 16;
  for (std::int64_t begin = 0; all != nullptr && begin < entries; begin += kAtOnce) {
    const std::int64_t some = std::min(kAtOnce, entries - begin);
    meter.count(some);
    std::copy_n(from + begin, some, all + task * entries + begin);
  }
}

}  // namespace

void materialise(const TaskBatch& batch, const MaterialiseArrays& out, const RunOptions& options) {
  const Shape& shape = batch.shape();
  const bool rows = !batch.uniform_law() || out.probability || out.scale;
  const double work = rows ? static_cast<double>(shape.probabilities()) : static_cast<double>(shape.pairs());
  for_each_block(batch.size(), kLanes, work, options, [&] {
    return [&, buffer = TaskBuffer(shape, rows)](std::int64_t block, Pulse& pulse) mutable {
      const Interrupt interrupt = pulse.interrupt();
      Meter meter(interrupt);
      const std::int64_t end = std::min(batch.size(), (block + 1) * kLanes);
      for (std::int64_t i = block * kLanes; i < end; ++i) {
        const TaskView task = batch.load(i, buffer, interrupt);
        copy_out(task.probability, shape.probabilities(), i, out.probability, meter);
        copy_out(task.next_state, shape.probabilities(), i, out.next_state, meter);
        copy_out(task.reward, shape.rewards(), i, out.reward, meter);
        copy_out(task.terminated, shape.terminations(), i, out.terminated, meter);
        copy_out(task.terminal, shape.states, i, out.terminal, meter);
        copy_out(task.start, shape.states, i, out.start, meter);
        copy_out(task.scale, shape.pairs(), i, out.scale, meter);
        if (out.reward_noise) out.reward_noise[i] = task.reward_noise;
      }
      return end - block * kLanes;
    };
  });
}

}  // namespace metarl_fast
