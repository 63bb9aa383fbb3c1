// SPDX-License-Identifier: MIT
// Cells of a grid, row by row from the top left: moves, and how far cells are apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../interrupt.hpp"

namespace metarl_fast {

using CellMarks = std::vector<std::uint8_t>;  // [S]

struct Grid {
  static constexpr std::int64_t kActions = 4;  // up, right, down, left

  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t cells() const { return height * width; }

  // The cell entered from `cell`; blocked cells and the border leave one where one is.
  std::int64_t move(std::int64_t cell, std::int64_t action, const CellMarks& blocked) const {
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
};

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
