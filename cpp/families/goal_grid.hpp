// SPDX-License-Identifier: MIT
// Grids with a goal that differs from task to task: the family on which a learned table can help.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../rng.hpp"
#include "grid.hpp"
#include "walls.hpp"

namespace metarl_fast {

struct GoalGrid {
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

  void check() const;
  std::int64_t states() const { return height * width; }
  Shape shape() const { return {states(), Grid::kActions, slip > 0.0 ? 3 : 1, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, TaskBuffer& task, const Interrupt& interrupt) const;

 private:
  Grid grid() const { return {height, width}; }
  void check_wall_density() const;
  void write_start(const CellMarks& blocked, std::int64_t goal, TaskBuffer& task, Meter& meter) const;
};

inline void GoalGrid::check() const {
  constexpr std::int64_t kLongestSide = 1 << 15;
  require(height >= 1 && height <= kLongestSide, "height", static_cast<double>(height), "1 to 2^15");
  require(width >= 1 && width <= kLongestSide, "width", static_cast<double>(width), "1 to 2^15");
  require(static_cast<std::int64_t>(walls.size()) == states(), "the number of walls",
          static_cast<double>(walls.size()), "height * width");
  require(wall_density >= 0.0 && wall_density < 1.0, "wall_density", wall_density, "0 to below 1");
  require(slip >= 0.0 && slip <= 1.0, "slip", slip, "0 to 1");
  require(!goals.empty() && goals.size() == goal_cumulative.size(), "the number of goals",
          static_cast<double>(goals.size()), "at least one, each with its cumulative probability");
  for (const std::int64_t goal : goals) {
    require(goal >= 0 && goal < states() && !walls[static_cast<std::size_t>(goal)], "goal",
            static_cast<double>(goal), "a cell that is no wall");
  }
  require(start >= kAnywhere && start < states(), "start", static_cast<double>(start), "a cell, or -1");
  require(std::isfinite(goal_reward), "goal_reward", goal_reward, "a finite number");
  require(std::isfinite(step_reward), "step_reward", step_reward, "a finite number");
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

inline void GoalGrid::write_start(const CellMarks& blocked, std::int64_t goal, TaskBuffer& task,
                                  Meter& meter) const {
  std::fill(task.start.begin(), task.start.end(), 0.0);
  if (start != kAnywhere) {
    task.start[static_cast<std::size_t>(start)] = 1.0;
    return;
  }
  const std::vector<std::int32_t> moves = distances(grid(), goal, blocked, meter);
  const auto can_begin = [](std::int32_t away) { return away > 0; };
  const auto cells = static_cast<double>(std::count_if(moves.begin(), moves.end(), can_begin));
  for (std::size_t cell = 0; cell < moves.size(); ++cell) {
    task.start[cell] = can_begin(moves[cell]) ? 1.0 / cells : 0.0;
  }
}

inline void GoalGrid::write(std::uint64_t key, std::uint64_t id, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const double u = unit(next(stream), double{});
  std::size_t chosen = 0;
  while (chosen + 1 < goals.size() && goal_cumulative[chosen] <= u) ++chosen;
  const std::int64_t goal = goals[chosen];
  const CellMarks blocked =
      wall_density > 0.0 ? draw_walls(grid(), walls, wall_density, start, goal, stream, meter) : walls;

  const std::int64_t outcomes = slip > 0.0 ? 3 : 1;
  const double probability[3] = {1.0 - slip, 0.5 * slip, 0.5 * slip};
  const std::int64_t turn[3] = {0, 1, 3};  // ahead, right, left
  std::size_t place = 0;
  for (std::int64_t cell = 0; cell < states(); ++cell) {
    const bool absorbing = cell == goal || blocked[static_cast<std::size_t>(cell)];
    meter.count(Grid::kActions * outcomes);
    task.terminal[static_cast<std::size_t>(cell)] = absorbing;
    for (std::int64_t action = 0; action < Grid::kActions; ++action) {
      for (std::int64_t k = 0; k < outcomes; ++k, ++place) {
        const std::int64_t target =
            absorbing ? cell : grid().move(cell, (action + turn[k]) % Grid::kActions, blocked);
        const bool arrived = !absorbing && target == goal;
        task.probability[place] = probability[k];
        task.next_state[place] = static_cast<std::int32_t>(target);
        task.reward[place] = absorbing ? 0.0 : step_reward + (arrived ? goal_reward : 0.0);
        task.terminated[place] = absorbing || arrived;
      }
    }
  }
  write_start(blocked, goal, task, meter);
}

}  // namespace metarl_fast
