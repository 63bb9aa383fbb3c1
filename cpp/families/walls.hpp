// SPDX-License-Identifier: MIT
// Random walls of a given density that leave a way to the goal.
//
// Of the m cells that may be walls, all that are free but start and goal, as many become walls as the density
// says: density * m, rounded up or down at random so that its mean is right. They are taken in random order;
// one that would cut the last way from start to goal is passed over. Where those passed over leave too few, a
// shortest way, drawn at random, is kept instead, and the first cells beside it become walls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../interrupt.hpp"
#include "../rng.hpp"
#include "grid.hpp"

namespace metarl_fast {

// Some way from start to goal, or from anywhere else to the goal. While a cell beside it becomes a wall
// nothing has to be searched.
class Way {
 public:
  Way(const Grid& grid, std::int64_t start, std::int64_t goal)
      : grid_(grid),
        start_(start),
        goal_(goal),
        on_way_(static_cast<std::size_t>(grid.cells()), 0),
        seen_(static_cast<std::size_t>(grid.cells()), 0),
        came_from_(static_cast<std::size_t>(grid.cells()), 0) {}

  bool has(std::int64_t cell) const { return on_way_[static_cast<std::size_t>(cell)] != 0; }

  // Looks for another; if there is none, the old one stays. Moves towards the start come first, the others
  // after all of those: nearly A*, so that a short way is found soon. Which one decides nothing but how long
  // later searches take.
  bool find(const CellMarks& blocked, Meter& meter) {
    ++search_;
    seen_[static_cast<std::size_t>(goal_)] = search_;
    std::vector<std::int64_t> first{goal_};
    std::vector<std::int64_t> later;
    while (!first.empty()) {
      meter.count(Grid::kActions);
      const std::int64_t cell = first.back();
      first.pop_back();
      if (start_ == kAnywhere ? cell != goal_ : cell == start_) {
        keep(cell);
        return true;
      }
      const std::int64_t down = start_ / grid_.width - cell / grid_.width;
      const std::int64_t right = start_ % grid_.width - cell % grid_.width;
      const bool nearer[Grid::kActions] = {down < 0, right > 0, down > 0, right < 0};
      for (std::int64_t action = 0; action < Grid::kActions; ++action) {
        const std::int64_t neighbour = grid_.move(cell, action, blocked);
        if (seen_[static_cast<std::size_t>(neighbour)] == search_) continue;
        seen_[static_cast<std::size_t>(neighbour)] = search_;
        came_from_[static_cast<std::size_t>(neighbour)] = cell;
        (nearer[action] ? first : later).push_back(neighbour);
      }
      if (first.empty()) first.swap(later);
    }
    return false;
  }

 private:
  void keep(std::int64_t cell) {
    for (const std::int64_t old : way_) on_way_[static_cast<std::size_t>(old)] = 0;
    way_.clear();
    for (; cell != goal_; cell = came_from_[static_cast<std::size_t>(cell)]) {
      on_way_[static_cast<std::size_t>(cell)] = 1;
      way_.push_back(cell);
    }
  }

  const Grid& grid_;
  std::int64_t start_;
  std::int64_t goal_;
  std::vector<std::int64_t> way_;
  CellMarks on_way_;
  std::int64_t search_ = 0;
  std::vector<std::int64_t> seen_;  // the last search that came by
  std::vector<std::int64_t> came_from_;
};

// The cells between start and goal of a shortest way: at each step evenly one of the cells that are nearer.
inline CellMarks draw_shortest_way(const Grid& grid, const CellMarks& walls, std::int64_t start,
                                   std::int64_t goal, Stream& stream, Meter& meter) {
  const std::vector<std::int32_t> left = distances(grid, goal, walls, meter);
  CellMarks on_way(walls.size(), 0);
  for (std::int64_t cell = start; left[static_cast<std::size_t>(cell)] > 1;) {
    std::int64_t nearer[Grid::kActions];
    std::uint32_t count = 0;
    for (std::int64_t action = 0; action < Grid::kActions; ++action) {
      const std::int64_t target = grid.move(cell, action, walls);
      if (left[static_cast<std::size_t>(target)] < left[static_cast<std::size_t>(cell)]) {
        nearer[count++] = target;
      }
    }
    cell = nearer[below(next(stream), count)];
    on_way[static_cast<std::size_t>(cell)] = 1;
  }
  return on_way;
}

// `walls`, which are there in any case, and random ones.
inline CellMarks draw_walls(const Grid& grid, const CellMarks& walls, double density, std::int64_t start,
                            std::int64_t goal, Stream& stream, Meter& meter) {
  meter.count(grid.cells());
  std::vector<std::int64_t> order;
  for (std::int64_t cell = 0; cell < grid.cells(); ++cell) {
    if (!walls[static_cast<std::size_t>(cell)] && cell != start && cell != goal) order.push_back(cell);
  }
  const auto wanted =
      static_cast<std::size_t>(density * static_cast<double>(order.size()) + unit(next(stream), double{}));
  CellMarks blocked = walls;
  Way way(grid, start, goal);
  way.find(blocked, meter);
  std::size_t built = 0;
  for (std::size_t k = 0; k < order.size() && built < wanted; ++k) {
    meter.count(1);
    std::swap(order[k], order[k + below(next(stream), static_cast<std::uint32_t>(order.size() - k))]);
    std::uint8_t& cell = blocked[static_cast<std::size_t>(order[k])];
    cell = 1;
    const bool cuts = way.has(order[k]) && !way.find(blocked, meter);
    cuts ? cell = 0 : ++built;
  }
  if (built == wanted || start == kAnywhere) return blocked;

  const CellMarks open = draw_shortest_way(grid, walls, start, goal, stream, meter);
  blocked = walls;
  built = 0;
  for (const std::int64_t cell : order) {
    if (built == wanted) break;
    if (open[static_cast<std::size_t>(cell)]) continue;
    blocked[static_cast<std::size_t>(cell)] = 1;
    ++built;
  }
  return blocked;
}

}  // namespace metarl_fast
