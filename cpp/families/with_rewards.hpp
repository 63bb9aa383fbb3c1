// SPDX-License-Identifier: MIT
// A family's tasks with rewards of another law: of states, of pairs, of transitions, or of one goal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "around.hpp"
#include "layout.hpp"
#include "reward_law.hpp"

namespace metarl_fast {

class WithRewards final : public Around {
 public:
  static constexpr const char* kName = "WithRewards";

  // What is paid for: being in s, taking a in s, getting from there to s', or entering a state drawn evenly.
  enum class On { state, pair, transition, goal };
  static constexpr Word<On> kOn[] = {
      {"state", On::state}, {"pair", On::pair}, {"transition", On::transition}, {"goal", On::goal}};

  On on = On::pair;
  RewardLaw law = RewardLaw::normal;
  double reward_a = 0.0, reward_b = 1.0;
  std::vector<double> values;  // fixed: one number, or one of each [S], [S][A] or [S][A][S]
  std::int64_t added = 0;      // whether to the family's own rewards
  double noise = 0.0;

  template <class Self, class Visitor>
  static void parameters(Self& rewards, const Visitor& visit) {
    visit("family", rewards.family);
    visit("on", rewards.on, kOn);
    visit("reward_law", rewards.law, kRewardLaws);
    visit("reward_a", rewards.reward_a, finite());
    visit("reward_b", rewards.reward_b, finite());
    visit("values", rewards.values, finite());
    visit("added", rewards.added, between(0, 1));
    visit("reward_noise", rewards.noise, at_least(0));
  }

  void check() const override;
  Shape shape() const override;
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;

 private:
  bool on_next_state() const { return on == On::transition || on == On::goal; }

  // The number'th one that is drawn, of a row of them.
  double draw(const IndexKey& key, std::int64_t row, std::int64_t number, std::int64_t place) const {
    if (law == RewardLaw::fixed) return values[values.size() == 1 ? 0 : static_cast<std::size_t>(place)];
    const auto x = indexed(key, static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(number));
    return draw_reward(law, reward_a, reward_b, x);
  }
};

inline void WithRewards::check() const {
  check_parameters(*this);
  family->check();
  const Shape of = family->shape();
  const std::int64_t numbers = on == On::state        ? of.states
                               : on == On::pair       ? of.pairs()
                               : on == On::transition ? of.pairs() * of.states
                                                      : 1;
  const auto given = static_cast<std::int64_t>(values.size());
  require(law != RewardLaw::fixed || given == 1 || given == numbers, "the number of values",
          static_cast<double>(given), "one, or one for each that is paid for");
}

inline Shape WithRewards::shape() const {
  Shape of = on_next_state() ? as_lists(family->shape()) : family->shape();
  of.reward_noise = noise;
  return of;
}

inline void WithRewards::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                               const Interrupt& interrupt) const {
  const Shape of = shape();
  write_as(*family, key_of_part(key, 0), id, segment, of, task, interrupt);
  task.reward_noise = noise;
  const IndexKey own = make_index_key(key, id, Purpose::rewards);
  Stream stream = make_stream(key, id, Purpose::layout);
  const std::int64_t goal = below(next(stream), static_cast<std::uint32_t>(of.states));

  Meter meter(interrupt);
  const std::int64_t outcomes = of.dense ? 1 : of.outcomes;
  for (std::int64_t pair = 0; pair < of.pairs(); ++pair) {
    meter.count(outcomes);
    const std::int64_t state = pair / of.actions;
    if (task.terminal[static_cast<std::size_t>(state)]) continue;
    for (std::int64_t k = 0; k < outcomes; ++k) {
      const auto place = static_cast<std::size_t>(pair * outcomes + k);
      const std::int64_t to = on_next_state() ? task.next_state[place] : 0;
      const double paid = on == On::state        ? draw(own, 0, state, state)
                          : on == On::pair       ? draw(own, 0, pair, pair)
                          : on == On::transition ? draw(own, pair, to, pair * of.states + to)
                          : to == goal           ? draw(own, 0, 0, 0)
                                                 : 0.0;
      task.reward[place] = added ? task.reward[place] + paid : paid;
    }
  }
}

}  // namespace metarl_fast
