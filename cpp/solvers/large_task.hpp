// SPDX-License-Identifier: MIT
// Tasks by sweeps alone, among them those too large to be eliminated: modified policy iteration (Puterman and
// Shin 1978), by sweeps whose ranges of states may be shared between threads, with MacQueen's bounds (1966;
// Puterman 1994, section 6.6).
//
// With m and M the least and largest of Tv - v, and discount < 1:
//
//   Tv + discount / (1 - discount) m  <=  v*  <=  Tv + discount / (1 - discount) M
//
// The values returned lie in the middle. Where episodes may end, m and M count as 0 if they have the other
// sign, and the values returned are Tv.
//
// Where nothing ends and tasks mix, sweeps that use new values only when all are there (Jacobi) are best:
// from sweep to sweep values are alike up to a constant, which m and M know of, so that what is left falls as
// fast as the task mixes, not as the discount. Where rewards have a long way to go, new values at once (Gauss
// and Seidel) carry them along. Which it is the first sweeps tell.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "../interrupt.hpp"
#include "../row_loop.hpp"
#include "ordering.hpp"
#include "sparse_model.hpp"

namespace metarl_fast {

// The largest error of any value, as a part of the largest value, or what rounding allows if that is more.
constexpr double kLargeTaskError = 1e-10;

// Of modified policy iteration.
struct Sweeps {
  std::int64_t greedy = 4;   // in a round whose sweeps use new values at once, there and back
  std::int64_t policy = 16;  // then of the policy found, at most
  double absolute = std::numeric_limits<double>::infinity();  // the largest error of any value, scaled
  double relative = kLargeTaskError;                          // as a part of the largest value
  bool settle = true;  // whether values far below the largest settle too, where episodes end
};

bool is_too_large_to_eliminate(const EliminationCost&);

// Optimal values [S] and policy [S] of the model, from those given. Returns the rounds that it took, 0 if
// interrupted. Needs a discount below 1.
std::int64_t solve_large(const SparseModel&, std::vector<double>& values, std::vector<std::int32_t>& policy,
                         const Sweeps&, const Interrupt&, const RowLoop&);

// The model under a policy [S][A]: one action in each state.
SparseModel under_policy(const SparseModel&, const double* policy);

}  // namespace metarl_fast
