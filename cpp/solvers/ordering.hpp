// SPDX-License-Identifier: MIT
// In which order states are eliminated: as they are numbered, or by reverse Cuthill-McKee where that keeps
// what fills up small (Cuthill and McKee 1969; George 1971).
#pragma once

#include <cstdint>
#include <vector>

#include "sparse_model.hpp"

namespace metarl_fast {

// The order over the graph of all actions, or nothing if the model's own order is good enough.
// Both throw Interrupted.
std::vector<std::int32_t> elimination_order(const SparseModel&, const Interrupt&);

// The multiplications of one elimination in the model's order at most, whatever the policy; what it stores.
struct EliminationCost {
  double multiplications;
  double entries;
};
EliminationCost elimination_cost(const SparseModel&, const Interrupt&);

}  // namespace metarl_fast
