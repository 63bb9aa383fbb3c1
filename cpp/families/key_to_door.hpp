// SPDX-License-Identifier: MIT
// Key to door: a dark room in which a key pays once, and after it a door, which ends the episode.
#pragma once

#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "grid.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

// States are cells without the key, then cells with it.
class KeyToDoor final : public Family {
 public:
  static constexpr const char* kName = "KeyToDoor";

  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::int64_t>
      pairs;               // key * cells + door, of which a task takes one evenly; none: all there are
  std::int64_t start = 0;  // a cell, or kAnywhere
  double key_reward = 1.0;
  double door_reward = 1.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("height", family.height, between(1, 1 << 14));
    visit("width", family.width, between(1, 1 << 14));
    visit("pairs", family.pairs, at_least(0));
    visit("start", family.start, at_least(kAnywhere));
    visit("key_reward", family.key_reward, finite());
    visit("door_reward", family.door_reward, finite());
  }

  void check() const override;
  Shape shape() const override { return {2 * grid().cells(), Grid::kActionsAndStaying, 1, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  Grid grid() const { return {height, width}; }
};

inline void KeyToDoor::check() const {
  check_parameters(*this);
  const std::int64_t cells = grid().cells();
  require(start < cells, "start", static_cast<double>(start), "a cell, or -1");
  for (const std::int64_t pair : pairs) {
    require(pair < cells * cells, "a pair", static_cast<double>(pair), "key * cells + door, both cells");
  }
}

inline void KeyToDoor::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                             const Interrupt& interrupt) const {
  Meter meter(interrupt);
  const std::int64_t cells = grid().cells();
  Stream stream = make_stream(key, id, Purpose::layout);
  const auto draw = [&stream](std::size_t n) { return below(next(stream), static_cast<std::uint32_t>(n)); };
  std::int64_t key_cell = 0;
  std::int64_t door = 0;
  if (pairs.empty()) {
    key_cell = draw(static_cast<std::size_t>(cells));
    door = draw(static_cast<std::size_t>(cells));
  } else {
    const std::int64_t pair = pairs[draw(pairs.size())];
    key_cell = pair / cells;
    door = pair % cells;
  }

  OutcomeWriter out(shape(), task, meter);
  const CellMarks no_walls(static_cast<std::size_t>(cells), 0);
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    for (std::int64_t action = 0; action < Grid::kActionsAndStaying; ++action) {
      const std::int64_t target = grid().move_or_stay(cell, action, no_walls);
      const bool found = target == key_cell;
      out.begin(cell, action);
      out.add(1.0, found ? cells + target : target, found ? key_reward : 0.0);
      const bool opened = target == door;
      out.begin(cells + cell, action);
      out.add(1.0, cells + target, opened ? door_reward : 0.0, opened);
    }
  }
  start_in(grid(), start, out);
}

}  // namespace metarl_fast
