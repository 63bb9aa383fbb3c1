// SPDX-License-Identifier: MIT
// The random numbers of one task's learning: a function of the schedule's key, the task's id and the run.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../rng.hpp"
#include "../training.hpp"

namespace metarl_fast {

// The first run has the key itself; the others have keys that Philox makes of it and of the run, under a
// counter that no stream has.
inline std::uint64_t key_of_run(std::uint64_t key, std::int64_t run) {
  if (run == 0) return key;
  const Philox4x32 counter{{static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run >> 32), 0, ~0u}};
  const Philox4x32 block =
      philox4x32(counter, static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32));
  return std::uint64_t{block.word[1]} << 32 | block.word[0];
}

inline Stream learning_stream(const Schedule& schedule, const TaskBatch& batch, std::int64_t index) {
  const std::uint64_t key = key_of_run(schedule.key, index % schedule.num_runs);
  return make_stream(key, batch.ids()[index], Purpose::learning);
}

}  // namespace metarl_fast
