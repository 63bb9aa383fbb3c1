// SPDX-License-Identifier: MIT
// What is believed of one task while it is lived in, and a plan that follows from it: certainty equivalence
// (Sutton and Barto, section 17.4) in a model whose prior was learned on other tasks, with a bonus for what
// was seldom tried, as in model-based interval estimation (Strehl and Littman, JCSS 74, 2008).
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "../elementary.hpp"
#include "agent.hpp"
#include "rule.hpp"
#include "task_prior.hpp"

namespace metarl_fast {

struct PosteriorSettings {
  TaskPrior prior;
  double discount = 0.95;
  double transition_strength = 0.01;  // k_T: how many visits of a class its prior is worth
  double reward_strength = 0.003;     // k_R: the same for rewards, and for ends of episodes
  double bonus = 0.0;                 // beta
  double bonus_decay = 0.5;           // h in beta / (1 + n)^h
  std::int64_t num_sweeps = 3;        // of planning after a step, at most
};

class TaskPosterior {
 public:
  // A mean that is learned: (k m + sum) / (k + n).
  struct Mean {
    double prior = 0.0, sum = 0.0, number = 0.0, strength = 1.0;

    double value() const { return (strength * prior + sum) / (strength + number); }
    void see(double x) {
      sum += x;
      number += 1.0;
    }
  };

  template <class Real>
  TaskPosterior(const PosteriorSettings& settings, const Setting<Real>& of)
      : settings_(settings),
        believed_(settings.prior.classes.empty() ? TaskPrior::blank(of.shape) : settings.prior),
        actions_(static_cast<std::size_t>(of.shape.actions)),
        places_(static_cast<std::size_t>(believed_.places)),
        small_(0x1p-5 * (1.0 - settings.discount)),
        value_(believed_.value),
        rewards_(means(believed_.reward, believed_.reward_strengths, settings.reward_strength)),
        ends_(means(believed_.termination, {}, settings.reward_strength)),
        seen_(believed_.next_state.size()),
        reach_(believed_.next_state.size()),
        probability_(believed_.next_state.size()),
        leads_there_(value_.size(), kNone),
        another_(believed_.next_state.size(), kNone),
        classes_(static_cast<std::size_t>(believed_.number_of_classes())),
        worth_(classes_.size() + 1, -std::numeric_limits<double>::infinity()),
        is_touched_(value_.size()) {
    for (std::size_t pair = 0; pair < believed_.classes.size(); ++pair) {
      if (of.available && !of.available[pair]) believed_.classes[pair] = missing();
    }
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      while (classes_[c].known < places_ && believed_.next_state[c * places_ + classes_[c].known] >= 0) {
        enlist(c * places_ + classes_[c].known++);
      }
      believe(c);
      weigh(c);
    }
    list_states();
    list_alike();
    plan();
  }

  // U(c(s, a)) of all actions of a state [A]; -infinity for those that are not available.
  void worths(std::int32_t state, double* values) const {
    const std::int32_t* of_action = believed_.classes.data() + static_cast<std::size_t>(state) * actions_;
    for (std::size_t a = 0; a < actions_; ++a) values[a] = worth(of_action[a]);
  }

  // What was seen of a transition so far, and believed of it before.
  struct Transition {
    double prior, seen, visits, strength;
    const Mean* reward;  // null for a transition that has none of its own yet
    const Mean* end;
  };

  // Nothing is known of actions that are not available.
  std::optional<Transition> transition(const Step& step) const {
    const std::int32_t of_pair = believed_.classes[pair_of(step)];
    if (of_pair == missing()) return std::nullopt;
    const auto c = static_cast<std::size_t>(of_pair);
    const auto entered = static_cast<std::size_t>(step.next_state);
    const std::size_t end = c * places_ + classes_[c].known;
    std::size_t place = c * places_;
    while (place < end && believed_.next_state[place] != step.next_state) ++place;
    const bool known = place < end;
    const bool has_reward = known || believed_.rewards != TaskPrior::Rewards::transition;
    return Transition{known ? believed_.probability[place] : 0.0,
                      known ? seen_[place] : 0.0,
                      classes_[c].visits,
                      strength(c),
                      has_reward ? &rewards_[reward_key(c, place, entered)] : nullptr,
                      &ends_[end_key(entered)]};
  }

  // What a step gave without what its end did.
  double beside_end(const Step& step) const {
    return step.terminated ? step.reward - end_reward(static_cast<std::size_t>(step.next_state))
                           : step.reward;
  }

