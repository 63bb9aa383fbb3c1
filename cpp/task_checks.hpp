// SPDX-License-Identifier: MIT
// What task data must be, and the messages that say where it is not; used by mdp.cpp and accept.cpp.
#pragma once

#include <cstdint>
#include <string>

#include "mdp.hpp"

namespace metarl_fast {

// Rows written in float32 miss 1 by about 1e-6.
constexpr double kRowTolerance = 1e-5;
// Entries read between two looks at whether to stop, a few milliseconds of work.
constexpr std::int64_t kCellsBetweenLooks = 1 << 22;

// Refuses sizes that are not positive or that the kernel cannot count, and noise that is not finite.
void check_shape(const Shape&);

// "[task=3, state=1, action=0]".
std::string location(const Shape&, std::int64_t task, std::int64_t pair);

// What a row of probabilities is called.
const char* rows_name(const Shape&);

// The sum of a row of probabilities; refuses those that are negative or not finite, by the row's name.
double sum_of_probabilities(const double* row, std::int64_t size, const std::string& name);

// Refuses a row whose sum is not 1 within kRowTolerance.
void check_sum(double sum, const std::string& name);

// Refuses a reward that is not finite.
void check_reward(const Shape&, double reward, std::int64_t task, std::int64_t pair);

// Refuses a next state that does not exist.
void check_next_state(const Shape&, std::int64_t next_state, std::int64_t task, std::int64_t pair);

// Refuses a state without any action to take, unless nothing is done there.
void check_some_action(bool found, bool terminal, std::int64_t task, std::int64_t state);

// Refuses values that doubles cannot hold; where rewards are finite, their sums need not be.
void check_values(const double* values, std::int64_t count, std::int64_t task);

// All of it, for one task.
void check_task(const Shape&, const TaskView&, std::int64_t index);

}  // namespace metarl_fast
