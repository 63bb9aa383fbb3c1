// SPDX-License-Identifier: MIT
// Mazes whose walls are known by formula: each room joins the one above it or the one to its left, by a coin
// of its own (Buck, "Mazes for Programmers", 2015, chapter 2: the binary tree algorithm).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../interrupt.hpp"
#include "../rng.hpp"
#include "grid.hpp"

namespace metarl_fast {

// Rooms lie in every second row and column. In the first row all join to the left, in the first column all
// join upwards: so from each there is exactly one way to the first room.
class BinaryTree {
 public:
  BinaryTree(const Grid& grid, const IndexKey& key) : width_(grid.width), key_(key) {}

  // Whether there is a wall.
  bool operator[](std::size_t cell) const {
    const std::int64_t row = static_cast<std::int64_t>(cell) / width_;
    const std::int64_t column = static_cast<std::int64_t>(cell) % width_;
    if (row % 2 == 0 && column % 2 == 0) return false;
    if (row % 2 != 0 && column % 2 != 0) return true;
    return row % 2 != 0 ? !joins_upwards(row + 1, column) : joins_upwards(row, column + 1);
  }

 private:
  bool joins_upwards(std::int64_t row, std::int64_t column) const {
    if (row == 0) return false;
    if (column == 0) return true;
    return indexed(key_, static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column)) >> 31;
  }

  std::int64_t width_;
  IndexKey key_;
};

inline CellMarks marks_of(const BinaryTree& walls, const Grid& grid, Meter& meter) {
  CellMarks found(static_cast<std::size_t>(grid.cells()));
  meter.count(grid.cells());
  for (std::size_t cell = 0; cell < found.size(); ++cell) found[cell] = walls[cell];
  return found;
}

}  // namespace metarl_fast
