// SPDX-License-Identifier: MIT
// The recurrent classes of a policy's chain: sets of states that are never left once entered, in which every
// state is visited again and again (Puterman 1994, appendix A.2). States of none of them are transient.
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "sparse_model.hpp"

namespace metarl_fast {

struct RecurrentClasses {
  std::vector<std::int32_t> of;     // [S], the state's class, numbered by their first states; -1: transient
  std::vector<std::int32_t> first;  // [classes], each class's first state
  bool ends = false;                // whether an episode may end, which is a class without states
};

// Of a model with one action in each state, see `under_policy`.
RecurrentClasses recurrent_classes(const SparseModel& chain, const Interrupt&);

}  // namespace metarl_fast
