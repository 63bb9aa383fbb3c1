// SPDX-License-Identifier: MIT
// Driving: trips through a town whose weather, road, traffic and destination differ from task to task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "grid.hpp"
#include "outcomes.hpp"
#include "streets.hpp"

namespace metarl_fast {

// How far a car slides, and how much slower all are since they see less.
struct Weather {
  double grip;
  double slower;
};
constexpr Weather kWeathers[] = {{1.0, 1.0}, {0.7, 1.0}, {0.4, 1.0}, {1.0, 1.5}};  // dry, rain, snow, fog
constexpr double kTraffic[] = {0.1, 0.3, 0.6};  // light, moderate, heavy: how many of the streets are busy
constexpr double kSlides = 0.02;                // a turn fails with this times the braking distance
constexpr double kCollides = 0.01;              // and a busy street sees a collision with that
constexpr double kMinutes = 2.0;                // for a street at speed 1

// States are intersections with the heading in which one arrived: intersection * 4 + north, east, south,
// west. Actions are 2 * turn + (0 slow, 1 fast), turns straight on, right, back, left.
class Driving final : public Family {
 public:
  static constexpr const char* kName = "Driving";

  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::int64_t> cases;  // [C][4]: weather, road, traffic, destination; a task has one, evenly
  std::int64_t home = 0;            // an intersection, which one leaves facing east
  double closures = 0.0;            // fraction of the streets
  double minute_cost = 0.02;
  double fuel_cost = 0.01;  // of a street at speed 1, and twice that at 2
  double collision_cost = 0.5;
  double arrival_reward = 1.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("height", family.height, between(1, 1 << 10));
    visit("width", family.width, between(1, 1 << 10));
    visit("cases", family.cases, at_least(0));
    visit("home", family.home, at_least(0));
    visit("closures", family.closures, between(0, 1));
    visit("minute_cost", family.minute_cost, finite());
    visit("fuel_cost", family.fuel_cost, finite());
    visit("collision_cost", family.collision_cost, finite());
    visit("arrival_reward", family.arrival_reward, finite());
  }

  void check() const override;
  Shape shape() const override { return {4 * grid().cells(), 8, 4, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  struct Trip {
    Streets streets;
    Weather weather;
    std::int64_t destination;
  };

  Grid grid() const { return {height, width}; }
  void drive(const Trip& trip, std::int64_t state, std::int64_t turn, double speed, OutcomeWriter& out) const;
  void take(const Trip& trip, std::int64_t state, std::int64_t heading, double speed, double probability,
            bool slid, OutcomeWriter& out) const;
};

inline void Driving::check() const {
  check_parameters(*this);
  require(home < grid().cells(), "home", static_cast<double>(home), "an intersection");
  require(!cases.empty() && cases.size() % 4 == 0, "the length of cases", static_cast<double>(cases.size()),
          "four numbers a case, of one case or more");
  const std::int64_t ends[4] = {4, kRoads, 3, grid().cells()};
  for (std::size_t k = 0; k < cases.size(); ++k) {
    require(cases[k] < ends[k % 4], "a number of a case", static_cast<double>(cases[k]),
            "a weather, road, traffic or destination that there is");
    require(k % 4 != 3 || cases[k] != home, "a destination", static_cast<double>(cases[k]), "not home");
  }
}

// Takes the street in a heading, if there is one; whoever slides where there is none hits the kerb.
inline void Driving::take(const Trip& trip, std::int64_t state, std::int64_t heading, double speed,
                          double probability, bool slid, OutcomeWriter& out) const {
  const std::int64_t cell = state / 4;
  const Street* street = trip.streets.at(cell, heading);
  if (street == nullptr) {
    out.add(probability, state, -(minute_cost * kMinutes) - (slid ? collision_cost : 0.0));
    return;
  }
  const std::int64_t arrived = trip.streets.beyond(cell, heading);
  const bool ends = arrived == trip.destination;
  const double minutes =
      kMinutes / speed * trip.weather.slower * (street->fast ? 0.5 : 1.0) + (street->busy ? 1.0 : 0.0);
  const double reward = (ends ? arrival_reward : 0.0) - (minute_cost * minutes + fuel_cost * speed);
  const double collides = street->busy ? kCollides * (speed * speed / trip.weather.grip) : 0.0;
  out.add(probability * (1.0 - collides), arrived * 4 + heading, reward, ends);
  if (collides > 0.0) {
    out.add(probability * collides, arrived * 4 + heading, reward - collision_cost, ends);
  }
}

// A turn may fail: the car slides straight on.
inline void Driving::drive(const Trip& trip, std::int64_t state, std::int64_t turn, double speed,
                           OutcomeWriter& out) const {
  const std::int64_t ahead = state % 4;
  const double slides = turn == 0 ? 0.0 : kSlides * (speed * speed / trip.weather.grip);
  take(trip, state, (ahead + turn) % 4, speed, 1.0 - slides, false, out);
  if (slides > 0.0) take(trip, state, ahead, speed, slides, true, out);
}

inline void Driving::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const std::int64_t* drawn = &cases[4 * below(next(stream), static_cast<std::uint32_t>(cases.size() / 4))];
  Trip trip{{grid(), static_cast<Road>(drawn[1])}, kWeathers[drawn[0]], drawn[3]};
  trip.streets.close(closures, stream, meter);
  trip.streets.fill(kTraffic[drawn[2]], stream);

  OutcomeWriter out(shape(), task, meter);
  for (std::int64_t state = 0; state < shape().states; ++state) {
    const bool arrived = state / 4 == trip.destination;
    if (arrived) out.terminal(state);
    for (std::int64_t action = 0; action < shape().actions; ++action) {
      out.begin(state, action);
      if (arrived) {
        out.add(1.0, state, 0.0, true);
      } else {
        drive(trip, state, action / 2, action % 2 == 0 ? 1.0 : 2.0, out);
      }
    }
  }
  out.start(home * 4 + kEast);
}

}  // namespace metarl_fast
