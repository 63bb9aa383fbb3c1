// SPDX-License-Identifier: MIT
// The list of learners that are agents. The bindings are made of it: one is added by its own file and a line
// here.
#pragma once

#include "dyna_q.hpp"
#include "learners.hpp"
#include "posterior_planner.hpp"
#include "thompson_sampling.hpp"
#include "tied_q_learning.hpp"
#include "ucb1.hpp"

namespace metarl_fast {

using AgentLearners = LearnerList<  //
    DynaQ,                          //
    PosteriorPlanner,               //
    ThompsonSampling,               //
    TiedQLearning,                  //
    Ucb1>;

}  // namespace metarl_fast
