// SPDX-License-Identifier: MIT
// What a run hands on to one that continues it: where each learner stands between two episodes.
#pragma once

#include <cstdint>
#include <type_traits>

namespace metarl_fast {

// As wide as a Real, so that tables of both are read alike.
template <class Real>
using Count = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;

// How much of the next episode there is already: nothing; its start state, which is drawn once where every
// start is terminal; or all of one that the time limit cut and that goes on.
enum class Begun : std::int32_t { nothing, start, episode };

struct Standing {
  std::uint32_t stream[4];
  std::int32_t state, next_action;
  Begun begun;
  std::int32_t num_traces;
};

// How many of each a task hands on.
struct CarriedSizes {
  std::int64_t tables = 0;  // 0: this learner cannot be continued
  std::int64_t visits = 0;  // tables of them
  std::int64_t traces = 0;  // at most
};

// Of all tasks, or of one; null for what the learner does not have.
template <class Real>
struct Carried {
  Standing* standing = nullptr;         // [tasks]
  Real* tables = nullptr;               // [tasks][tables][S][A]
  Count<Real>* visits = nullptr;        // the same
  std::int32_t* trace_cells = nullptr;  // [tasks][traces], counted from the learner's first cell
  Real* traces = nullptr;               // [tasks][traces]

  Carried of(std::int64_t task, const CarriedSizes& sizes, std::int64_t pairs) const {
    const auto at = [task](auto* array, std::int64_t entries) {
      return array ? array + task * entries : array;
    };
    return {at(standing, 1), at(tables, sizes.tables * pairs), at(visits, sizes.visits * pairs),
            at(trace_cells, sizes.traces), at(traces, sizes.traces)};
  }
};

}  // namespace metarl_fast
