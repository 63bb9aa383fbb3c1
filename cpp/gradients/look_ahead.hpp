// SPDX-License-Identifier: MIT
// What a rule sees when it looks ahead in a table, and how that moves with the table: the words of
// learners/td.hpp, each with its weights. Where several entries are largest the first one counts as the
// largest, which is a subgradient.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../learners/expectation.hpp"
#include "../learners/td_settings.hpp"

namespace metarl_fast {

// The first of the largest of `actions` values.
static inline std::int32_t first_of_largest(const double* q, std::int32_t actions) {
  std::int32_t best = 0;
  double largest = q[0];
  for (std::int32_t a = 1; a < actions; ++a) {
    const bool better = q[a] > largest;
    best = better ? a : best;
    largest = better ? q[a] : largest;
  }
  return best;
}

class LookAhead {
 public:
  LookAhead(const TdSettings& settings, std::int32_t actions)
      : settings_(settings), actions_(actions), preference_(static_cast<std::size_t>(actions)) {}

  // What differs from episode to episode takes hold.
  void begin_episode(std::int64_t episode) {
    if (settings_.behaviour == Behaviour::uniform) return;
    exploration_ = settings_.exploration[std::min(episode, settings_.num_explorations - 1)];
    bonus_ = bonus_scale(settings_.bonus, static_cast<std::int32_t>(episode), settings_.bonus_episodes);
  }

  // --- what a rule can ask: `ahead` is what it expects, from the row of the next state on

  double ahead = 0.0;

  void largest_next_values(double& value) {
    entry = first_of_largest(row, actions_);
    value = row[entry];
  }

  void choose_next_actions() { entry = next_action; }
  void next_values(double& value) const { value = row[entry]; }

  void expected_next_values(double& value) {
    const double* h = preferences();
    switch (settings_.behaviour) {
      case Behaviour::uniform: value = mean_of_available(row, actions_); break;
      case Behaviour::epsilon_greedy:
        value = settings_.bonus == 0.0 ? epsilon_greedy_value(row, actions_, exploration_)
                                       : epsilon_greedy_value(row, h, actions_, exploration_);
        break;
      case Behaviour::softmax: value = softmax_value(row, h, actions_, exploration_); break;
    }
    if (weight) write_weights(h, value);
  }

  // How the softmax policy's ln pi(action) moves with the row, [actions].
  void write_score(std::int32_t action, double* score) {
    write_softmax(preferences(), score);
    for (std::int32_t a = 0; a < actions_; ++a) {
      score[a] = ((a == action ? 1.0 : 0.0) - score[a]) / exploration_;
    }
  }

  // --- of this step

  const double* row = nullptr;     // q(s_t, .)
  const double* visits = nullptr;  // N(s_t, .), where there is a bonus
  std::int32_t next_action = 0;    // a_t, for rules that look at it
  double* weight = nullptr;        // [actions] takes how an expectation moves with the row
  std::int32_t entry = 0;          // which action was looked at, by all other rules

 private:
  bool there(std::int32_t a) const { return row[a] >= kLowestValue<double>; }

  // h(a) = q(a) + b / sqrt(N(a) + 1), or q(a)
  const double* preferences() {
    if (settings_.bonus == 0.0) return row;
    for (std::int32_t a = 0; a < actions_; ++a) {
      const double number = visits[a] + (1.0 + settings_.initial_visits);
      preference_[static_cast<std::size_t>(a)] = row[a] + exploration_bonus(bonus_, number);
    }
    return preference_.data();
  }

  void write_weights(const double* h, double value) {
    if (settings_.behaviour == Behaviour::softmax) return write_softmax_weights(h, value);
    double count = 0.0;
    for (std::int32_t a = 0; a < actions_; ++a) count += there(a) ? 1.0 : 0.0;
    const double epsilon = settings_.behaviour == Behaviour::uniform ? 1.0 : exploration_;
    for (std::int32_t a = 0; a < actions_; ++a) weight[a] = there(a) ? epsilon / count : 0.0;
    if (settings_.behaviour == Behaviour::uniform) return;
    if (settings_.bonus == 0.0) {
      weight[first_of_largest(row, actions_)] += 1.0 - epsilon;
      return;
    }
    const double largest = *std::max_element(h, h + actions_);
    const auto ties = static_cast<double>(std::count(h, h + actions_, largest));
    for (std::int32_t a = 0; a < actions_; ++a) weight[a] += h[a] == largest ? (1.0 - epsilon) / ties : 0.0;
  }

  // d/dq(a) sum_b pi(b) q(b) = pi(a) (1 + (q(a) - sum_b pi(b) q(b)) / temperature)
  void write_softmax_weights(const double* h, double value) {
    write_softmax(h, weight);
    for (std::int32_t a = 0; a < actions_; ++a) {
      weight[a] = there(a) ? weight[a] * (1.0 + (row[a] - value) / exploration_) : 0.0;
    }
  }

  // pi(a) = exp(h(a) / temperature) / sum_b exp(h(b) / temperature)
  void write_softmax(const double* h, double* pi) const {
    const double largest = *std::max_element(h, h + actions_);
    double total = 0.0;
    for (std::int32_t a = 0; a < actions_; ++a) {
      pi[a] = softmax_weight(h[a], largest, exploration_);
      total += pi[a];
    }
    for (std::int32_t a = 0; a < actions_; ++a) pi[a] /= total;
  }

  const TdSettings settings_;
  const std::int32_t actions_;
  std::vector<double> preference_;
  double exploration_ = 0.0;  // epsilon or the temperature
  double bonus_ = 0.0;
};

}  // namespace metarl_fast
