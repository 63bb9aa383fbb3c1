// SPDX-License-Identifier: MIT
// Random numbers of laws with parameters, in plain arithmetic.
#pragma once

#include <cmath>
#include <cstdint>

#include "elementary.hpp"
#include "rng.hpp"

namespace metarl_fast {

inline double uniform_variate(Stream& stream, double low, double high) {
  const std::uint32_t x = next(stream);
  return low + (high - low) * unit_53(x, stream.s[kCompanion]);
}

inline double normal_variate(Stream& stream) { return normal_quantile(open_unit(next(stream))); }

inline double exponential_variate(Stream& stream, double mean) {
  return -mean * portable_log(open_unit(next(stream)));
}

// log of a Gamma(shape, 1) variate: Marsaglia and Tsang, "A simple method for generating gamma variables",
// ACM TOMS 26 (2000). In logarithms, because a small shape gives values that a double cannot hold.
inline double log_gamma_variate(Stream& stream, double shape) {
  double log_boost = 0.0;
  if (shape < 1.0) {
    log_boost = portable_log(open_unit(next(stream))) / shape;
    shape += 1.0;
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal_quantile(open_unit(next(stream)));
    const double u = open_unit(next(stream));
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    const double log_v = portable_log(v);
    if (portable_log(u) < 0.5 * x * x + d - d * v + d * log_v) return portable_log(d) + log_v + log_boost;
  }
}

// log(p / (1 - p)) of a Beta(a, b) variate p, which is X / (X + Y) of gamma variates X and Y.
inline double beta_log_odds(Stream& stream, double a, double b) {
  const double x = log_gamma_variate(stream, a);
  return x - log_gamma_variate(stream, b);
}

}  // namespace metarl_fast
