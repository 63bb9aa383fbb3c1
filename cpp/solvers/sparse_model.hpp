// SPDX-License-Identifier: MIT
// One task as planners of sparse tasks want it: for each (state, action) the outcomes that go on to another
// state, in compressed rows, whichever way the task is stored.
//
//   weight  discount p_k of going on to another state; outcomes of probability 0 are left out
//   excess  (1 - discount) + discount p(the episode ends): what a row of discounted weights misses to 1
//   stay    discount p(the state stays as it is), which nothing but action values needs
//   reward  sum_k p_k r_k, times `scale`
#pragma once

#include <cstdint>
#include <vector>

#include "../interrupt.hpp"
#include "../mdp.hpp"

namespace metarl_fast {

struct SparseModel {
  std::int64_t states = 0;
  std::int64_t actions = 0;
  double discount = 1.0;
  double scale = 1.0;               // a power of two that keeps values and their rounding within doubles
  double largest_reward = 0.0;      // of any outcome, scaled
  std::vector<std::int64_t> begin;  // [pairs + 1], into the next two
  std::vector<std::int32_t> successor;
  std::vector<double> weight;
  std::vector<double> reward;        // [pairs]
  std::vector<double> reward_size;   // [pairs], sum_k p_k |r_k|: what rounding errors are measured by
  std::vector<double> excess;        // [pairs]
  std::vector<double> stay;          // [pairs]
  std::vector<std::uint8_t> usable;  // [pairs], whether the action is available

  std::int64_t pairs() const { return states * actions; }
  std::int64_t first_usable(std::int64_t state) const;
};

// Fills `model`, reusing its room. State order[i] of the task is state i of the model; null for the same
// order.
void build(const Shape&, const TaskView&, double discount, const std::vector<std::int32_t>* order,
           SparseModel& model, const Interrupt& interrupt);

// Whether a task stored as dense rows is so sparse that planning does better on its compressed rows.
bool is_really_sparse(const Shape&, const TaskView&);

}  // namespace metarl_fast
