// SPDX-License-Identifier: MIT
// Many tasks that answer side by side, one in each place: every place has a task, a stream of random numbers,
// a time limit, and an episode under way. What a place answers are a Simulator's answers, so that a place
// seeded as a learner of `train` is answers what that learner is answered.
#pragma once

#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "mdp.hpp"
#include "rng.hpp"
#include "simulator.hpp"

namespace metarl_fast {

// What a place does with an episode that is over, as Gymnasium names it.
enum class Autoreset : std::uint8_t {
  next_step,  // the next step ignores its action and begins an episode
  same_step,  // the step that ends an episode begins the next one, too
  disabled    // nothing: who uses it begins the next one
};

// Tasks for places. An episode has `limits[k]` steps in the batch's task k, or `limit`, 0 for no limit.
struct TaskSupply {
  std::shared_ptr<const TaskBatch> batch;
  std::int64_t limit = 0;
  std::vector<std::int64_t> limits;

  std::int64_t limit_of(std::int64_t index) const {
    return limits.empty() ? limit : limits[static_cast<std::size_t>(index)];
  }
};

// What a step led to. `entered` is the state that the action led to, `state` the one that the place is in
// now: another one if the next episode has begun.
struct PlaceAnswer {
  std::int32_t state;
  std::int32_t entered;
  double reward;
  bool terminated;
  bool truncated;
};

template <class Real>
class VectorSimulator {
 public:
  using Supply = std::shared_ptr<const TaskSupply>;

  // With `episodes_per_task` above 0 a place that follows its supply goes on to another task after so many
  // episodes: from number n to n + places.
  VectorSimulator(std::int64_t places, std::int64_t episodes_per_task)
      : episodes_per_task_(episodes_per_task), places_(static_cast<std::size_t>(places)) {}

  std::int64_t places() const { return static_cast<std::int64_t>(places_.size()); }

  // Gives a place the supply's task at `number`; its episode is over. One that follows goes on in the supply.
  void assign(std::int64_t i, Supply supply, std::int64_t number, bool follows) {
    Place& place = at(i);
    place.follows = follows;
    place.over = true;
    place.next = {};
    place.number = number;
    place.supply = supply;
    load(place, std::move(supply), number);
  }

  // Where a supply is drawn bit by bit: the task that comes next, whatever its number, is at `index` of this
  // one.
  void expect(std::int64_t i, Supply supply, std::int64_t index) { at(i).next = {std::move(supply), index}; }
  // Whether the place will go on to another task and has none to expect.
  bool expects_none(std::int64_t i) const {
    const Place& place = places_[static_cast<std::size_t>(i)];
    return place.follows && episodes_per_task_ > 0 && !place.next.supply;
  }

  // From now on the place draws what the learner of its task draws in `train` under this key.
  void seed(std::int64_t i, std::uint64_t key) {
    Place& place = at(i);
    place.stream = make_stream(key, id(i), Purpose::learning);
    place.acting = make_stream(key, id(i), Purpose::acting);
  }

  // Begins an episode; those that would start in a terminal state have no steps and are passed over.
  std::int32_t reset(std::int64_t i) {
    Place& place = at(i);
    for (int passed_over = 0; passed_over < kMostPassedOver; ++passed_over) {
      go_on(place);
      place.state = place.simulator->reset(place.stream);
      ++place.episodes;
      place.elapsed = 0;
      place.over = false;
      if (!place.simulator->terminal(place.state)) return place.state;
    }
    throw std::invalid_argument("a task starts in terminal states, so that its episodes have no steps");
  }

  // Throws std::invalid_argument unless the place can be told to do this.
  void check(std::int64_t i, std::int64_t action, Autoreset mode) const {
    const Place& place = places_[static_cast<std::size_t>(i)];
    if (place.over) {
      if (mode == Autoreset::next_step && place.simulator) return;
      refuse(i, "is over, expected a reset before this step", nullptr);
    }
    const Shape& shape = place.simulator->shape();
    if (action < 0 || action >= shape.actions) refuse_action(i, action, shape.actions, -1);
    if (shape.masked && !available(shape, place.simulator->task(), place.state * shape.actions + action)) {
      refuse_action(i, action, shape.actions, place.state);
    }
  }

  // `check` has passed.
  PlaceAnswer step(std::int64_t i, std::int64_t action, Autoreset mode) {
    Place& place = places_[static_cast<std::size_t>(i)];
    if (place.over) {
      const std::int32_t state = reset(i);
      return {state, state, 0.0, false, false};
    }
    const Answer answer = place.simulator->step(place.state, static_cast<std::int32_t>(action), place.stream);
    place.state = answer.next_state;
    const bool truncated = ++place.elapsed >= place.limit;
    place.over = answer.terminated || truncated;
    PlaceAnswer found{place.state, answer.next_state, answer.reward, answer.terminated, truncated};
    if (place.over && mode == Autoreset::same_step) found.state = reset(i);
    return found;
  }

