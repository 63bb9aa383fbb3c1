// SPDX-License-Identifier: MIT
// What a state is worth under the policies of behaviour.hpp, sum_a pi(a) q(a), for one task; the kernel has
// the same for all lanes (kernel/behave.hpp). An action that is not available has the value -infinity.
#pragma once

#include <algorithm>
#include <cstdint>

#include "behaviour.hpp"
#include "rule.hpp"

namespace metarl_fast {

// sum_a q(a) / A, over the actions that are available
template <class Real>
static inline Real mean_of_available(const Real* q, std::int32_t actions) {
  Real sum = Real{-0.0};  // leaves the first value as it is
  Real count = 0;
  for (std::int32_t a = 0; a < actions; ++a) {
    const bool there = q[a] >= kLowestValue<Real>;
    sum += there ? q[a] : Real{-0.0};
    count += there ? Real{1} : Real{0};
  }
  return bounded(sum / count);
}

// The mean of q over the actions that look best by h.
template <class Real>
static inline Real greedy_value(const Real* q, const Real* h, std::int32_t actions) {
  const Real largest = *std::max_element(h, h + actions);
  Real sum = 0;
  Real ties = 0;
  for (std::int32_t a = 0; a < actions; ++a) {
    sum += h[a] == largest ? q[a] : Real{0};
    ties += h[a] == largest ? Real{1} : Real{0};
  }
  return bounded(sum / ties);
}

// epsilon mean_a q(a) + (1 - epsilon) q(greedy)
template <class Real>
static inline Real mixed_value(Real mean, Real greedy, Real epsilon) {
  return epsilon * mean + (Real{1} - epsilon) * greedy;
}

template <class Real>
static inline Real epsilon_greedy_value(const Real* q, std::int32_t actions, Real epsilon) {
  return mixed_value(mean_of_available(q, actions), *std::max_element(q, q + actions), epsilon);
}

// The same where greedy is by other values, h.
template <class Real>
static inline Real epsilon_greedy_value(const Real* q, const Real* h, std::int32_t actions, Real epsilon) {
  return mixed_value(mean_of_available(q, actions), greedy_value(q, h, actions), epsilon);
}

// sum_a exp(h(a) / temperature) q(a) / sum_a exp(h(a) / temperature)
template <class Real>
static inline Real softmax_value(const Real* q, const Real* h, std::int32_t actions, double temperature) {
  const Real largest = *std::max_element(h, h + actions);
  double total = 0.0;
  double sum = 0.0;
  for (std::int32_t a = 0; a < actions; ++a) {
    const double weight = softmax_weight(h[a], largest, temperature);
    const bool there = q[a] >= kLowestValue<Real>;  // -infinity times weight 0 is no number
    total += weight;
    sum += weight * static_cast<double>(there ? q[a] : Real{0});
  }
  return bounded(static_cast<Real>(sum / total));
}

}  // namespace metarl_fast
