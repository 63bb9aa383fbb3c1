// SPDX-License-Identifier: MIT
// Many tasks that answer side by side, one in each place: every place has a task, a stream of random numbers,
// a time limit, and an episode under way. What a place answers are a Simulator's answers, so that a place
// seeded as a learner of `train` is answers what that learner is answered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "mdp.hpp"
#include "place_task.hpp"
#include "rng.hpp"

namespace metarl_fast {

// What a place does with an episode that is over, as Gymnasium names it.
enum class Autoreset : std::uint8_t {
  next_step,  // the next step ignores its action and begins an episode
  same_step,  // the step that ends an episode begins the next one, too
  disabled    // nothing: who uses it begins the next one
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
  using Loader = TaskLoader<Real>;

  // With `episodes_per_task` above 0 a place that follows its supply goes on to another task after so many
  // episodes: from number n to n + places. With `stays` an action that is not available leaves the state as
  // it is, for reward 0; else it is refused.
  VectorSimulator(std::int64_t places, std::int64_t episodes_per_task, bool stays)
      : episodes_per_task_(episodes_per_task), stays_(stays), places_(static_cast<std::size_t>(places)) {}

  std::int64_t places() const { return static_cast<std::int64_t>(places_.size()); }
  Loader& loader() { return loader_; }

  // Gives places the supply's tasks at these numbers, all of them or, if one cannot be had, none. Their
  // episodes are over. Those that follow go on in the supply.
  void assign(const std::int64_t* places, const std::int64_t* numbers, std::int64_t count,
              const Supply& supply, bool follows) {
    std::vector<PlaceTask<Real>> tasks(static_cast<std::size_t>(count));
    for (std::int64_t k = 0; k < count; ++k) {
      loader_.load(tasks[static_cast<std::size_t>(k)], supply, numbers[k]);
    }
    for (std::int64_t k = 0; k < count; ++k) {
      Place& place = at(places[k]);
      place.task = std::move(tasks[static_cast<std::size_t>(k)]);
      place.follows = follows;
      place.over = true;
      place.next = {};
      place.number = numbers[k];
      place.supply = supply;
      begin_task(place);
    }
  }

  // All that a place stands at but its task: what a copy of it needs to go on as this one would.
  struct Standing {
    Stream stream;
    Stream acting;
    std::int64_t number;
    std::int64_t state;
    std::int64_t elapsed;
    std::int64_t episodes;
    std::int64_t changes_before;
    std::int64_t over;
  };
  Standing standing(std::int64_t i) const {
    const Place& place = at(i);
    return {place.stream,  place.acting,   place.number,         place.state,
            place.elapsed, place.episodes, place.changes_before, place.over};
  }
  // Has a place that was given its task stand where another one did.
  void stand(std::int64_t i, const Standing& where) {
    Place& place = at(i);
    const std::int64_t least = std::min({where.number, where.state, where.elapsed, where.episodes});
    if (least < 0 || where.state >= place.task.shape().states) {
      throw std::invalid_argument("what a place stands at is not of its task");
    }
    const std::int64_t every = place.task.episodes_per_segment();
    if (every > 0 && where.episodes > every) {
      loader_.load_segment(place.task, (where.episodes - 1) / every);
    }
    place.stream = where.stream;
    place.acting = where.acting;
    place.number = where.number;
    place.state = static_cast<std::int32_t>(where.state);
    place.elapsed = where.elapsed;
    place.episodes = where.episodes;
    place.changes_before = where.changes_before;
    place.over = where.over != 0;
  }

  // Where a supply is drawn bit by bit: the task that comes next, whatever its number, is at `index` of this
  // one.
  void expect(std::int64_t i, Supply supply, std::int64_t index) { at(i).next = {std::move(supply), index}; }
  // Whether the place will go on to another task and has none to expect.
  bool expects_none(std::int64_t i) const {
    const Place& place = at(i);
    return place.follows && episodes_per_task_ > 0 && !place.next.supply;
  }

  // Ends a place's time in its task: it goes on to another one at the next reset, if it follows.
  void leave(std::int64_t i) {
    Place& place = at(i);
    if (place.follows && episodes_per_task_ > 0 && place.episodes > 0) {
      place.episodes = place.changes_before = episodes_per_task_;
    }
  }

  // From now on the place draws what the learner of its task draws in `train` under this key.
  void seed(std::int64_t i, std::uint64_t key) {
    Place& place = at(i);
    place.stream = make_stream(key, place.task.id(), Purpose::learning);
    place.acting = make_stream(key, place.task.id(), Purpose::acting);
  }

  // Begins an episode; those that would start in a terminal state have no steps and are passed over.
  std::int32_t reset(std::int64_t i, Loader& loader) {
    Place& place = at(i);
    for (int passed_over = 0; passed_over < kMostPassedOver; ++passed_over) {
      if (place.changes_before == place.episodes) go_on(place, loader);
      place.state = place.task.reset(place.stream);
      ++place.episodes;
      place.elapsed = 0;
      place.over = false;
      if (!place.task.terminal(place.state)) return place.state;
    }
    throw std::invalid_argument("a task starts in terminal states, so that its episodes have no steps");
  }

