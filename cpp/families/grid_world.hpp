// SPDX-License-Identifier: MIT
// Grid worlds drawn as a map: walls, cells that pay, and a goal and a start that may differ from task to
// task.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "cell_law.hpp"
#include "family.hpp"
#include "grid_moves.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

inline constexpr Word<SlipTo> kSlips[] = {{"sides", SlipTo::sides}, {"others", SlipTo::others}};

// States are the cells that are no walls.
class GridWorld final : public Family {
 public:
  static constexpr const char* kName = "GridWorld";

  std::int64_t height = 0;
  std::int64_t width = 0;
  CellMarks walls;                   // [cells]
  std::vector<double> rewards;       // [cells], of a step that ends there
  CellMarks ends;                    // [cells], whether it ends the episode
  std::vector<std::int64_t> starts;  // cells
  std::int64_t one_start = 0;        // 1: of the starts a task has one, else all of them evenly
  std::vector<std::int64_t> goals;   // cells, of which each task has one more that ends episodes; may be none
  std::vector<double> goal_cumulative;  // their cumulative probabilities
  double goal_reward = 1.0;             // instead of the cell's own
  double step_reward = 0.0;             // of every step
  double slip = 0.0;
  SlipTo slip_to = SlipTo::sides;
  std::vector<std::int64_t> wind;  // [width] or none

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("height", family.height, between(1, 1 << 14));
    visit("width", family.width, between(1, 1 << 14));
    visit("walls", family.walls, between(0, 1));
    visit("rewards", family.rewards, finite());
    visit("ends", family.ends, between(0, 1));
    visit("starts", family.starts, at_least(0));
    visit("one_start", family.one_start, between(0, 1));
    visit("goals", family.goals, at_least(0));
    visit("goal_cumulative", family.goal_cumulative, between(0, 1));
    visit("goal_reward", family.goal_reward, finite());
    visit("step_reward", family.step_reward, finite());
    visit("slip", family.slip, between(0, 1));
    visit("slip_to", family.slip_to, kSlips);
    visit("wind", family.wind, between(0, 1 << 14));
  }

  void check() const override;
  Shape shape() const override {
    return {std::count(walls.begin(), walls.end(), std::uint8_t{0}), Grid::kActions,
            Slip{slip, slip_to}.outcomes(), false, 0.0};
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  void require_inside(const std::vector<std::int64_t>& cells, const char* what) const;
};

inline void GridWorld::require_inside(const std::vector<std::int64_t>& cells, const char* what) const {
  for (const std::int64_t cell : cells) {
    const bool free = cell < height * width && !walls[static_cast<std::size_t>(cell)] &&
                      !ends[static_cast<std::size_t>(cell)];
    require(free, what, static_cast<double>(cell), "a cell that is no wall and ends no episode");
  }
}

inline void GridWorld::check() const {
  check_parameters(*this);
  for (const std::size_t length : {walls.size(), rewards.size(), ends.size()}) {
    require(length == static_cast<std::size_t>(height * width), "the length of walls, rewards or ends",
            static_cast<double>(length), "height * width");
  }
  require(wind.empty() || wind.size() == static_cast<std::size_t>(width), "the length of wind",
          static_cast<double>(wind.size()), "0 or width");
  require(!starts.empty(), "the number of starts", 0.0, "at least one");
  require_inside(starts, "start");
  require_inside(goals, "goal");
  if (!goals.empty()) check_cell_law(goals, goal_cumulative, height * width);
  const auto is_start = [this](std::int64_t goal) { return starts.size() == 1 && goal == starts[0]; };
  require(std::none_of(goals.begin(), goals.end(), is_start), "a goal", static_cast<double>(starts[0]),
          "another cell than the only start");
}

inline void GridWorld::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                             const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  CellMarks ending = ends;
  std::int64_t goal = -1;
  if (!goals.empty()) {
    goal = draw_cell(goals, goal_cumulative, stream);
    ending[static_cast<std::size_t>(goal)] = 1;
  }
  OutcomeWriter out(shape(), task, meter);
  const std::vector<std::int64_t> state_of = free_cells(walls);
  const auto reward = [this, goal](std::int64_t cell) {
    return step_reward + (cell == goal ? goal_reward : rewards[static_cast<std::size_t>(cell)]);
  };
  write_moves({{height, width}, {slip, slip_to}, wind}, walls, ending, state_of, reward, out);

  std::vector<std::int64_t> begins = starts;
  begins.erase(std::remove(begins.begin(), begins.end(), goal), begins.end());
  if (one_start == 1) begins = {begins[below(next(stream), static_cast<std::uint32_t>(begins.size()))]};
  for (const std::int64_t cell : begins) {
    out.start(state_of[static_cast<std::size_t>(cell)], 1.0 / static_cast<double>(begins.size()));
  }
}

}  // namespace metarl_fast
