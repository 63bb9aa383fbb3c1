// SPDX-License-Identifier: MIT
// Which states end, at discount 1 (stochastic shortest paths; Bertsekas and Tsitsiklis 1991).
//
// A class of states that is never left has value 0 if all its rewards are 0; otherwise its value is infinite
// or does not exist, and a policy that enters it is called improper.
#pragma once

#include <cstdint>
#include <vector>

#include "sparse_model.hpp"

namespace metarl_fast {

// A task at discount 1 that can be in `state` for ever while rewards that are not 0 are collected.
struct NeverEnds {
  std::int64_t state;
};

// Which pairs may lead to a state: those of state s are pair[begin[s]] to pair[begin[s + 1]].
struct Predecessors {
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> pair;
};
Predecessors predecessors(const SparseModel&);

// For each state an action under which rewards of 0 are collected for ever, if such actions are chosen from
// there on; -1 for none.
std::vector<std::int32_t> resting_actions(const SparseModel&, const Predecessors&);

// A policy that ends, or rests, from wherever some policy does so with certainty.
struct ProperPolicy {
  std::vector<std::int32_t> action;   // [S], -1 where every policy may go on for ever
  std::vector<std::uint8_t> no_exit;  // [S], whether even luck does not end it
};
ProperPolicy proper_policy(const SparseModel&, const Predecessors&, const std::vector<std::int32_t>& resting);

// States that can be reached from the marked ones, which are marked too; by actions with policy > 0, or by
// all actions if policy is null.
void mark_reachable(const SparseModel&, const double* policy, std::vector<std::uint8_t>& marked);

}  // namespace metarl_fast
