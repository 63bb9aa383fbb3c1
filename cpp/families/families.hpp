// SPDX-License-Identifier: MIT
// The list of families that the core draws. The bindings are made of it: a family is added by its own file
// and a line here.
#pragma once

#include "goal_grid.hpp"
#include "river_swim.hpp"
#include "task_distribution.hpp"

namespace metarl_fast {

template <class... Kinds>
struct FamilyList {};

using Families = FamilyList<  //
    GoalGrid,                 //
    RiverSwim,                //
    TaskDistribution>;

}  // namespace metarl_fast
