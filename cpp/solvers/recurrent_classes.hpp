// SPDX-License-Identifier: MIT
// The recurrent classes of a policy's chain: sets of states that are never left once entered, in which every
// state is visited again and again (Puterman 1994, appendix A.2). States of none of them are transient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "envelope.hpp"
#include "sparse_model.hpp"

namespace metarl_fast {

struct RecurrentClasses {
  std::vector<std::int32_t> of;     // [S], the state's class, numbered by their first states; -1: transient
  std::vector<std::int32_t> first;  // [classes], each class's first state
  bool ends = false;                // whether an episode may end, which is a class without states

  bool begin_at(std::int64_t state) const {
    const std::int32_t c = of.empty() ? -1 : of[static_cast<std::size_t>(state)];
    return c >= 0 && first[static_cast<std::size_t>(c)] == state;
  }
};

// Of a model with one action in each state, see `under_policy`.
RecurrentClasses recurrent_classes(const SparseModel& chain, const Interrupt&);

// Eliminates such a chain, whose states are paid `pay` [S]; but the classes' first states, which all others
// of a class lead to, are closed with the classes' values. No classes close nothing.
void eliminate(const SparseModel& chain, const RecurrentClasses&, const std::vector<double>& pay,
               const std::vector<double>& closed, bool keeps_factors, Envelope&, const Interrupt&);

}  // namespace metarl_fast
