// SPDX-License-Identifier: MIT
// Distributions drawn from a Dirichlet law, as normalised gamma variates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "../elementary.hpp"
#include "../rng.hpp"
#include "../variates.hpp"

namespace metarl_fast {

// Replaces each weight > 0, in place, by a share of Dirichlet(concentration * weights); those of 0 stay 0.
// Sums over all `count` weights in order.
inline void draw_dirichlet(Stream& stream, double concentration, double* weights, std::size_t count,
                           std::vector<double>& logs) {
  logs.assign(count, -kInfinity);
  for (std::size_t k = 0; k < count; ++k) {
    if (weights[k] > 0.0) logs[k] = log_gamma_variate(stream, concentration * weights[k]);
  }
  const double largest = *std::max_element(logs.begin(), logs.end());
  double total = 0.0;
  for (std::size_t k = 0; k < count; ++k) {
    weights[k] = weights[k] > 0.0 ? portable_exp(logs[k] - largest) : 0.0;
    total += weights[k];
  }
  for (std::size_t k = 0; k < count; ++k) weights[k] /= total;
}

}  // namespace metarl_fast
