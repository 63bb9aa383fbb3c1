// SPDX-License-Identifier: MIT
// Grids with a goal that differs from task to task: the family on which a learned table can help.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "cell_law.hpp"
#include "family.hpp"
#include "goal_formula.hpp"
#include "grid.hpp"
#include "grid_moves.hpp"
#include "outcomes.hpp"
#include "walls.hpp"

namespace metarl_fast {

class GoalGrid final : public Family {
 public:
  static constexpr const char* kName = "GoalGrid";

  // States are cells; actions are up, right, down, left.
  std::int64_t height = 0;
  std::int64_t width = 0;
  CellMarks walls;                      // [S], walls of every task
  double wall_density = 0.0;            // fraction of the other cells that are walls too
  double slip = 0.0;                    // probability of moving at a right angle to the action
  std::vector<std::int64_t> goals;      // cells a goal may lie in
  std::vector<double> goal_cumulative;  // their cumulative probabilities
  std::int64_t start = 0;               // a cell, or kAnywhere: uniform over cells that reach the goal
  double goal_reward = 1.0;
  double step_reward = 0.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("height", family.height, between(1, 1 << 15));
    visit("width", family.width, between(1, 1 << 15));
    visit("walls", family.walls, between(0, 1));
    visit("wall_density", family.wall_density, half_open(0, 1));
    visit("slip", family.slip, between(0, 1));
    visit("goals", family.goals, at_least(0));
    visit("goal_cumulative", family.goal_cumulative, between(0, 1));
    visit("start", family.start, at_least(kAnywhere));
    visit("goal_reward", family.goal_reward, finite());
    visit("step_reward", family.step_reward, finite());
  }

  void check() const override;
  Shape shape() const override { return {grid().cells(), Grid::kActions, Slip{slip}.outcomes(), false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
  // Walls that are drawn leave a way to the goal: what one is depends on all others.
  bool has_formula() const override { return wall_density == 0.0 && start != kAnywhere; }
  std::unique_ptr<TaskFormula> formula(std::uint64_t key, std::uint64_t id) const override {
    Stream stream = make_stream(key, id, Purpose::layout);
    const std::int64_t goal = draw_cell(goals, goal_cumulative, stream);
    return std::make_unique<GoalFormula<MarkedCells>>(GridMoves{grid(), {slip}, {}}, MarkedCells{walls},
                                                      GoalRewards{goal, goal_reward, step_reward}, start);
  }

 private:
  Grid grid() const { return {height, width}; }
  void check_wall_density() const;
  void write_start(const CellMarks& blocked, std::int64_t goal, OutcomeWriter& out, Meter& meter) const;
};

inline void GoalGrid::check() const {
  check_parameters(*this);
  const std::int64_t cells = grid().cells();
  require(static_cast<std::int64_t>(walls.size()) == cells, "the number of walls",
          static_cast<double>(walls.size()), "height * width");
  check_cell_law(goals, goal_cumulative, cells);
  for (const std::int64_t goal : goals) {
    require(!walls[static_cast<std::size_t>(goal)], "goal", static_cast<double>(goal),
            "a cell that is no wall");
  }
  require(start < cells, "start", static_cast<double>(start), "a cell, or -1");
  require(std::isfinite(goal_reward + step_reward), "goal_reward + step_reward", goal_reward + step_reward,
          "a finite number");
  check_wall_density();
}

// A way to every goal must be left open.
inline void GoalGrid::check_wall_density() const {
  if (wall_density == 0.0) return;
  const Interrupt never;
  Meter meter(never);
  const bool anywhere = start == kAnywhere;
  const auto free = static_cast<std::int64_t>(std::count(walls.begin(), walls.end(), 0));
  const auto could_be_walls = static_cast<double>(free - (anywhere ? 1 : 2));
  std::vector<std::int32_t> moves;
  if (!anywhere) moves = distances(grid(), start, walls, meter);
  for (const std::int64_t goal : goals) {
    const double open = anywhere ? 1.0 : moves[static_cast<std::size_t>(goal)] - 1.0;
    require(wall_density * could_be_walls <= could_be_walls - open, "wall_density", wall_density,
            "one that leaves a way to every goal");
  }
}

inline void GoalGrid::write_start(const CellMarks& blocked, std::int64_t goal, OutcomeWriter& out,
                                  Meter& meter) const {
  if (start != kAnywhere) return out.start(start);
  const std::vector<std::int32_t> moves = distances(grid(), goal, blocked, meter);
  const auto can_begin = [](std::int32_t away) { return away > 0; };
  const auto cells = static_cast<double>(std::count_if(moves.begin(), moves.end(), can_begin));
  for (std::size_t cell = 0; cell < moves.size(); ++cell) {
    if (can_begin(moves[cell])) out.start(static_cast<std::int64_t>(cell), 1.0 / cells);
  }
}

inline void GoalGrid::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const std::int64_t goal = draw_cell(goals, goal_cumulative, stream);
  const CellMarks blocked =
      wall_density > 0.0 ? draw_walls(grid(), walls, wall_density, start, goal, stream, meter) : walls;

  OutcomeWriter out(shape(), task, meter);
  CellMarks ends(blocked.size(), 0);
  ends[static_cast<std::size_t>(goal)] = 1;
  const GoalRewards reward{goal, goal_reward, step_reward};
  write_moves({grid(), {slip}, {}}, blocked, ends, all_cells(grid()), reward, out);
  write_start(blocked, goal, out, meter);
}

}  // namespace metarl_fast
