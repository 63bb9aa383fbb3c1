// SPDX-License-Identifier: MIT
// From an update rule as a number or a name to its type, and back.
#pragma once

#include <type_traits>

#include "learners.hpp"
#include "td_settings.hpp"

namespace metarl_fast {

// Calls `use(rule, place)` for each of the list.
template <class Use, class... Each>
static inline void for_each_rule(const Use& use, LearnerList<Each...>) {
  std::int32_t place = 0;
  (use(Each{}, static_cast<Rule>(place++)), ...);
}

// Calls `use(rule)` with the one that a number stands for.
template <class Use>
static inline void with_rule(Rule wanted, const Use& use) {
  const auto choose = [&](auto rule, Rule place) {
    if (place == wanted) use(rule);
  };
  for_each_rule(choose, Rules{});
}

static inline int number_of_tables(Rule of) {
  int number = 1;
  with_rule(of, [&](auto rule) { number = decltype(rule)::kTwoTables ? 2 : 1; });
  return number;
}
static inline bool has_traces(Rule of) {
  bool has = false;
  with_rule(of, [&](auto rule) { has = decltype(rule)::kTraces; });
  return has;
}

// The number of a rule whose type is known: learner.rule = rule_of<Sarsa>();
template <class Wanted, class... Each>
constexpr Rule place_of(LearnerList<Each...>) {
  constexpr bool kSame[] = {std::is_same_v<Wanted, Each>...};
  std::int32_t place = 0;
  while (!kSame[place]) ++place;
  return static_cast<Rule>(place);
}
template <class Wanted>
constexpr Rule rule_of() {
  return place_of<Wanted>(Rules{});
}

}  // namespace metarl_fast
