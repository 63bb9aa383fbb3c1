// SPDX-License-Identifier: MIT
// A temporal-difference learner in numbers: which update rule, which behaviour, and their settings. The rules
// stand in files of their own.
#pragma once

#include <cstdint>

namespace metarl_fast {

// An update rule by its place in the list of learners.hpp.
enum class Rule : std::int32_t {};

enum class Behaviour : std::int32_t { uniform, epsilon_greedy, softmax };

// What a visit does to the trace of its pair: set it to 1 and drop those of the state's other actions (Singh
// and Sutton 1996), or add 1.
enum class Traces : std::int32_t { replacing, accumulating };

struct TdSettings {
  Rule rule{};  // Q-learning
  Behaviour behaviour = Behaviour::uniform;
  // Epsilon, or the temperature of softmax: [num_explorations]; not read for the uniform behaviour.
  const double* exploration = nullptr;
  std::int64_t num_explorations = 0;  // those of the first episodes; the last one holds from there on
  double learning_rate = 0.1;
  double learning_rate_decay = 0.0;  // w in learning_rate / N(s, a)^w
  double discount = 0.95;
  double initial_visits = 0.0;  // N(s, a) at the start: how many visits the initial value is worth
  double trace_decay = 0.0;     // lambda
  Traces traces = Traces::replacing;
  double bonus = 0.0;  // b in b (1 - e/n) / sqrt(N(s, a) + 1), added to action values when choosing
  std::int64_t bonus_episodes = 0;  // n; 0: the bonus does not fade
  bool sees_reset = false;  // where the time limit cuts an episode: the next one's start, not the next state
  // Of each pair, in place of learning_rate: [S][A], so many; or null.
  const double* learning_rates = nullptr;
  std::int64_t num_learning_rates = 0;
};

// alpha, of the entry of a pair
static inline double learning_rate_of(const TdSettings& settings, std::int64_t pair) {
  return settings.learning_rates ? settings.learning_rates[pair] : settings.learning_rate;
}

}  // namespace metarl_fast
