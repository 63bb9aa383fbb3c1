// SPDX-License-Identifier: MIT
// Mazes: each task has walls of its own that leave exactly one way between each two rooms.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "binary_tree.hpp"
#include "cell_law.hpp"
#include "family.hpp"
#include "goal_formula.hpp"
#include "grid_moves.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

enum class Carving { prim, depth_first, binary_tree };

// Rooms lie in every second row and column; a cell between two of them is a wall until it is carved. Two ways
// of carving begin in the first room and dig on until all rooms are joined (binary_tree.hpp has the third):
//   prim         from any passage to a room that is known, evenly, if it leads to one that is not;
//   depth_first  from the newest room to one of its neighbours that are not joined, evenly; if all are, from
//                the room before it.
inline CellMarks carve(const Grid& grid, Carving carving, Stream& stream, Meter& meter) {
  struct Passage {
    std::int64_t from, direction;
  };
  const std::int64_t step[Grid::kActions] = {-grid.width, 1, grid.width, -1};
  const CellMarks no_walls(static_cast<std::size_t>(grid.cells()), 0);
  CellMarks walls(static_cast<std::size_t>(grid.cells()), 1);
  walls[0] = 0;
  std::vector<Passage> waiting;
  const auto add_passages = [&](std::int64_t room) {
    for (std::int64_t direction = 0; direction < Grid::kActions; ++direction) {
      if (grid.move(room, direction, no_walls) == room) continue;
      if (walls[static_cast<std::size_t>(room + 2 * step[direction])]) waiting.push_back({room, direction});
    }
  };
  const auto dig = [&](const Passage& passage) {
    const std::int64_t between = passage.from + step[passage.direction];
    const std::int64_t room = between + step[passage.direction];
    const bool is_new = walls[static_cast<std::size_t>(room)] != 0;
    if (is_new) walls[static_cast<std::size_t>(between)] = walls[static_cast<std::size_t>(room)] = 0;
    return is_new ? room : -1;
  };
  if (carving == Carving::prim) {
    add_passages(0);
    while (!waiting.empty()) {
      meter.count(Grid::kActions);
      std::swap(waiting[below(next(stream), static_cast<std::uint32_t>(waiting.size()))], waiting.back());
      const Passage passage = waiting.back();
      waiting.pop_back();
      const std::int64_t room = dig(passage);
      if (room >= 0) add_passages(room);
    }
    return walls;
  }
  for (std::vector<std::int64_t> rooms{0}; !rooms.empty();) {
    meter.count(Grid::kActions);
    waiting.clear();
    add_passages(rooms.back());
    if (waiting.empty()) {
      rooms.pop_back();
    } else {
      rooms.push_back(dig(waiting[below(next(stream), static_cast<std::uint32_t>(waiting.size()))]));
    }
  }
  return walls;
}

class Maze final : public Family {
 public:
  static constexpr const char* kName = "Maze";
  static constexpr Word<Carving> kCarvings[] = {
      {"prim", Carving::prim}, {"depth_first", Carving::depth_first}, {"binary_tree", Carving::binary_tree}};

  std::int64_t height = 0;  // odd, as is the width
  std::int64_t width = 0;
  Carving carving = Carving::prim;
  double slip = 0.0;
  std::vector<std::int64_t> goals;      // rooms a goal may lie in
  std::vector<double> goal_cumulative;  // their cumulative probabilities
  std::int64_t start = 0;               // a room
  double goal_reward = 1.0;
  double step_reward = 0.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("height", family.height, between(1, 1 << 14));
    visit("width", family.width, between(1, 1 << 14));
    visit("carving", family.carving, kCarvings);
    visit("slip", family.slip, between(0, 1));
    visit("goals", family.goals, at_least(0));
    visit("goal_cumulative", family.goal_cumulative, between(0, 1));
    visit("start", family.start, at_least(0));
    visit("goal_reward", family.goal_reward, finite());
    visit("step_reward", family.step_reward, finite());
  }

  void check() const override;
  Shape shape() const override { return {height * width, Grid::kActions, Slip{slip}.outcomes(), false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
  bool has_formula() const override { return carving == Carving::binary_tree; }
  std::unique_ptr<TaskFormula> formula(std::uint64_t key, std::uint64_t id) const override {
    Stream stream = make_stream(key, id, Purpose::layout);
    const std::int64_t goal = draw_cell(goals, goal_cumulative, stream);
    return std::make_unique<GoalFormula<BinaryTree>>(GridMoves{grid(), {slip}, {}}, binary_tree(key, id),
                                                     GoalRewards{goal, goal_reward, step_reward}, start);
  }

 private:
  Grid grid() const { return {height, width}; }
  BinaryTree binary_tree(std::uint64_t key, std::uint64_t id) const {
    return {grid(), make_index_key(key, id, Purpose::layout)};
  }
  bool is_room(std::int64_t cell) const {
    return cell < height * width && cell / width % 2 == 0 && cell % width % 2 == 0;
  }
};

inline void Maze::check() const {
  check_parameters(*this);
  require(height % 2 == 1 && width % 2 == 1, "height or width", static_cast<double>(height * width),
          "odd numbers");
  require(is_room(start), "start", static_cast<double>(start), "a room");
  check_cell_law(goals, goal_cumulative, height * width);
  for (const std::int64_t goal : goals) {
    require(is_room(goal) && goal != start, "goal", static_cast<double>(goal), "a room, not the start");
  }
}

inline void Maze::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                        const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const std::int64_t goal = draw_cell(goals, goal_cumulative, stream);
  const CellMarks walls = carving == Carving::binary_tree ? marks_of(binary_tree(key, id), grid(), meter)
                                                          : carve(grid(), carving, stream, meter);
  CellMarks ends(walls.size(), 0);
  ends[static_cast<std::size_t>(goal)] = 1;
  OutcomeWriter out(shape(), task, meter);
  const GoalRewards reward{goal, goal_reward, step_reward};
  write_moves({grid(), {slip}, {}}, walls, ends, all_cells(grid()), reward, out);
  out.start(start);
}

}  // namespace metarl_fast
