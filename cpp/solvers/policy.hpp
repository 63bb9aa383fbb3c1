// SPDX-License-Identifier: MIT
// A given policy, and the Markov chain that a task becomes under it.
#pragma once

#include <cstdint>
#include <vector>

#include "../mdp.hpp"

namespace metarl_fast {

// Probabilities [S][A], or actions [S]; uniformly random over what is available if both are null.
struct PolicyView {
  const double* probability = nullptr;
  const std::int32_t* action = nullptr;
  std::int64_t task = 0;  // whose it is, for messages
};

// pi(a | s) [S][A]; throws std::invalid_argument naming the state and the action that the policy takes
// although it is not available.
void write_probabilities(const Shape&, const TaskView&, const PolicyView&, std::vector<double>& probability);

// Where states lead: successor[k] with weight[k] for begin[s] <= k < begin[s + 1]. What terminates is left
// out.
struct Chain {
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> successor;
  std::vector<double> weight;
};

// The chain under pi(a | s) [S][A].
void follow(const Shape&, const TaskView&, const std::vector<double>& probability, Chain&);

// sum_a pi(a | s) pay(s, a), for pay [S][A].
void expected_pay(const Shape&, const std::vector<double>& probability, const double* pay, double* expected);

}  // namespace metarl_fast
