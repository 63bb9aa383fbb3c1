// SPDX-License-Identifier: MIT
// Grids with objects to collect, which come back: the tasks on which learned update rules (LPG) are trained.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "grid.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

// States are cell + cells * (the sum of 2^k over objects k that are there). A smaller grid than the largest
// is its upper left corner.
class LpgGrid final : public Family {
 public:
  static constexpr const char* kName = "LpgGrid";
  static constexpr std::int64_t kMostObjects = 8;

  std::int64_t side = 0;           // of the largest grid
  std::int64_t smallest_side = 0;  // each task draws its side, evenly
  std::int64_t objects = 0;        // m, the most there are
  std::int64_t fewest_objects = 0;
  CellMarks walls;                // [cells], walls of every task
  std::int64_t random_walls = 0;  // so many of the largest grid's cells are walls too
  // {low, high} of each object, [m][2], between which a task draws: evenly, and probabilities evenly by their
  // logarithm. One number twice is that number.
  std::vector<double> rewards;
  std::vector<double> ends;      // probability that collecting the object ends the episode
  std::vector<double> respawns;  // probability that it comes back in a step

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("side", family.side, between(1, 1 << 10));
    visit("smallest_side", family.smallest_side, between(1, 1 << 10));
    visit("objects", family.objects, between(1, kMostObjects));
    visit("fewest_objects", family.fewest_objects, between(1, kMostObjects));
    visit("walls", family.walls, between(0, 1));
    visit("random_walls", family.random_walls, at_least(0));
    visit("rewards", family.rewards, finite());
    visit("ends", family.ends, between(0, 1));
    visit("respawns", family.respawns, between(0, 1));
  }

  void check() const override;
  Shape shape() const override {
    const std::int64_t together = std::int64_t{1} << objects;
    return {side * side * together, Grid::kActionsAndStaying, together, false, 0.0};
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  struct Object {
    double reward, ends, respawns;
    std::int64_t cell;  // -1 if the task has no such object
  };

  std::vector<Object> draw_objects(Stream& stream) const;
  CellMarks draw_blocked(std::int64_t drawn_side, std::int64_t needed, Stream& stream) const;
  void step(const std::vector<Object>& found, std::int64_t there, std::int64_t target,
            OutcomeWriter& out) const;
};

inline void LpgGrid::check() const {
  check_parameters(*this);
  const std::int64_t cells = side * side;
  require(smallest_side <= side, "smallest_side", static_cast<double>(smallest_side), "at most side");
  require(fewest_objects <= objects, "fewest_objects", static_cast<double>(fewest_objects),
          "at most objects");
  require(static_cast<std::int64_t>(walls.size()) == cells, "the length of walls",
          static_cast<double>(walls.size()), "side * side");
  require(random_walls <= cells, "random_walls", static_cast<double>(random_walls), "at most side * side");
  for (const std::vector<double>* numbers : {&rewards, &ends, &respawns}) {
    require(static_cast<std::int64_t>(numbers->size()) == 2 * objects,
            "the length of rewards, ends or respawns", static_cast<double>(numbers->size()), "2 * objects");
    for (std::size_t k = 0; k < numbers->size(); k += 2) {
      const double low = (*numbers)[k];
      const double high = (*numbers)[k + 1];
      require(low <= high, "the high end of an interval", high, "at least the low end");
      require(numbers == &rewards || low == high || low > 0.0, "the low end of a probability", low,
              "above 0");
    }
  }
  std::int64_t free = 0;
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const bool inside = cell / side < smallest_side && cell % side < smallest_side;
    free += inside && !walls[static_cast<std::size_t>(cell)] ? 1 : 0;
  }
  require(objects < free, "objects", static_cast<double>(objects),
          "fewer than the cells of the smallest grid that are no walls");
}

inline std::vector<LpgGrid::Object> LpgGrid::draw_objects(Stream& stream) const {
  const auto even = [&stream](double low, double high) {
    const std::uint32_t x = next(stream);
    return low + (high - low) * unit_53(x, stream.s[kCompanion]);
  };
  const auto by_logarithm = [&even](double low, double high) {
    const bool fixed = low == high;
    const double drawn = even(fixed ? 0.0 : portable_log(low), fixed ? 0.0 : portable_log(high));
    return fixed ? low : std::min(portable_exp(drawn), high);
  };
  std::vector<Object> found(static_cast<std::size_t>(objects));
  for (std::size_t k = 0; k < found.size(); ++k) {
    found[k].reward = even(rewards[2 * k], rewards[2 * k + 1]);
    found[k].ends = by_logarithm(ends[2 * k], ends[2 * k + 1]);
    found[k].respawns = by_logarithm(respawns[2 * k], respawns[2 * k + 1]);
    found[k].cell = -1;
  }
  return found;
}

