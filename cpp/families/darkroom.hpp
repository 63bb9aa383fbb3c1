// SPDX-License-Identifier: MIT
// Dark rooms: a grid without walls in which each task pays for being in another cell.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "cell_law.hpp"
#include "family.hpp"
#include "grid.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

class Darkroom final : public Family {
 public:
  static constexpr const char* kName = "Darkroom";

  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::int64_t> goals;      // cells a goal may lie in
  std::vector<double> goal_cumulative;  // their cumulative probabilities
  std::vector<std::int64_t> orders;     // [P][5], what each action does: a task takes one of the P evenly
  std::int64_t start = 0;               // a cell, or kAnywhere
  double goal_reward = 1.0;             // of a step that ends in the goal
  double away_reward = 0.0;             // of any other
  std::int64_t goal_ends = 0;           // 1: a step that ends in the goal ends the episode

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("height", family.height, between(1, 1 << 14));
    visit("width", family.width, between(1, 1 << 14));
    visit("goals", family.goals, at_least(0));
    visit("goal_cumulative", family.goal_cumulative, between(0, 1));
    visit("orders", family.orders, between(0, Grid::kActionsAndStaying - 1));
    visit("start", family.start, at_least(kAnywhere));
    visit("goal_reward", family.goal_reward, finite());
    visit("away_reward", family.away_reward, finite());
    visit("goal_ends", family.goal_ends, between(0, 1));
  }

  void check() const override;
  Shape shape() const override { return {grid().cells(), Grid::kActionsAndStaying, 1, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  Grid grid() const { return {height, width}; }
};

inline void Darkroom::check() const {
  check_parameters(*this);
  check_cell_law(goals, goal_cumulative, grid().cells());
  require(start < grid().cells(), "start", static_cast<double>(start), "a cell, or -1");
  require(!orders.empty() && orders.size() % Grid::kActionsAndStaying == 0, "the length of orders",
          static_cast<double>(orders.size()), "one action after the other of one order or more");
}

inline void Darkroom::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const std::int64_t goal = draw_cell(goals, goal_cumulative, stream);
  const auto choices = static_cast<std::uint32_t>(orders.size() / Grid::kActionsAndStaying);
  const std::int64_t* order = &orders[below(next(stream), choices) * Grid::kActionsAndStaying];

  OutcomeWriter out(shape(), task, meter);
  const CellMarks no_walls(static_cast<std::size_t>(grid().cells()), 0);
  for (std::int64_t cell = 0; cell < grid().cells(); ++cell) {
    for (std::int64_t action = 0; action < Grid::kActionsAndStaying; ++action) {
      const std::int64_t target = grid().move_or_stay(cell, order[action], no_walls);
      out.begin(cell, action);
      out.add(1.0, target, target == goal ? goal_reward : away_reward, goal_ends == 1 && target == goal);
    }
  }
  start_in(grid(), start, out);
}

}  // namespace metarl_fast
