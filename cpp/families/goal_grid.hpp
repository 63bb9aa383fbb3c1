// SPDX-License-Identifier: MIT
// Grids with a goal that differs from task to task: the family on which a learned table can help.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../rng.hpp"

namespace metarl_fast {

struct GoalGrid {
  // States are cells, row by row from the top left; actions are up, right, down, left.
  static constexpr std::int64_t kActions = 4;
  static constexpr std::int64_t kAnywhere = -1;

  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> walls;      // [S], walls of every task
  double wall_density = 0.0;            // probability that a further cell is a wall
  double slip = 0.0;                    // probability of moving at a right angle to the action
  std::vector<std::int64_t> goals;      // cells a goal may lie in
  std::vector<double> goal_cumulative;  // their cumulative probabilities
  std::int64_t start = 0;               // a cell, or kAnywhere: uniform over cells that reach the goal
  double goal_reward = 1.0;
  double step_reward = 0.0;

  void check() const;
  std::int64_t states() const { return height * width; }
  Shape shape() const { return {states(), kActions, slip > 0.0 ? 3 : 1, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, TaskBuffer& task, const Interrupt& interrupt) const;

 private:
  std::int64_t move(std::int64_t cell, std::int64_t action, const std::vector<std::uint8_t>& blocked) const;
  std::vector<std::uint8_t> draw_walls(Stream& stream, std::int64_t goal, Meter& meter) const;
  std::vector<std::uint8_t> reaching(std::int64_t goal, const std::vector<std::uint8_t>& blocked,
                                     Meter& meter) const;
  void write_start(const std::vector<std::uint8_t>& blocked, std::int64_t goal, TaskBuffer& task,
                   Meter& meter) const;
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
    require(goal >= 0 && goal < states(), "goal", static_cast<double>(goal), "a cell");
  }
  require(start >= kAnywhere && start < states(), "start", static_cast<double>(start), "a cell, or -1");
  require(std::isfinite(goal_reward), "goal_reward", goal_reward, "a finite number");
  require(std::isfinite(step_reward), "step_reward", step_reward, "a finite number");
}

// The cell entered from `cell`; walls and the border leave the agent where it is.
inline std::int64_t GoalGrid::move(std::int64_t cell, std::int64_t action,
                                   const std::vector<std::uint8_t>& blocked) const {
  static constexpr std::int64_t kRow[kActions] = {-1, 0, 1, 0};
  static constexpr std::int64_t kColumn[kActions] = {0, 1, 0, -1};
  const std::int64_t row = cell / width + kRow[action];
  const std::int64_t column = cell % width + kColumn[action];
  if (row < 0 || row >= height || column < 0 || column >= width) return cell;
  const std::int64_t target = row * width + column;
  return blocked[static_cast<std::size_t>(target)] ? cell : target;
}

// Cells from which the goal can be reached. Moves are symmetric, so it is a flood fill from the goal.
inline std::vector<std::uint8_t> GoalGrid::reaching(std::int64_t goal,
                                                    const std::vector<std::uint8_t>& blocked,
                                                    Meter& meter) const {
  std::vector<std::uint8_t> reached(static_cast<std::size_t>(states()), 0);
  std::vector<std::int64_t> frontier{goal};
  reached[static_cast<std::size_t>(goal)] = 1;
  while (!frontier.empty()) {
    meter.count(kActions);
    const std::int64_t cell = frontier.back();
    frontier.pop_back();
    for (std::int64_t action = 0; action < kActions; ++action) {
      const std::int64_t neighbour = move(cell, action, blocked);
      if (!reached[static_cast<std::size_t>(neighbour)]) {
        reached[static_cast<std::size_t>(neighbour)] = 1;
        frontier.push_back(neighbour);
      }
    }
  }
  return reached;
}

// Random walls under which the start reaches the goal; the fixed walls alone if 100 draws find none.
inline std::vector<std::uint8_t> GoalGrid::draw_walls(Stream& stream, std::int64_t goal, Meter& meter) const {
  if (wall_density == 0.0) return walls;
  for (int attempt = 0; attempt < 100; ++attempt) {
    meter.count(states());
    std::vector<std::uint8_t> blocked = walls;
    for (std::uint8_t& cell : blocked) {
      if (unit(next(stream), double{}) < wall_density) cell = 1;
    }
    blocked[static_cast<std::size_t>(goal)] = 0;
    if (start == kAnywhere) {
      if (std::count(blocked.begin(), blocked.end(), 0) == 1) continue;
      const std::vector<std::uint8_t> reached = reaching(goal, blocked, meter);
      if (std::count(reached.begin(), reached.end(), 1) > 1) return blocked;
    } else {
      blocked[static_cast<std::size_t>(start)] = 0;
      if (reaching(goal, blocked, meter)[static_cast<std::size_t>(start)]) return blocked;
    }
  }
  return walls;
}

inline void GoalGrid::write_start(const std::vector<std::uint8_t>& blocked, std::int64_t goal,
                                  TaskBuffer& task, Meter& meter) const {
  std::fill(task.start.begin(), task.start.end(), 0.0);
  if (start != kAnywhere) {
    task.start[static_cast<std::size_t>(start)] = 1.0;
    return;
  }
  std::vector<std::uint8_t> reached = reaching(goal, blocked, meter);
  reached[static_cast<std::size_t>(goal)] = 0;
  const auto cells = static_cast<double>(std::count(reached.begin(), reached.end(), 1));
  for (std::size_t cell = 0; cell < reached.size(); ++cell) {
    task.start[cell] = reached[cell] ? 1.0 / cells : 0.0;
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
  const std::vector<std::uint8_t> blocked = draw_walls(stream, goal, meter);

  const std::int64_t outcomes = slip > 0.0 ? 3 : 1;
  const double probability[3] = {1.0 - slip, 0.5 * slip, 0.5 * slip};
  const std::int64_t turn[3] = {0, 1, 3};  // ahead, right, left
  std::size_t place = 0;
  for (std::int64_t cell = 0; cell < states(); ++cell) {
    const bool absorbing = cell == goal || blocked[static_cast<std::size_t>(cell)];
    meter.count(kActions * outcomes);
    task.terminal[static_cast<std::size_t>(cell)] = absorbing;
    for (std::int64_t action = 0; action < kActions; ++action) {
      for (std::int64_t k = 0; k < outcomes; ++k, ++place) {
        const std::int64_t target = absorbing ? cell : move(cell, (action + turn[k]) % kActions, blocked);
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
