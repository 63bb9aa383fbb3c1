// SPDX-License-Identifier: MIT
// A grid with a goal, by formula: what a step leads to follows from where walls are, cell by cell.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../task_formula.hpp"
#include "grid_moves.hpp"

namespace metarl_fast {

// What a step that ends in a cell pays.
struct GoalRewards {
  std::int64_t goal;
  double goal_reward, step_reward;

  double operator()(std::int64_t cell) const { return step_reward + (cell == goal ? goal_reward : 0.0); }
};

// Cells as a list has them.
struct MarkedCells {
  const CellMarks& marks;

  bool operator[](std::size_t cell) const { return marks[cell] != 0; }
};

// `blocked[cell]` says where walls are; every cell is a state.
template <class Blocked>
class GoalFormula final : public TaskFormula {
 public:
  GoalFormula(GridMoves moves, Blocked blocked, const GoalRewards& reward, std::int64_t start)
      : moves_(std::move(moves)), blocked_(std::move(blocked)), reward_(reward), start_(start) {}

  void outcomes(std::int64_t state, std::int64_t action, Outcome* out) const override {
    const auto add = [&](double probability, std::int64_t cell, bool stays, bool ends) {
      *out++ = {probability, static_cast<std::int32_t>(cell), stays ? 0.0 : reward_(cell), ends};
    };
    for_each_move(moves_, state, action, blocked_, Goal{reward_.goal}, add);
  }
  bool terminal(std::int64_t state) const override {
    return blocked_[static_cast<std::size_t>(state)] || state == reward_.goal;
  }
  std::int64_t start() const override { return start_; }
  double largest_reward() const override {
    return std::max(std::fabs(reward_.step_reward), std::fabs(reward_.step_reward + reward_.goal_reward));
  }

 private:
  struct Goal {
    std::int64_t goal;
    bool operator[](std::size_t cell) const { return static_cast<std::int64_t>(cell) == goal; }
  };

  const GridMoves moves_;
  const Blocked blocked_;
  const GoalRewards reward_;
  const std::int64_t start_;
};

}  // namespace metarl_fast
