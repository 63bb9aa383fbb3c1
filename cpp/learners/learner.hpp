// SPDX-License-Identifier: MIT
// A learner: which update rule, which behaviour, and their numbers. The rules stand in files of their own.
#pragma once

#include <cstdint>

namespace metarl_fast {

enum class Rule : std::int32_t {
  q_learning,
  sarsa,
  expected_sarsa,
  double_q_learning,
  q_lambda,
  sarsa_lambda
};

enum class Behaviour : std::int32_t { uniform, epsilon_greedy, softmax };

struct Learner {
  Rule rule = Rule::q_learning;
  Behaviour behaviour = Behaviour::uniform;
  // Epsilon, or the temperature of softmax: [num_explorations]; not read for the uniform behaviour.
  const double* exploration = nullptr;
  std::int64_t num_explorations = 0;  // num_episodes, or 1 for the same in all
  double learning_rate = 0.1;
  double learning_rate_decay = 0.0;  // w in learning_rate / N(s, a)^w
  double discount = 0.95;
  double trace_decay = 0.0;  // lambda
  double bonus = 0.0;        // b in b (1 - e/n) / sqrt(N(s, a) + 1), added to action values when choosing
};

}  // namespace metarl_fast