// Cells that nobody enters: those outside, walls of every task, and random ones as long as as many cells as
// needed are left. A random wall is drawn as the number of a cell, row by row in the grid of the drawn side.
inline CellMarks LpgGrid::draw_blocked(std::int64_t drawn_side, std::int64_t needed, Stream& stream) const {
  CellMarks blocked = walls;
  std::int64_t free = 0;
  for (std::int64_t cell = 0; cell < side * side; ++cell) {
    const bool outside = cell / side >= drawn_side || cell % side >= drawn_side;
    if (outside) blocked[static_cast<std::size_t>(cell)] = 1;
    free += blocked[static_cast<std::size_t>(cell)] ? 0 : 1;
  }
  std::vector<std::int64_t> numbers = {};
  for (std::int64_t k = 0; k < side * side; ++k) numbers.push_back(k);
  for (std::int64_t k = 0; k < random_walls; ++k) {
    const auto left = static_cast<std::uint32_t>(side * side - k);
    std::swap(numbers[static_cast<std::size_t>(k)],
              numbers[static_cast<std::size_t>(k) + below(next(stream), left)]);
    const std::int64_t number = numbers[static_cast<std::size_t>(k)];
    if (number >= drawn_side * drawn_side || free <= needed) continue;
    std::uint8_t& cell = blocked[static_cast<std::size_t>(number / drawn_side * side + number % drawn_side)];
    free -= cell ? 0 : 1;
    cell = 1;
  }
  return blocked;
}

// What happens on entering a cell while some objects are there: one that lies in it is collected, and each
// that is missing may come back, but not in the step in which it was collected.
inline void LpgGrid::step(const std::vector<Object>& found, std::int64_t there, std::int64_t target,
                          OutcomeWriter& out) const {
  const std::int64_t cells = side * side;
  double reward = 0.0;
  double ending = 0.0;
  std::int64_t kept = there;
  for (std::int64_t k = 0; k < objects; ++k) {
    const Object& object = found[static_cast<std::size_t>(k)];
    if (object.cell != target || !(there >> k & 1)) continue;
    reward = object.reward;
    ending = object.ends;
    kept -= std::int64_t{1} << k;
  }
  if (ending > 0.0) out.add(ending, target + cells * kept, reward, true);
  if (!(ending < 1.0)) return;
  const std::int64_t missing = ~there & ((std::int64_t{1} << objects) - 1);
  for (std::int64_t back = 0; back <= missing; ++back) {
    if ((back & ~missing) != 0) continue;
    double probability = 1.0 - ending;
    for (std::int64_t k = 0; k < objects; ++k) {
      if (!(missing >> k & 1)) continue;
      const double returning = found[static_cast<std::size_t>(k)].respawns;
      probability *= back >> k & 1 ? returning : 1.0 - returning;
    }
    if (probability > 0.0) out.add(probability, target + cells * (kept | back), reward);
  }
}

inline void LpgGrid::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const auto among = [&stream](std::int64_t low, std::int64_t high) {
    return low + below(next(stream), static_cast<std::uint32_t>(high - low + 1));
  };
  std::vector<Object> found = draw_objects(stream);
  const std::int64_t drawn_side = among(smallest_side, side);
  const std::int64_t drawn_objects = among(fewest_objects, objects);
  const CellMarks blocked = draw_blocked(drawn_side, objects + 1, stream);

  // The start, then the objects, in different cells.
  const std::int64_t cells = side * side;
  std::vector<std::int64_t> free;
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    if (!blocked[static_cast<std::size_t>(cell)]) free.push_back(cell);
  }
  for (std::size_t k = 0; k <= static_cast<std::size_t>(objects); ++k) {
    std::swap(free[k], free[k + below(next(stream), static_cast<std::uint32_t>(free.size() - k))]);
  }
  for (std::int64_t k = 0; k < objects; ++k) {
    Object& object = found[static_cast<std::size_t>(k)];
    if (k < drawn_objects) object.cell = free[static_cast<std::size_t>(k) + 1];
    if (k >= drawn_objects) object.respawns = 0.0;
  }

  OutcomeWriter out(shape(), task, meter);
  const Grid grid{side, side};
  for (std::int64_t state = 0; state < shape().states; ++state) {
    const std::int64_t cell = state % cells;
    const bool nobody = blocked[static_cast<std::size_t>(cell)] != 0;
    if (nobody) out.terminal(state);
    for (std::int64_t action = 0; action < Grid::kActionsAndStaying; ++action) {
      out.begin(state, action);
      if (nobody) {
        out.add(1.0, state, 0.0, true);
      } else {
        step(found, state / cells, grid.move_or_stay(cell, action, blocked), out);
      }
    }
  }
  out.start(free[0] + cells * ((std::int64_t{1} << drawn_objects) - 1));
}

}  // namespace metarl_fast
