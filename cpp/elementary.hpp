// SPDX-License-Identifier: MIT
// log, exp and the normal quantile in plain arithmetic. The system's versions pick other code on other
// processors, so nothing that decides a task or a draw may call them. `sqrt`, + - * / are exact by
// IEEE 754 and therefore the same everywhere. tests/test_elementary.py measures the errors.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace metarl_fast {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Exact by IEEE 754. (std::sqrt of a float is a weak symbol where it is not inlined.)
static inline float square_root(float x) { return __builtin_sqrtf(x); }
static inline double square_root(double x) { return __builtin_sqrt(x); }

// Natural logarithm of a positive, finite, normal x; error below 2 units in the last place.
// x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 artanh(z), z = (m-1)/(m+1), as a series in z^2.
static inline double portable_log(double x) {
  std::int64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  // Subtracting the bits of sqrt(1/2) before the shift rounds the exponent to the nearest power of two.
  const std::int64_t exponent = (bits - 0x3FE6A09E667F3BCD) >> 52;
  bits -= exponent * (std::int64_t{1} << 52);
  double m;
  std::memcpy(&m, &bits, sizeof m);
  const double z = (m - 1.0) / (m + 1.0);
  const double w = z * z;
  double series = 1.0 / 23;
  series = series * w + 1.0 / 21;
  series = series * w + 1.0 / 19;
  series = series * w + 1.0 / 17;
  series = series * w + 1.0 / 15;
  series = series * w + 1.0 / 13;
  series = series * w + 1.0 / 11;
  series = series * w + 1.0 / 9;
  series = series * w + 1.0 / 7;
  series = series * w + 1.0 / 5;
  series = series * w + 1.0 / 3;
  const double k = static_cast<double>(exponent);
  // ln 2 in two parts: the first has zeros in its last 32 bits, so k times it is exact.
  return k * 0x1.62e42feep-1 + (2.0 * z + (2.0 * z * w * series + k * 0x1.a39ef35793c76p-33));
}

// Exponential of x; 0 below -708, x is held at 709 above. Error below 2 units in the last place.
static inline double portable_exp(double x) {
  const bool underflow = x < -708.0;
  x = underflow ? -708.0 : (x > 709.0 ? 709.0 : x);
  // Adding and subtracting 1.5 * 2^52 rounds to the nearest integer in every IEEE rounding of doubles.
  const double k = (x * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
  const double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
  double series = 1.0 / 6227020800.0;
  series = series * r + 1.0 / 479001600.0;
  series = series * r + 1.0 / 39916800.0;
  series = series * r + 1.0 / 3628800.0;
  series = series * r + 1.0 / 362880.0;
  series = series * r + 1.0 / 40320.0;
  series = series * r + 1.0 / 5040.0;
  series = series * r + 1.0 / 720.0;
  series = series * r + 1.0 / 120.0;
  series = series * r + 1.0 / 24.0;
  series = series * r + 1.0 / 6.0;
  series = series * r + 0.5;
  series = series * r + 1.0;
  series = series * r + 1.0;
  const std::int64_t bits = (static_cast<std::int64_t>(k) + 1023) * (std::int64_t{1} << 52);
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return underflow ? 0.0 : series * power;
}

// The normal quantile is algorithm AS 241, PPND16 (Wichura, Applied Statistics 37, 1988), relative error
// about 1e-16: one rational function in the middle, two in the tails. Here for |q| <= 0.425, q = p - 1/2.
static inline double normal_middle(double q) {
  const double r = 0.180625 - q * q;
  const double numerator =
      ((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r +
          4.5921953931549871457e4) *
             r +
         1.3731693765509461125e4) *
            r +
        1.9715909503065514427e3) *
           r +
       1.3314166789178437745e2) *
          r +
      3.3871328727963666080e0;
  const double denominator =
      ((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r +
          2.1213794301586595867e4) *
             r +
         5.3941960214247511077e3) *
            r +
        6.8718700749205790830e2) *
           r +
       4.2313330701600911252e1) *
          r +
      1.0;
  return q * numerator / denominator;
}

// |x| at r = sqrt(-log(min(p, 1 - p))) up to 5.
static inline double normal_tail(double r) {
  r -= 1.6;
  const double numerator =
      ((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r +
          1.27045825245236838258e0) *
             r +
         3.64784832476320460504e0) *
            r +
        5.76949722146069140550e0) *
           r +
       4.63033784615654529590e0) *
          r +
      1.42343711074968357734e0;
  const double denominator =
      ((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r +
          1.48103976427480074590e-1) *
             r +
         6.89767334985100004550e-1) *
            r +
        1.67638483018380384940e0) *
           r +
       2.05319162663775882187e0) *
          r +
      1.0;
  return numerator / denominator;
}

// |x| at r beyond 5.
static inline double normal_far_tail(double r) {
  r -= 5.0;
  const double numerator =
      ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r +
          2.65321895265761230930e-2) *
             r +
         2.96560571828504891230e-1) *
            r +
        1.78482653991729133580e0) *
           r +
       5.46378491116411436990e0) *
          r +
      6.65790464350110377720e0;
  const double denominator =
      ((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r +
          7.86869131145613259100e-4) *
             r +
         1.48753612908506148525e-2) *
            r +
        1.36929880922735805310e-1) *
           r +
       5.99832206555887937690e-1) *
          r +
      1.0;
  return numerator / denominator;
}

// x with P(N(0,1) <= x) = p for p in (0, 1).
static inline double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) return normal_middle(q);
  const double r = std::sqrt(-portable_log(q < 0.0 ? p : 1.0 - p));
  const double x = r <= 5.0 ? normal_tail(r) : normal_far_tail(r);
  return q < 0.0 ? -x : x;
}

// normal_quantile(p) for p no closer to 0 and 1 than 2^-33, where r stays below 5: without branches, so that
// a kernel can work it out for many lanes at once.
static inline double normal_quantile_32(double p) {
  const double q = p - 0.5;
  const double middle = normal_middle(q);
  const double tail = normal_tail(std::sqrt(-portable_log(q < 0.0 ? p : 1.0 - p)));
  const double outside = q < 0.0 ? -tail : tail;
  return std::fabs(q) <= 0.425 ? middle : outside;
}

// x^-w for x >= 1, the decay of count-based step sizes.
static inline double inverse_power(double x, double w) { return portable_exp(-w * portable_log(x)); }

}  // namespace metarl_fast
