// SPDX-License-Identifier: MIT
// A law of cells: which there are, and their cumulative probabilities.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../rng.hpp"

namespace metarl_fast {

inline void check_cell_law(const std::vector<std::int64_t>& cells, const std::vector<double>& cumulative,
                           std::int64_t grid_cells) {
  require(!cells.empty(), "the number of goals", 0.0, "at least one");
  require(cumulative.size() == cells.size(), "the length of goal_cumulative",
          static_cast<double>(cumulative.size()), "that of goals");
  for (const std::int64_t cell : cells) {
    require(cell < grid_cells, "goal", static_cast<double>(cell), "a cell of the grid");
  }
}

inline std::int64_t draw_cell(const std::vector<std::int64_t>& cells, const std::vector<double>& cumulative,
                              Stream& stream) {
  const double u = unit(next(stream), double{});
  const auto chosen = std::upper_bound(cumulative.begin(), cumulative.end() - 1, u) - cumulative.begin();
  return cells[static_cast<std::size_t>(chosen)];
}

}  // namespace metarl_fast