  // The next number of a place's stream; its companion is `stream(i).s[kCompanion]`.
  Stream& stream(std::int64_t i) { return at(i).stream; }
  Stream& acting(std::int64_t i) { return at(i).acting; }
  bool over(std::int64_t i) const { return places_[static_cast<std::size_t>(i)].over; }
  std::int32_t state(std::int64_t i) const { return places_[static_cast<std::size_t>(i)].state; }
  std::int64_t elapsed(std::int64_t i) const { return places_[static_cast<std::size_t>(i)].elapsed; }
  // The number of its task in the supply that it is of.
  std::int64_t number(std::int64_t i) const { return places_[static_cast<std::size_t>(i)].number; }
  const Simulator<Real>& simulator(std::int64_t i) const {
    return *places_[static_cast<std::size_t>(i)].simulator;
  }
  std::uint64_t id(std::int64_t i) {
    const Place& place = at(i);
    return place.loaded->batch->ids()[place.index];
  }

 private:
  static constexpr int kMostPassedOver = 1 << 20;
  static constexpr std::int64_t kNoLimit = INT64_MAX;

  struct Next {
    Supply supply;
    std::int64_t index = 0;
  };

  struct Place {
    std::int32_t state = 0;
    bool over = true;
    bool follows = false;
    std::int64_t elapsed = 0;
    std::int64_t limit = kNoLimit;
    Stream stream{};
    Stream acting{};  // of policies, apart from the task's answers
    std::int64_t number = 0;
    Supply supply;  // of the tasks that are numbered
    Next next;
    Supply loaded;  // of the task in place, and where it lies there
    std::int64_t index = 0;
    std::int64_t episodes = 0;  // in this task, begun
    std::int64_t segment = 0;
    std::unique_ptr<Simulator<Real>> simulator;
  };

  Place& at(std::int64_t i) { return places_[static_cast<std::size_t>(i)]; }

  // The task of the episode that is about to begin.
  void go_on(Place& place) {
    if (place.follows && episodes_per_task_ > 0 && place.episodes == episodes_per_task_) {
      place.number += places();
      const Next next = std::exchange(place.next, {});
      next.supply ? load(place, next.supply, next.index) : load(place, place.supply, place.number);
    }
    const std::int64_t every = place.loaded->batch->episodes_per_segment();
    if (every == 0 || place.episodes / every == place.segment) return;
    place.segment = place.episodes / every;
    place.simulator->load(place.index, {}, place.segment);
  }

  void load(Place& place, Supply supply, std::int64_t index) {
    if (index >= supply->batch->size()) throw std::out_of_range("no task is left");
    if (!place.loaded || place.loaded->batch != supply->batch) {
      place.simulator = std::make_unique<Simulator<Real>>(*supply->batch);
    }
    place.loaded = std::move(supply);
    place.index = index;
    place.episodes = 0;
    place.segment = 0;
    place.simulator->load(index);
    const std::int64_t limit = place.loaded->limit_of(index);
    place.limit = limit > 0 ? limit : kNoLimit;
    check_start(*place.simulator);
  }

  static void check_start(const Simulator<Real>& simulator) {
    for (std::int64_t s = 0; s < simulator.shape().states; ++s) {
      if (simulator.task().start[s] > 0.0 && !simulator.task().terminal[s]) return;
    }
    throw std::invalid_argument("a task starts in terminal states alone: its episodes have no steps");
  }

  [[noreturn]] void refuse(std::int64_t i, const char* text, const char* more) const {
    std::ostringstream message;
    message << "the episode" << (places() > 1 ? " in place " + std::to_string(i) : "") << " " << text
            << (more ? more : "");
    throw std::invalid_argument(message.str());
  }

  [[noreturn]] void refuse_action(std::int64_t i, std::int64_t action, std::int64_t actions,
                                  std::int64_t state) const {
    std::ostringstream message;
    message << (places() > 1 ? "actions[" + std::to_string(i) + "]" : "action") << " is " << action;
    if (state < 0) {
      message << ", expected 0 to " << actions - 1;
    } else {
      message << ", which is not available in state " << state;
    }
    throw std::invalid_argument(message.str());
  }

  const std::int64_t episodes_per_task_;
  std::vector<Place> places_;
};

}  // namespace metarl_fast
