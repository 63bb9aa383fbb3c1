// SPDX-License-Identifier: MIT
// Base of agents that know what every action is worth in any state: they take the best one, ties at random.
#pragma once

#include <vector>

#include "agent.hpp"
#include "behaviour.hpp"

namespace metarl_fast {

class GreedyAgent : public Agent {
 public:
  explicit GreedyAgent(const Shape& shape)
      : states_(static_cast<std::int32_t>(shape.states)), row_(static_cast<std::size_t>(shape.actions)) {}

  std::int32_t act(std::int32_t state, Stream& stream) override {
    next(stream);
    worths(state, row_.data());
    return greedy_action(row_.data(), static_cast<std::int32_t>(row_.size()), stream.s[kCompanion]);
  }

  void policy(double* probability) const override {
    std::vector<double> row(row_.size());
    for (std::int32_t state = 0; state < states_; ++state, probability += row.size()) {
      worths(state, row.data());
      std::size_t best = 0;
      for (std::size_t a = 0; a < row.size(); ++a) {
        probability[a] = 0.0;
        if (row[a] > row[best]) best = a;
      }
      probability[best] = 1.0;
    }
  }

  void q_table(double* values) const override {
    for (std::int32_t state = 0; state < states_; ++state, values += row_.size()) worths(state, values);
  }

  bool q_row(std::int32_t state, double* values) const override {
    worths(state, values);
    return true;
  }

 private:
  // What the actions of a state are worth [A]; -infinity where they are not available.
  virtual void worths(std::int32_t state, double* values) const = 0;

  const std::int32_t states_;
  std::vector<double> row_;  // [A], of the state acted in
};

}  // namespace metarl_fast
