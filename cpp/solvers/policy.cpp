// SPDX-License-Identifier: MIT
#include "policy.hpp"

#include <sstream>
#include <stdexcept>

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

void write_uniform(const Shape& shape, const TaskView& task, std::vector<double>& probability) {
  for (std::int64_t s = 0; s < shape.states; ++s) {
    const std::int64_t row = s * shape.actions;
    std::int64_t choices = 0;
    for (std::int64_t a = 0; a < shape.actions; ++a) choices += available(shape, task, row + a) ? 1 : 0;
    for (std::int64_t a = 0; a < shape.actions; ++a) {
      probability[size(row + a)] = available(shape, task, row + a) ? 1.0 / static_cast<double>(choices) : 0.0;
    }
  }
}

void check_available(const Shape& shape, const TaskView& task, std::int64_t index,
                     const std::vector<double>& probability) {
  if (!shape.masked) return;
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    if (probability[size(pair)] == 0.0 || available(shape, task, pair)) continue;
    std::ostringstream message;
    message << "policy[task=" << index << ", state=" << pair / shape.actions
            << ", action=" << pair % shape.actions << "] has probability " << probability[size(pair)]
            << ", but the action is not available there";
    throw std::invalid_argument(message.str());
  }
}

}  // namespace

void write_probabilities(const Shape& shape, const TaskView& task, const PolicyView& policy,
                         std::vector<double>& probability) {
  probability.assign(size(shape.pairs()), 0.0);
  if (policy.probability != nullptr) {
    probability.assign(policy.probability, policy.probability + shape.pairs());
  } else if (policy.action != nullptr) {
    for (std::int64_t s = 0; s < shape.states; ++s)
      probability[size(s * shape.actions + policy.action[s])] = 1.0;
  } else {
    write_uniform(shape, task, probability);
  }
  check_available(shape, task, policy.task, probability);
}

void follow(const Shape& shape, const TaskView& task, const std::vector<double>& probability, Chain& chain) {
  chain.begin.assign(1, 0);
  chain.successor.clear();
  chain.weight.clear();
  for (std::int64_t s = 0; s < shape.states; ++s) {
    for (std::int64_t a = 0; a < shape.actions; ++a) {
      const std::int64_t pair = s * shape.actions + a;
      if (probability[size(pair)] == 0.0) continue;
      for (std::int64_t k = 0; k < shape.outcomes; ++k) {
        const std::int64_t place = pair * shape.outcomes + k;
        const double weight = probability[size(pair)] * task.probability[place];
        if (weight == 0.0 || (shape.dense ? task.terminal[k] : task.terminated[place])) continue;
        chain.successor.push_back(shape.dense ? static_cast<std::int32_t>(k) : task.next_state[place]);
        chain.weight.push_back(weight);
      }
    }
    chain.begin.push_back(static_cast<std::int64_t>(chain.successor.size()));
  }
}

void expected_pay(const Shape& shape, const std::vector<double>& probability, const double* pay,
                  double* expected) {
  for (std::int64_t s = 0; s < shape.states; ++s) {
    expected[s] = 0.0;
    for (std::int64_t pair = s * shape.actions; pair < (s + 1) * shape.actions; ++pair) {
      if (probability[size(pair)] != 0.0) expected[s] += probability[size(pair)] * pay[pair];
    }
  }
}

}  // namespace metarl_fast
