// SPDX-License-Identifier: MIT
// Streets between the intersections of a grid: the plan of a road, closures that cut nobody off, and traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../interrupt.hpp"
#include "../rng.hpp"
#include "grid.hpp"

namespace metarl_fast {

enum class Road { town, ring, motorway };
constexpr std::int64_t kRoads = 3;
constexpr std::int64_t kExitEvery = 3;  // columns between two exits of a motorway

enum Heading : std::int64_t { kNorth, kEast, kSouth, kWest };

struct Street {
  std::int64_t from = 0;         // an intersection
  std::int64_t heading = kEast;  // kEast or kSouth, to the next one
  bool fast = false;
  bool open = true;
  bool busy = false;
};

class Streets {
 public:
  Streets(const Grid& grid, Road road)
      : grid_(grid), place_(static_cast<std::size_t>(grid.cells() * Grid::kActions), -1) {
    for (std::int64_t cell = 0; cell < grid.cells(); ++cell) {
      if (cell % grid.width + 1 < grid.width) plan(road, cell, kEast);
      if (cell / grid.width + 1 < grid.height) plan(road, cell, kSouth);
    }
  }

  std::int64_t beyond(std::int64_t cell, std::int64_t heading) const {
    const std::int64_t step[Grid::kActions] = {-grid_.width, 1, grid_.width, -1};
    return cell + step[heading];
  }

  // The street that leaves the intersection, or null if there is none that is open.
  const Street* at(std::int64_t cell, std::int64_t heading) const {
    const std::int64_t place = place_[static_cast<std::size_t>(cell * Grid::kActions + heading)];
    if (place < 0 || !streets_[static_cast<std::size_t>(place)].open) return nullptr;
    return &streets_[static_cast<std::size_t>(place)];
  }

  // Closes the fraction of the streets, rounded up or down at random, in random order; one that would cut off
  // a part of the town stays open, so that there may be fewer.
  void close(double fraction, Stream& stream, Meter& meter) {
    std::vector<std::size_t> order(streets_.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    const auto wanted =
        static_cast<std::size_t>(fraction * static_cast<double>(order.size()) + unit(next(stream), double{}));
    std::size_t closed = 0;
    for (std::size_t k = 0; k < order.size() && closed < wanted; ++k) {
      const std::size_t left = order.size() - k;
      std::swap(order[k], order[k + below(next(stream), static_cast<std::uint32_t>(left))]);
      Street& street = streets_[order[k]];
      street.open = false;
      const bool leaves_a_way = joined(street.from, beyond(street.from, street.heading), meter);
      street.open = !leaves_a_way;
      closed += leaves_a_way ? 1 : 0;
    }
  }

  // Makes each street busy with the probability, open or not.
  void fill(double probability, Stream& stream) {
    for (Street& street : streets_) street.busy = unit(next(stream), double{}) < probability;
  }

 private:
  void plan(Road road, std::int64_t cell, std::int64_t heading) {
    const std::int64_t row = cell / grid_.width;
    const std::int64_t column = cell % grid_.width;
    const bool along = heading == kEast;
    bool fast = false;
    if (road == Road::ring) {
      fast = along ? row == 0 || row + 1 == grid_.height : column == 0 || column + 1 == grid_.width;
      if (along && !fast) return;
    }
    if (road == Road::motorway) {
      const std::int64_t middle = grid_.height / 2;
      fast = along && row == middle;
      const bool meets = !along && (row == middle || row + 1 == middle);
      if (meets && column % kExitEvery != 0) return;
    }
    const std::int64_t back = (heading + 2) % Grid::kActions;
    const auto place = static_cast<std::int64_t>(streets_.size());
    place_[static_cast<std::size_t>(cell * Grid::kActions + heading)] = place;
    place_[static_cast<std::size_t>(beyond(cell, heading) * Grid::kActions + back)] = place;
    streets_.push_back({cell, heading, fast});
  }

  bool joined(std::int64_t from, std::int64_t to, Meter& meter) const {
    CellMarks seen(static_cast<std::size_t>(grid_.cells()), 0);
    std::vector<std::int64_t> waiting{from};
    seen[static_cast<std::size_t>(from)] = 1;
    while (!waiting.empty()) {
      meter.count(Grid::kActions);
      const std::int64_t cell = waiting.back();
      waiting.pop_back();
      if (cell == to) return true;
      for (std::int64_t heading = 0; heading < Grid::kActions; ++heading) {
        if (at(cell, heading) == nullptr) continue;
        std::uint8_t& mark = seen[static_cast<std::size_t>(beyond(cell, heading))];
        if (!mark) waiting.push_back(beyond(cell, heading));
        mark = 1;
      }
    }
    return false;
  }

  Grid grid_;
  std::vector<Street> streets_;
  std::vector<std::int64_t> place_;  // [cells][4], of the street that leaves there, or -1
};

}  // namespace metarl_fast
