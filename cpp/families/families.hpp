// SPDX-License-Identifier: MIT
// The list of families that the core draws. The bindings are made of it: a family is added by its own file
// and a line here.
#pragma once

#include "any_mdp.hpp"
#include "bernoulli_bandit.hpp"
#include "bernoulli_rewards.hpp"
#include "block_mdp.hpp"
#include "darkroom.hpp"
#include "deep_sea.hpp"
#include "dependent_bandit.hpp"
#include "drifting.hpp"
#include "driving.hpp"
#include "family_part.hpp"
#include "goal_grid.hpp"
#include "grid_world.hpp"
#include "hidden_parameter.hpp"
#include "informative_bandit.hpp"
#include "key_to_door.hpp"
#include "linear_bandit.hpp"
#include "low_rank.hpp"
#include "lpg_grid.hpp"
#include "maze.hpp"
#include "mixture.hpp"
#include "permuted.hpp"
#include "perturbed.hpp"
#include "river_swim.hpp"
#include "same_task.hpp"
#include "seasonal.hpp"
#include "shaped.hpp"
#include "slippery.hpp"
#include "spliced.hpp"
#include "stored_family.hpp"
#include "switching.hpp"
#include "task_distribution.hpp"
#include "time_in_state.hpp"
#include "two_step.hpp"
#include "with_rewards.hpp"
#include "with_start.hpp"

namespace metarl_fast {

template <class... Kinds>
struct FamilyList {};

using Families = FamilyList<  //
    AnyMdp,                   //
    BernoulliBandit,          //
    BernoulliRewards,         //
    BlockMdp,                 //
    Darkroom,                 //
    DeepSea,                  //
    DependentBandit,          //
    Drifting,                 //
    Driving,                  //
    FamilyPart,               //
    GoalGrid,                 //
    GridWorld,                //
    HiddenParameter,          //
    InformativeBandit,        //
    KeyToDoor,                //
    LinearBandit,             //
    LowRank,                  //
    LpgGrid,                  //
    Maze,                     //
    Mixture,                  //
    Permuted,                 //
    Perturbed,                //
    RiverSwim,                //
    SameTask,                 //
    Seasonal,                 //
    Shaped,                   //
    Slippery,                 //
    Spliced,                  //
    StoredFamily,             //
    Switching,                //
    TaskDistribution,         //
    TimeInState,              //
    TwoStep,                  //
    WithRewards,              //
    WithStart>;

}  // namespace metarl_fast
