// SPDX-License-Identifier: MIT
// A family around another one whose tasks have segments in time, of so many episodes each. Or the batch
// itself is that time: segments are of so many tasks each, and task `id` is task 0 in segment id / every.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"

namespace metarl_fast {

enum class Along { episodes, tasks };
inline constexpr Word<Along> kAlong[] = {{"episodes", Along::episodes}, {"tasks", Along::tasks}};

class Changing : public Around {
 public:
  std::int64_t every = 1;     // episodes, or tasks, of a segment
  std::int64_t segment = -1;  // the one that stays, or -1 if time goes on
  Along along = Along::episodes;

  template <class Self, class Visitor>
  static void parameters(Self& changing, const Visitor& visit) {
    visit("family", changing.family);
    visit("every", changing.every, at_least(1));
    visit("segment", changing.segment, at_least(-1));
    visit("along", changing.along, kAlong);
  }

  std::int64_t episodes_per_segment() const override {
    return segment < 0 && along == Along::episodes ? every : 0;
  }

  void write(std::uint64_t key, std::uint64_t id, std::int64_t now, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    if (along == Along::episodes) return write_at(key, id, segment < 0 ? now : segment, task, interrupt);
    const std::uint64_t time = id / static_cast<std::uint64_t>(every);
    write_at(key, 0, segment < 0 ? static_cast<std::int64_t>(time) : segment, task, interrupt);
  }

 protected:
  // The task as it is in a segment of its time.
  virtual void write_at(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                        const Interrupt& interrupt) const = 0;

  void check_inside() const {
    family->check();
    require(family->episodes_per_segment() == 0, "a family's episodes per segment",
            static_cast<double>(family->episodes_per_segment()), "0, of tasks that do not change themselves");
  }
};

}  // namespace metarl_fast