  // Counts a step, if its action is available; `plan` makes what follows from it.
  bool learn(const Step& step) {
    const std::size_t pair = pair_of(step);
    if (believed_.classes[pair] == missing()) return false;
    const auto c = static_cast<std::size_t>(believed_.classes[pair]);
    const auto entered = static_cast<std::size_t>(step.next_state);
    const std::size_t place = place_of(c, step.next_state);
    seen_[place] += 1.0;
    classes_[c].visits += 1.0;
    believe(c);
    Mean& reward = rewards_[reward_key(c, place, entered)];
    Mean& end = ends_[end_key(entered)];
    const double expected_reward = reward.value(), expected_end = end.value();
    reward.see(beside_end(step));
    end.see(step.terminated ? 1.0 : 0.0);
    weigh(c);
    // Where any pair may lead anywhere these are all classes, and nothing new for them is common.
    const bool shared = believed_.rewards == TaskPrior::Rewards::next_state;
    if (end.value() == expected_end && !(shared && reward.value() != expected_reward)) return true;
    std::size_t s = entered;
    do {
      for (std::size_t there = leads_there_[s]; there != kNone; there = another_[there]) {
        weigh(there / places_);
      }
      if (!alike_.empty()) s = alike_[s];
    } while (s != entered);
    return true;
  }

