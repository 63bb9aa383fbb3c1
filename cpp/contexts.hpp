// SPDX-License-Identifier: MIT
// Pieces of lifetimes, cut out of what runs recorded: steps of a learner from some step on, side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine.hpp"
#include "history.hpp"

namespace metarl_fast {

// An array of a history and that of its pieces, whatever their numbers are.
struct Column {
  const std::byte* from;  // [tasks][...]
  std::int64_t row;       // bytes from one task to the next
  std::byte* to;          // [pieces][steps]
  std::int64_t item;      // bytes of one number
};

// Which steps of each task ended an episode.
struct Endings {
  std::int64_t tasks = 0, room = 0;
  const std::uint8_t* terminated = nullptr;  // [tasks], so many bytes from one task to the next
  const std::uint8_t* truncated = nullptr;   // the same
  std::int64_t terminated_row = 0, truncated_row = 0;
  const std::int64_t* length = nullptr;  // [tasks] how many steps there were
};

// How many there are of each task [tasks].
void count_endings(const Endings&, std::int64_t* count, const RunOptions&);

// Their places in [tasks][room], one task's after the other's: those of task k from ends + before[k] on.
void write_endings(const Endings&, const std::int64_t* before, std::int64_t* ends, const RunOptions&);

// Zeros stand behind a piece that is shorter than `steps`.
struct ContextArrays {
  std::int64_t pieces = 0, steps = 0;
  const std::int64_t* task = nullptr;    // [pieces] of which each is,
  const std::int64_t* start = nullptr;   // [pieces] where it begins,
  const std::int64_t* length = nullptr;  // [pieces] and how long it is, at most `steps`
  std::vector<Column> columns;           // what is copied, the states among it:
  Numbers state;                         // [pieces][steps]
  // The best actions are looked up in them.
  std::int64_t states = 0;  // S
  Numbers best;             // [tasks][S]
  Numbers optimal_action;   // [pieces][steps], of the same type
  // Episodes are counted by the steps that end one: places in [tasks][room], one task's after the other's.
  const std::int64_t* ends = nullptr;
  const std::int64_t* ends_before = nullptr;  // [tasks + 1] how many are those of the tasks before each
  std::int64_t room = 0;
  std::int32_t every = 1;           // the history holds every so many-th episode
  std::int32_t* episode = nullptr;  // [pieces][steps]
  bool* mask = nullptr;             // [pieces][steps]
};

void cut_contexts(const ContextArrays&, const RunOptions&);

}  // namespace metarl_fast
