// SPDX-License-Identifier: MIT
// Action values as a table: an entry for each pair. A form says how the values of a state are made of what is
// learned, and how what is learned moves; the agents of td.hpp are made for any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../carried.hpp"
#include "agent.hpp"
#include "rule.hpp"

namespace metarl_fast {

// One visit more; the number stays at the most that it can hold.
template <class Integer>
static inline void count_one(Integer& visits) {
  visits += visits < std::numeric_limits<Integer>::max() - 1;
}

template <class Real>
class TableForm {
 public:
  explicit TableForm(const Setting<Real>& of) : pairs_(of.shape.pairs()), actions_(of.shape.actions) {}

  // How many entries are learned.
  std::size_t size() const { return static_cast<std::size_t>(pairs_); }

  // q(s, .) [A], where it lies or in `room`.
  const Real* row(const std::vector<Real>& learned, std::int64_t state, Real* room) const {
    static_cast<void>(room);
    return learned.data() + state * actions_;
  }

  // q(s, a) moves towards the target.
  void learn(std::vector<Real>& learned, std::int64_t state, std::int64_t action, Real target,
             Real rate) const {
    Real& q = learned[at(state, action)];
    q = bounded(towards(q, target, rate));
  }

  void count(std::vector<Count<Real>>& visits, std::int64_t state, std::int64_t action) const {
    count_one(visits[at(state, action)]);
  }

  // N(s, a)
  double visits(const std::vector<Count<Real>>& visits, std::int64_t state, std::int64_t action) const {
    return static_cast<double>(visits[at(state, action)]);
  }

 private:
  std::size_t at(std::int64_t state, std::int64_t action) const {
    return static_cast<std::size_t>(state * actions_ + action);
  }

  const std::int64_t pairs_, actions_;
};

}  // namespace metarl_fast