  // Sweeps of value iteration, U(c) = at once + sum_s' reach V(s') and V(s) = max_a U(c(s, a)). Where
  // little has changed only what that upsets is looked at: the rest would come out as it is.
  void plan() {
    for (std::int64_t sweep = 0; sweep < settings_.num_sweeps; ++sweep) {
      if (upset_.empty() && !all_upset_) return;
      changed_.clear();
      if (all_upset_ || kMuch * upset_.size() > classes_.size()) {
        for (const std::size_t c : upset_) classes_[c].upset = false;
        for (std::size_t c = 0; c < classes_.size(); ++c) look_ahead(c);
        for (std::size_t s = 0; s < value_.size(); ++s) renew(s);
      } else {
        touched_.clear();
        for (const std::size_t c : upset_) {
          classes_[c].upset = false;
          look_ahead(c);
          for (std::size_t k = first_of_[c]; k < first_of_[c + 1]; ++k) touch(acts_in_[k]);
        }
        for (const std::size_t s : touched_) {
          is_touched_[s] = 0;
          renew(s);
        }
      }
      upset_.clear();
      all_upset_ = kMuch * changed_.size() > value_.size();  // which is quicker said than which
      if (all_upset_) continue;
      for (const std::size_t s : changed_) {
        for (std::size_t there = leads_there_[s]; there != kNone; there = another_[there]) {
          upset(there / places_);
        }
      }
    }
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  struct Class {
    std::size_t known = 0;  // how many places are taken
    double visits = 0.0;
    double bonus = 0.0;    // beta / (1 + n)^h
    double at_once = 0.0;  // the bonus, and what is expected of the next reward
    bool upset = false;
  };

  static std::vector<Mean> means(const std::vector<double>& prior, const std::vector<double>& strengths,
                                 double of_all) {
    std::vector<Mean> found;
    found.reserve(prior.size());
    for (std::size_t k = 0; k < prior.size(); ++k) {
      found.push_back({prior[k], 0.0, 0.0, strengths.empty() ? of_all : strengths[k]});
    }
    return found;
  }

  double end_reward(std::size_t s) const {
    return believed_.end_reward.empty() ? 0.0 : believed_.end_reward[s];
  }

  // Where it is counted how episodes end in a state: states that are alike in it share one.
  std::size_t end_key(std::size_t s) const {
    return believed_.end_alike.empty() ? s : static_cast<std::size_t>(believed_.end_alike[s]);
  }

  // States that end alike follow one another in a ring.
  void list_alike() {
    if (believed_.end_alike.empty()) return;
    alike_.resize(value_.size());
    for (std::size_t s = 0; s < alike_.size(); ++s) alike_[s] = s;
    for (std::size_t s = 0; s < alike_.size(); ++s) {
      if (end_key(s) != s) std::swap(alike_[s], alike_[end_key(s)]);
    }
  }

  // The class of actions that are not available: the one behind the last.
  std::int32_t missing() const { return static_cast<std::int32_t>(classes_.size()); }
  double worth(std::int32_t c) const { return worth_[static_cast<std::size_t>(c)]; }

  std::size_t pair_of(const Step& step) const {
    return static_cast<std::size_t>(step.state) * actions_ + static_cast<std::size_t>(step.action);
  }

  double strength(std::size_t c) const {
    return believed_.transition_strengths.empty() ? settings_.transition_strength
                                                  : believed_.transition_strengths[c];
  }

  std::size_t reward_key(std::size_t c, std::size_t place, std::size_t entered) const {
    switch (believed_.rewards) {
      case TaskPrior::Rewards::next_state: return entered;
      case TaskPrior::Rewards::transition: return place;
      case TaskPrior::Rewards::pair: break;
    }
    return c;
  }

  // Where a class keeps a next state; for one not met before that is a free place, or the least likely
  // one's.
  std::size_t place_of(std::size_t c, std::int32_t next_state) {
    const std::size_t first = c * places_;
    std::size_t& known = classes_[c].known;
    std::size_t least = first;
    for (std::size_t place = first; place < first + known; ++place) {
      if (believed_.next_state[place] == next_state) return place;
      if (probability_[place] < probability_[least]) least = place;
    }
    if (known < places_) {
      least = first + known++;
    } else {
      strike(least);
    }
    believed_.next_state[least] = next_state;
    enlist(least);
    return least;
  }

  // Puts a place into the list of those that lead to its next state.
  void enlist(std::size_t place) {
    std::size_t& first = leads_there_[static_cast<std::size_t>(believed_.next_state[place])];
    another_[place] = first;
    first = place;
  }

  // Makes a place free: what was known of it is forgotten.
  void strike(std::size_t place) {
    std::size_t* link = &leads_there_[static_cast<std::size_t>(believed_.next_state[place])];
    while (*link != place) link = &another_[*link];
    *link = another_[place];
    classes_[place / places_].visits -= seen_[place];
    seen_[place] = 0.0;
    believed_.probability[place] = 0.0;
    if (believed_.rewards == TaskPrior::Rewards::transition) {
      rewards_[place] = {0.0, 0.0, 0.0, rewards_[place].strength};
    }
  }

  // p(s' | c) = (k_T p_0 + n(c, s')) / (k_T + n(c)), and beta / (1 + n(c))^h
  void believe(std::size_t c) {
    const double k = strength(c);
    for (std::size_t place = c * places_; place < c * places_ + classes_[c].known; ++place) {
      probability_[place] = (k * believed_.probability[place] + seen_[place]) / (k + classes_[c].visits);
    }
    if (settings_.bonus > 0.0) {
      classes_[c].bonus = settings_.bonus * inverse_power(1.0 + classes_[c].visits, settings_.bonus_decay);
    }
  }

  // What of U(c) does not change while planning: bonus + sum p r, and discount p (1 - tau).
  void weigh(std::size_t c) {
    double at_once = classes_[c].bonus;
    for (std::size_t place = c * places_; place < c * places_ + classes_[c].known; ++place) {
      const double p = probability_[place];
      const auto entered = static_cast<std::size_t>(believed_.next_state[place]);
      const double end = ends_[end_key(entered)].value();
      at_once += p * (rewards_[reward_key(c, place, entered)].value() + end * end_reward(entered));
      reach_[place] = settings_.discount * p * (1.0 - end);
    }
    classes_[c].at_once = at_once;
    upset(c);
  }

  // U(c) is no longer what follows from what it is made of.
  void upset(std::size_t c) {
    if (classes_[c].upset) return;
    classes_[c].upset = true;
    upset_.push_back(c);
  }

  void look_ahead(std::size_t c) {
    double worth = classes_[c].at_once;
    for (std::size_t place = c * places_; place < c * places_ + classes_[c].known; ++place) {
      worth += reach_[place] * value_[static_cast<std::size_t>(believed_.next_state[place])];
    }
    worth_[c] = worth;
  }

  // A change that is small beside what one step more discounts stays undone, until it has grown.
  void renew(std::size_t s) {
    const double value = best_worth(s);
    if (std::fabs(value - value_[s]) <= small_ * std::fabs(value)) return;
    value_[s] = value;
    changed_.push_back(s);
  }

  void touch(std::size_t s) {
    if (is_touched_[s]) return;
    is_touched_[s] = 1;
    touched_.push_back(s);
  }

  double best_worth(std::size_t s) const {
    const std::int32_t* of_action = believed_.classes.data() + s * actions_;
    double largest = worth(of_action[0]);
    for (std::size_t a = 1; a < actions_; ++a) largest = std::max(largest, worth(of_action[a]));
    return bounded(largest);
  }

  // Which states the pairs of each class are of.
  void list_states() {
    first_of_.assign(classes_.size() + 3, 0);  // that of missing actions is one more
    for (const std::int32_t c : believed_.classes) ++first_of_[static_cast<std::size_t>(c) + 2];
    for (std::size_t c = 2; c < first_of_.size(); ++c) first_of_[c] += first_of_[c - 1];
    acts_in_.resize(believed_.classes.size());
    for (std::size_t pair = 0; pair < acts_in_.size(); ++pair) {
      acts_in_[first_of_[static_cast<std::size_t>(believed_.classes[pair]) + 1]++] = pair / actions_;
    }
  }

  static constexpr std::size_t kMuch = 4;  // one in so many is much

  const PosteriorSettings& settings_;
  TaskPrior believed_;  // classes of this task's actions; next states in their places, and their priors
  const std::size_t actions_;
  const std::size_t places_;
  const double small_;
  std::vector<double> value_;                       // V [S]
  std::vector<Mean> rewards_, ends_;                // by key of rewards, and [S]
  std::vector<double> seen_, reach_, probability_;  // [C][K]
  std::vector<std::size_t> leads_there_, another_;  // a place that leads to a state [S], and the one after
  std::vector<std::size_t> alike_;                  // the next state that ends alike [S]; empty: itself
  std::vector<Class> classes_;
  std::vector<double> worth_;                    // U [C + 1]
  std::vector<std::size_t> first_of_, acts_in_;  // states in which a class can be tried, class by class
  bool all_upset_ = false;
  std::vector<std::size_t> upset_, touched_, changed_;  // classes and states that are to be looked at again
  std::vector<std::uint8_t> is_touched_;                // [S]
};

}  // namespace metarl_fast
