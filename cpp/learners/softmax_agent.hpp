// SPDX-License-Identifier: MIT
// An agent that acts by a softmax over a table of preferences: pi(a | s) = exp(h(s, a)) / sum_b exp(h(s, b)).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../rng.hpp"
#include "agent.hpp"
#include "behaviour.hpp"
#include "rule.hpp"

namespace metarl_fast {

// What one begins with: h [S][A], -infinity for actions that are not available.
struct Preferences {
  std::int32_t actions;
  std::vector<double> table;
};

template <class Real>
Preferences preferences_of(const Setting<Real>& of) {
  return {static_cast<std::int32_t>(of.shape.actions),
          {of.initial_table, of.initial_table + of.shape.pairs()}};
}

class SoftmaxAgent : public Agent {
 public:
  std::int32_t act(std::int32_t state, Stream& stream) override {
    const std::uint32_t x = next(stream);
    return softmax_action(row(state), actions_, unit_53(x, stream.s[kCompanion]), 1.0);
  }

  void policy(double* probability) const override {
    const auto states = static_cast<std::int32_t>(num_states());
    for (std::int32_t s = 0; s < states; ++s, probability += actions_) write_policy(s, probability);
  }
  void q_table(double* values) const override { std::copy(preference_.begin(), preference_.end(), values); }
  bool q_row(std::int32_t state, double* values) const override {
    std::copy_n(row(state), actions_, values);
    return true;
  }

 protected:
  // No preference gets beyond `most`, either way.
  SoftmaxAgent(Preferences start, double most)
      : actions_(start.actions),
        most_(most),
        preference_(std::move(start.table)),
        probability_(static_cast<std::size_t>(actions_)) {}

  std::int32_t num_actions() const { return actions_; }
  std::size_t num_pairs() const { return preference_.size(); }
  std::size_t num_states() const { return preference_.size() / probability_.size(); }
  std::size_t pair_of(std::int32_t state, std::int32_t action) const {
    return static_cast<std::size_t>(std::int64_t{state} * actions_ + action);
  }
  double held(double x) const { return std::max(-most_, std::min(x, most_)); }

  // pi(. | s), until the next call
  const double* policy_in(std::int32_t state) {
    write_policy(state, probability_.data());
    return probability_.data();
  }

  // h(s, b) <- h(s, b) + steps(b), of the actions that are available
  template <class Steps>
  void shift(std::int32_t state, const Steps& steps) {
    double* h = preference_.data() + pair_of(state, 0);
    for (std::int32_t b = 0; b < actions_; ++b) {
      if (h[b] >= kLowestValue<double>) h[b] = held(h[b] + steps(b));
    }
  }

  // h <- h + size grad ln pi(a | s), of which entry (s, b) is 1{a = b} - pi(b | s)
  void climb(std::int32_t state, std::int32_t action, const double* pi, double size) {
    shift(state, [&](std::int32_t b) { return size * ((b == action ? 1.0 : 0.0) - pi[b]); });
  }

 private:
  const double* row(std::int32_t state) const { return preference_.data() + pair_of(state, 0); }

  void write_policy(std::int32_t state, double* probability) const {
    const double* h = row(state);
    const double largest = *std::max_element(h, h + actions_);
    double total = 0.0;
    for (std::int32_t a = 0; a < actions_; ++a) {
      total += probability[a] = softmax_weight(h[a], largest, 1.0);
    }
    for (std::int32_t a = 0; a < actions_; ++a) probability[a] /= total;
  }

  const std::int32_t actions_;
  const double most_;
  std::vector<double> preference_;   // h [S][A]
  std::vector<double> probability_;  // [A], scratch
};

}  // namespace metarl_fast
