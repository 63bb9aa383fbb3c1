// SPDX-License-Identifier: MIT
// What steps on a grid lead to: slips, wind, and what is paid for the cell in which a step ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "grid.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

enum class SlipTo { sides, others };

// Where a slip leads to: evenly to both sides, or to all directions but the one meant.
struct Slip {
  double probability = 0.0;
  SlipTo to = SlipTo::sides;

  std::int64_t outcomes() const { return probability == 0.0 ? 1 : to == SlipTo::sides ? 3 : 4; }
  // Quarter turns to the right of the action, and how likely they are.
  std::int64_t turn(std::int64_t k) const { return to == SlipTo::sides && k == 2 ? 3 : k; }
  double share(std::int64_t k) const {
    return k == 0 ? 1.0 - probability : probability / static_cast<double>(outcomes() - 1);
  }
};

// Fields say what is alike in all tasks, or empty where there is none of it.
struct GridMoves {
  Grid grid;
  Slip slip;
  std::vector<std::int64_t> wind;  // [width], by how many cells it blows up from each column

  // The cell in which a step ends; the wind is that of the column which it leaves.
  template <class Blocked>
  std::int64_t target(std::int64_t cell, std::int64_t direction, const Blocked& blocked) const {
    std::int64_t found = grid.move(cell, direction % Grid::kActions, blocked);
    const std::int64_t strength = wind.empty() ? 0 : wind[static_cast<std::size_t>(cell % grid.width)];
    for (std::int64_t k = 0; k < strength; ++k) found = grid.move(found, 0, blocked);
    return found;
  }
};

// What an action in a cell leads to: `add(probability, cell, stays, ends)` for each outcome, which may end
// the episode. Cells that are blocked or end it lead to themselves.
template <class Blocked, class Ends, class Add>
void for_each_move(const GridMoves& moves, std::int64_t cell, std::int64_t action, const Blocked& blocked,
                   const Ends& ends, const Add& add) {
  const auto place = static_cast<std::size_t>(cell);
  const bool absorbing = blocked[place] || ends[place];
  for (std::int64_t k = 0; k < moves.slip.outcomes(); ++k) {
    const std::int64_t found = absorbing ? cell : moves.target(cell, action + moves.slip.turn(k), blocked);
    add(moves.slip.share(k), found, absorbing, absorbing || ends[static_cast<std::size_t>(found)]);
  }
}

// Writes the outcomes of all cells that are states. `state_of` is the number [cells] of a cell's state, or
// negative; `reward` is what a step that ends in a cell pays, and `ends` whether it ends the episode, too.
// Cells that are blocked or end it are terminal.
template <class Reward>
void write_moves(const GridMoves& moves, const CellMarks& blocked, const CellMarks& ends,
                 const std::vector<std::int64_t>& state_of, const Reward& reward, OutcomeWriter& out) {
  for (std::int64_t cell = 0; cell < moves.grid.cells(); ++cell) {
    const auto place = static_cast<std::size_t>(cell);
    if (state_of[place] < 0) continue;
    if (blocked[place] || ends[place]) out.terminal(state_of[place]);
    for (std::int64_t action = 0; action < Grid::kActions; ++action) {
      out.begin(state_of[place], action);
      for_each_move(moves, cell, action, blocked, ends,
                    [&](double probability, std::int64_t found, bool stays, bool ended) {
                      out.add(probability, state_of[static_cast<std::size_t>(found)],
                              stays ? 0.0 : reward(found), ended);
                    });
    }
  }
}

// Every cell is a state.
inline std::vector<std::int64_t> all_cells(const Grid& grid) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(grid.cells()));
  for (std::size_t cell = 0; cell < numbers.size(); ++cell) numbers[cell] = static_cast<std::int64_t>(cell);
  return numbers;
}

// Cells that are not blocked are states, row by row.
inline std::vector<std::int64_t> free_cells(const CellMarks& blocked) {
  std::vector<std::int64_t> numbers(blocked.size(), -1);
  std::int64_t count = 0;
  for (std::size_t cell = 0; cell < blocked.size(); ++cell) {
    if (!blocked[cell]) numbers[cell] = count++;
  }
  return numbers;
}

}  // namespace metarl_fast
