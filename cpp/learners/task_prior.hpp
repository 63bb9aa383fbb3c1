// SPDX-License-Identifier: MIT
// What is believed of a task before it is seen: where pairs lead, what that gives, where episodes end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"

namespace metarl_fast {

// Pairs (s, a) that behave alike share a class c: what is seen of one is known of all. A class remembers up
// to K next states, one a place.
struct TaskPrior {
  // What a reward depends on: the state that is entered, the transition (class and place), or the class.
  enum class Rewards { next_state, transition, pair };
  static constexpr Word<Rewards> kRewards[] = {
      {"next_state", Rewards::next_state}, {"transition", Rewards::transition}, {"pair", Rewards::pair}};

  std::int64_t places = 0;               // K
  std::vector<std::int32_t> classes;     // [S][A], 0 to C - 1; empty: nothing is known, see `blank`
  std::vector<std::int32_t> next_state;  // [C][K]; -1 in a free place, behind which are only free ones
  std::vector<double> probability;       // [C][K], 0 in a free place
  Rewards rewards = Rewards::pair;
  std::vector<double> reward;           // means: [S], [C][K] or [C]
  std::vector<double> termination;      // [S], probabilities that an episode ends on entering the state
  std::vector<double> value;            // [S], what is to be had from a state on
  std::vector<double> end_reward;       // [S], what the end of an episode gives beside that; empty: nothing
  std::vector<std::int32_t> end_alike;  // [S], the first of the states that end alike; empty: each itself
  // How many observations a prior is worth, of each class and of each mean of rewards; empty: what the
  // learner says of all.
  std::vector<double> transition_strengths;  // [C]
  std::vector<double> reward_strengths;      // as `reward`

  std::int64_t number_of_classes() const {
    return places > 0 ? static_cast<std::int64_t>(next_state.size()) / places : 0;
  }

  // What says nothing: each pair is a class of its own, and leads nowhere.
  static TaskPrior blank(const Shape& shape) {
    constexpr std::int64_t kRemembered = 16;
    const auto pairs = static_cast<std::size_t>(shape.pairs());
    const auto states = static_cast<std::size_t>(shape.states);
    TaskPrior prior;
    prior.places = std::min(shape.states, kRemembered);
    prior.classes.resize(pairs);
    for (std::size_t pair = 0; pair < pairs; ++pair) prior.classes[pair] = static_cast<std::int32_t>(pair);
    prior.next_state.assign(pairs * static_cast<std::size_t>(prior.places), -1);
    prior.probability.assign(prior.next_state.size(), 0.0);
    prior.reward.assign(pairs, 0.0);
    prior.termination.assign(states, 0.0);
    prior.value.assign(states, 0.0);
    return prior;
  }

  std::size_t number_of_rewards() const {
    if (rewards == Rewards::next_state) return value.size();
    return rewards == Rewards::transition ? next_state.size() : static_cast<std::size_t>(number_of_classes());
  }

  // Refuses arrays that do not fit together, or tasks of another shape.
  void check(const Shape& shape) const {
    if (classes.empty()) return;
    const auto size = [](const std::vector<double>& array) { return static_cast<double>(array.size()); };
    require(static_cast<std::int64_t>(value.size()) == shape.states, "the prior's number of states",
            size(value), "that of the tasks");
    require(static_cast<std::int64_t>(classes.size()) == shape.pairs(), "the prior's number of pairs",
            static_cast<double>(classes.size()), "that of the tasks");
    const std::int64_t count = number_of_classes();
    require(count > 0 && count * places == static_cast<std::int64_t>(next_state.size()), "next_state's size",
            static_cast<double>(next_state.size()), "a multiple of `places`");
    require(probability.size() == next_state.size(), "probability's size", size(probability),
            "that of next_state");
    require(reward.size() == number_of_rewards(), "reward's size", size(reward), "one for each key");
    const auto classes_there = static_cast<std::size_t>(count);
    require(transition_strengths.empty() || transition_strengths.size() == classes_there,
            "transition_strengths' size", size(transition_strengths), "one for each class");
    require(reward_strengths.empty() || reward_strengths.size() == reward.size(), "reward_strengths' size",
            size(reward_strengths), "one for each key");
    require(termination.size() == value.size(), "termination's size", size(termination), "num_states");
    require(end_reward.empty() || end_reward.size() == value.size(), "end_reward's size", size(end_reward),
            "num_states");
    require(end_alike.empty() || end_alike.size() == value.size(), "end_alike's size",
            static_cast<double>(end_alike.size()), "num_states");
    for (const std::int32_t s : end_alike) {
      const bool first = s >= 0 && s < shape.states && end_alike[static_cast<std::size_t>(s)] == s;
      require(first, "a state of end_alike", s, "the first one of those alike");
    }
    for (const std::int32_t c : classes) {
      require(c >= 0 && c < count, "a class", c, "0 to the number of classes - 1");
    }
    for (std::size_t k = 0; k < next_state.size(); ++k) {
      const std::int32_t next = next_state[k];
      require(next >= -1 && next < shape.states, "a next state", next, "-1 to num_states - 1");
      const bool behind = k % static_cast<std::size_t>(places) != 0 && next_state[k - 1] < 0;
      require(next < 0 || !behind, "a next state", next, "-1 behind a free place");
      require(next >= 0 || probability[k] == 0.0, "the probability of a free place", probability[k], "0");
    }
  }
};

}  // namespace metarl_fast