  // Throws std::invalid_argument unless the place can be told to do this.
  void check(std::int64_t i, std::int64_t action, Autoreset mode) const {
    const Place& place = at(i);
    if (place.over) {
      if (mode != Autoreset::disabled && place.task && place.episodes > 0) return;
      refuse_step(i);
    }
    const std::int64_t actions = place.task.shape().actions;
    if (action < 0 || action >= actions) refuse_action(i, action, actions, -1);
    if (!stays_ && !place.task.has(place.state, action)) refuse_action(i, action, actions, place.state);
  }

  // `check` has passed.
  PlaceAnswer step(std::int64_t i, std::int64_t action, Autoreset mode, Loader& loader) {
    Place& place = at(i);
    if (place.over) {
      const std::int32_t state = reset(i, loader);
      return {state, state, 0.0, false, false};
    }
    const bool stays = stays_ && place.task.masked() && !place.task.has(place.state, action);
    const Answer answer = stays
                              ? Answer{0.0, place.state, false}
                              : place.task.step(place.state, static_cast<std::int32_t>(action), place.stream);
    place.state = answer.next_state;
    const bool truncated = ++place.elapsed >= place.limit;
    place.over = answer.terminated || truncated;
    PlaceAnswer found{place.state, answer.next_state, answer.reward, answer.terminated, truncated};
    if (place.over && mode == Autoreset::same_step) found.state = reset(i, loader);
    return found;
  }

  // Has the processor fetch what this step will read; the place's own data are asked for some places ahead.
  void prefetch(std::int64_t i, std::int64_t action) const { at(i).task.prefetch(at(i).state, action); }

  Stream& stream(std::int64_t i) { return at(i).stream; }
  Stream& acting(std::int64_t i) { return at(i).acting; }
  const PlaceTask<Real>& task(std::int64_t i) const { return at(i).task; }
  bool over(std::int64_t i) const { return at(i).over; }
  std::int32_t state(std::int64_t i) const { return at(i).state; }
  std::int64_t elapsed(std::int64_t i) const { return at(i).elapsed; }
  bool follows(std::int64_t i) const { return at(i).follows; }
  // The number of its task in the supply that it is of.
  std::int64_t number(std::int64_t i) const { return at(i).number; }

 private:
  static constexpr int kMostPassedOver = 1 << 20;
  static constexpr std::int64_t kNever = INT64_MAX;

  struct Next {
    Supply supply;
    std::int64_t index = 0;
  };

  // A step reads the first cache line alone.
  struct alignas(kCacheLine) Place {
    Stream stream{};
    std::int64_t elapsed = 0;
    std::int64_t limit = kNever;
    std::int32_t state = 0;
    bool over = true;
    bool follows = false;
    PlaceTask<Real> task;
    std::int64_t episodes = 0;             // in this task, begun
    std::int64_t changes_before = kNever;  // this one: the task becomes another one, or its next segment
    Stream acting{};                       // of policies, apart from the task's answers
    std::int64_t number = 0;
    Supply supply;  // of the tasks that are numbered
    Next next;
  };

  Place& at(std::int64_t i) { return places_[static_cast<std::size_t>(i)]; }
  const Place& at(std::int64_t i) const { return places_[static_cast<std::size_t>(i)]; }

  void go_on(Place& place, Loader& loader) {
    if (place.follows && place.episodes == episodes_per_task_) {
      place.number += places();
      const Next next = std::exchange(place.next, {});
      next.supply ? load(place, next.supply, next.index, loader)
                  : load(place, place.supply, place.number, loader);
      return;
    }
    loader.load_segment(place.task, place.episodes / place.task.episodes_per_segment());
    plan_change(place);
  }

  void load(Place& place, const Supply& supply, std::int64_t index, Loader& loader) {
    loader.load(place.task, supply, index);
    begin_task(place);
  }

  void begin_task(Place& place) const {
    place.episodes = 0;
    place.limit = place.task.limit() > 0 ? place.task.limit() : kNever;
    plan_change(place);
  }

  // When the next change is due, after this many episodes.
  void plan_change(Place& place) const {
    const std::int64_t every = place.task.episodes_per_segment();
    place.changes_before = every > 0 ? (place.episodes / every + 1) * every : kNever;
    if (place.follows && episodes_per_task_ > 0 && episodes_per_task_ < place.changes_before) {
      place.changes_before = episodes_per_task_;
    }
  }

  [[noreturn]] void refuse_step(std::int64_t i) const {
    const std::string where = places() > 1 ? " in place " + std::to_string(i) : "";
    throw std::invalid_argument("the episode" + where + " is over, expected a reset before this step");
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
  const bool stays_;
  std::vector<Place> places_;
  Loader loader_;
};

}  // namespace metarl_fast
