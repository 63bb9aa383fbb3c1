// SPDX-License-Identifier: MIT
// Cutting pieces out of lifetimes, one after the other: copies, best actions looked up, episodes counted.
#include "../contexts.hpp"

#include <algorithm>
#include <cstring>

#include "../parallel.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

// Pieces lie anywhere in a history that is larger than a cache: what comes next is asked for in time.
void prefetch_steps(const ContextArrays& cut, std::int64_t piece) {
#if defined(__GNUC__)
  constexpr std::int64_t kLine = 64, kMostBytes = 1024;  // further on, the processor sees where it goes
  for (const Column& column : cut.columns) {
    const std::byte* from = column.from + cut.task[piece] * column.row + cut.start[piece] * column.item;
    const std::int64_t bytes = std::min(kMostBytes, cut.length[piece] * column.item);
    for (std::int64_t k = 0; k < bytes; k += kLine) __builtin_prefetch(from + k);
  }
#endif
}

void copy_steps(const ContextArrays& cut, std::int64_t piece) {
  for (const Column& column : cut.columns) {
    const std::byte* from = column.from + cut.task[piece] * column.row + cut.start[piece] * column.item;
    std::byte* to = column.to + piece * cut.steps * column.item;
    const std::int64_t bytes = cut.length[piece] * column.item;
    std::memcpy(to, from, size(bytes));
    std::memset(to + bytes, 0, size(cut.steps * column.item - bytes));
  }
}

void look_up_actions(const ContextArrays& cut, std::int64_t piece) {
  with_type(cut.state, [&](const auto* states) {
    with_type(cut.best, [&](const auto* best) {
      const auto* state = states + piece * cut.steps;
      const auto* row = best + cut.task[piece] * cut.states;
      auto* out =
          static_cast<std::remove_const_t<std::remove_pointer_t<decltype(best)>>*>(cut.optimal_action.array) +
          piece * cut.steps;
      const std::int64_t length = cut.length[piece];
      std::int64_t k = 0;
      for (; k + 8 <= length; k += 8) {  // eight looks that do not wait for each other
        for (std::int64_t j = k; j < k + 8; ++j) out[j] = row[state[j]];
      }
      for (; k < length; ++k) out[k] = row[state[k]];
      std::fill(out + length, out + cut.steps, decltype(+*out){0});
    });
  });
}

// Writes to out[k .. next), and where there is room before `end` a few further: what follows overwrites them.
// Short stretches are then a few whole registers, without a loop for what is left over.
void fill_forward(std::int32_t* out, std::int64_t k, std::int64_t next, std::int64_t end,
                  std::int32_t number) {
  constexpr std::int64_t kAtOnce = 8;
  for (; k < next && k + kAtOnce <= end; k += kAtOnce) std::fill_n(out + k, kAtOnce, number);
  for (; k < next; ++k) out[k] = number;
}

void count_episodes(const ContextArrays& cut, std::int64_t piece) {
  const std::int64_t* first = cut.ends + cut.ends_before[cut.task[piece]];
  const std::int64_t* last = cut.ends + cut.ends_before[cut.task[piece] + 1];
  const std::int64_t begin = cut.task[piece] * cut.room + cut.start[piece];
  const std::int64_t* end = std::lower_bound(first, last, begin);  // of the first step's episode
  std::int32_t episode = cut.every * static_cast<std::int32_t>(end - first);
  std::int32_t* out = cut.episode + piece * cut.steps;
  std::int64_t k = 0;
  while (k < cut.length[piece]) {
    const std::int64_t next = end == last ? cut.length[piece] : std::min(cut.length[piece], *end - begin + 1);
    fill_forward(out, k, next, cut.steps, episode);
    k = next;
    episode += cut.every;
    ++end;
  }
  std::fill(out + k, out + cut.steps, 0);
}

// Calls use(k) for each step of a task that ended an episode.
template <class Use>
void for_each_ending(const Endings& of, std::int64_t task, const Use& use) {
  const std::uint8_t* terminated = of.terminated + task * of.terminated_row;
  const std::uint8_t* truncated = of.truncated + task * of.truncated_row;
  const std::int64_t length = of.length[task];
  constexpr std::int64_t kWord = sizeof(std::uint64_t);  // most of which say that nothing ended
  std::int64_t k = 0;
  const auto one_by_one = [&](std::int64_t to) {
    for (; k < to; ++k) {
      if (terminated[k] | truncated[k]) use(k);
    }
  };
  while (k + kWord <= length) {
    std::uint64_t words[2];
    std::memcpy(&words[0], terminated + k, sizeof words[0]);
    std::memcpy(&words[1], truncated + k, sizeof words[1]);
    if (words[0] | words[1]) {
      one_by_one(k + kWord);
    } else {
      k += kWord;
    }
  }
  one_by_one(length);
}

template <class Use>
void for_each_task(const Endings& of, const RunOptions& options, const Use& use) {
  for_each_block(of.tasks, 1, 0.5 * static_cast<double>(of.room), options, [&] {
    return [&](std::int64_t task, Pulse&) {
      use(task);
      return std::int64_t{1};
    };
  });
}

void mark(const ContextArrays& cut, std::int64_t piece) {
  bool* mask = cut.mask + piece * cut.steps;
  std::fill_n(mask, cut.length[piece], true);
  std::fill(mask + cut.length[piece], mask + cut.steps, false);
}

}  // namespace

void count_endings(const Endings& of, std::int64_t* count, const RunOptions& options) {
  for_each_task(of, options, [&](std::int64_t task) {
    std::int64_t found = 0;
    for_each_ending(of, task, [&](std::int64_t) { ++found; });
    count[task] = found;
  });
}

void write_endings(const Endings& of, const std::int64_t* before, std::int64_t* ends,
                   const RunOptions& options) {
  for_each_task(of, options, [&](std::int64_t task) {
    std::int64_t* to = ends + before[task];
    for_each_ending(of, task, [&](std::int64_t k) { *to++ = task * of.room + k; });
  });
}

void cut_contexts(const ContextArrays& cut, const RunOptions& options) {
  constexpr std::int64_t kStepsPerBlock = 4096;
  const std::int64_t at_once =
      std::max<std::int64_t>(1, kStepsPerBlock / std::max<std::int64_t>(1, cut.steps));
  for_each_block(cut.pieces, at_once, 3.0 * static_cast<double>(cut.steps), options, [&] {
    return [&](std::int64_t block, Pulse& pulse) {
      const std::int64_t first = block * at_once;
      const std::int64_t behind = std::min(cut.pieces, first + at_once);
      for (std::int64_t piece = first; piece < behind && !pulse.stop_requested(); ++piece) {
        if (piece + 1 < behind) prefetch_steps(cut, piece + 1);
        copy_steps(cut, piece);
        look_up_actions(cut, piece);
        count_episodes(cut, piece);
        mark(cut, piece);
      }
      return behind - first;
    };
  });
}

}  // namespace metarl_fast
