// SPDX-License-Identifier: MIT
// Cells of a grid, row by row from the top left: moves, and how far cells are apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

using CellMarks = std::vector<std::uint8_t>;  // [S]

struct Grid {
  static constexpr std::int64_t kActions = 4;            // up, right, down, left
  static constexpr std::int64_t kActionsAndStaying = 5;  // stay, up, right, down, left

  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t cells() const { return height * width; }

  // The cell entered from `cell`; blocked cells and the border leave one where one is.
  template <class Blocked>
  std::int64_t move(std::int64_t cell, std::int64_t action, const Blocked& blocked) const {
    std::int64_t target = cell;
    bool inside = false;
    switch (action) {
      case 0: inside = (target = cell - width) >= 0; break;
      case 1: inside = (target = cell + 1) % width > 0; break;
      case 2: inside = (target = cell + width) < cells(); break;
      default: target = cell - 1, inside = cell % width > 0; break;
    }
    if (!inside) return cell;
    return blocked[static_cast<std::size_t>(target)] ? cell : target;
  }

  // The same where action 0 stays, and those that move follow.
  std::int64_t move_or_stay(std::int64_t cell, std::int64_t action, const CellMarks& blocked) const {
    return action == 0 ? cell : move(cell, action - 1, blocked);
  }
};

constexpr std::int64_t kAnywhere = -1;  // a start that is not a cell

// Episodes begin in the cell, or evenly in all of the grid.
inline void start_in(const Grid& grid, std::int64_t start, OutcomeWriter& out) {
  if (start != kAnywhere) return out.start(start);
  const double probability = 1.0 / static_cast<double>(grid.cells());
  for (std::int64_t cell = 0; cell < grid.cells(); ++cell) out.start(cell, probability);
}

constexpr std::int32_t kOutOfReach = -1;

// The fewest moves [S] between `from` and each cell, or kOutOfReach. Moves can be taken back, so it is the
// same either way.
inline std::vector<std::int32_t> distances(const Grid& grid, std::int64_t from, const CellMarks& blocked,
                                           Meter& meter) {
  std::vector<std::int32_t> found(static_cast<std::size_t>(grid.cells()), kOutOfReach);
  std::vector<std::int64_t> queue{from};
  found[static_cast<std::size_t>(from)] = 0;
  for (std::size_t first = 0; first < queue.size(); ++first) {
    meter.count(Grid::kActions);
    const std::int64_t cell = queue[first];
    for (std::int64_t action = 0; action < Grid::kActions; ++action) {
      const std::int64_t neighbour = grid.move(cell, action, blocked);
      if (found[static_cast<std::size_t>(neighbour)] != kOutOfReach) continue;
      found[static_cast<std::size_t>(neighbour)] = found[static_cast<std::size_t>(cell)] + 1;
      queue.push_back(neighbour);
    }
  }
  return found;
}

}  // namespace metarl_fast
