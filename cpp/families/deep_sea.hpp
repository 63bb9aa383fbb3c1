// SPDX-License-Identifier: MIT
// DeepSea: N steps down through an N x N grid, right or left, and which action is which differs from cell to
// cell. Only N times right finds the treasure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

class DeepSea final : public Family {
 public:
  static constexpr const char* kName = "DeepSea";

  std::int64_t size = 10;
  std::int64_t stochastic = 0;  // whether going right may fail, and noise lies on the ends of the last row
  std::int64_t mapped = 1;      // whether a cell's actions are in a random order
  double move_cost = 0.01;      // of N times right, together

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("size", family.size, between(1, 30000));
    visit("stochastic", family.stochastic, between(0, 1));
    visit("mapped", family.mapped, between(0, 1));
    visit("move_cost", family.move_cost, finite());
  }

  void check() const override { check_parameters(*this); }
  Shape shape() const override { return {size * size, 2, 2, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  void write_move(std::int64_t row, std::int64_t column, bool right, OutcomeWriter& out) const;
};

inline void DeepSea::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Stream stream = make_stream(key, id, Purpose::layout);
  Meter meter(interrupt);
  OutcomeWriter out(shape(), task, meter);
  out.start(0);
  for (std::int64_t cell = 0; cell < size * size; ++cell) {
    const std::int64_t right = mapped ? below(next(stream), 2) : 1;
    for (std::int64_t action = 0; action < 2; ++action) {
      out.begin(cell, action);
      write_move(cell / size, cell % size, action == right, out);
    }
  }
}

// After the last row the episode ends. Its noise has mean 0 and variance 1: one more or one less, evenly.
inline void DeepSea::write_move(std::int64_t row, std::int64_t column, bool right, OutcomeWriter& out) const {
  const auto n = static_cast<double>(size);
  const bool treasure = right && column == size - 1;
  const double reward = (treasure ? 1.0 : 0.0) - (right ? move_cost / n : 0.0);
  if (row == size - 1) {
    const bool end = column == 0 || column == size - 1;
    const double noise = stochastic && end ? 1.0 : 0.0;
    out.add(0.5, row * size + column, reward + noise, true);
    out.add(0.5, row * size + column, reward - noise, true);
    return;
  }
  const std::int64_t below_here = (row + 1) * size;
  const double fails = right && stochastic ? 1.0 / n : 0.0;
  const std::int64_t to = right ? std::min(column + 1, size - 1) : std::max<std::int64_t>(column - 1, 0);
  out.add(1.0 - fails, below_here + to, reward);
  out.add(fails, below_here + column, reward);
}

}  // namespace metarl_fast
