// SPDX-License-Identifier: MIT
// The list of learners that are agents. The bindings are made of it: one is added by its own file and a line
// here.
#pragma once

#include "actor_critic.hpp"
#include "committed_thompson.hpp"
#include "dyna_q.hpp"
#include "learned_policy_gradient.hpp"
#include "learners.hpp"
#include "meta_gradient_q.hpp"
#include "mixture_planner.hpp"
#include "natural_actor_critic.hpp"
#include "posterior_planner.hpp"
#include "reinforce.hpp"
#include "thompson_sampling.hpp"
#include "tied_q_learning.hpp"
#include "ucb1.hpp"

namespace metarl_fast {

using AgentLearners = LearnerList<  //
    ActorCritic,                    //
    CommittedThompson,              //
    DynaQ,                          //
    LearnedPolicyGradient,          //
    MetaGradientQ,                  //
    MixturePlanner,                 //
    NaturalActorCritic,             //
    PosteriorPlanner,               //
    Reinforce,                      //
    ThompsonSampling,               //
    TiedQLearning,                  //
    Ucb1>;

}  // namespace metarl_fast
