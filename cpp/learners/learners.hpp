// SPDX-License-Identifier: MIT
// The list of learners: whoever adds an update rule, or a learner that is an agent, adds a line here.
#pragma once

#include "double_q_learning.hpp"
#include "expected_sarsa.hpp"
#include "q_lambda.hpp"
#include "q_learning.hpp"
#include "sarsa.hpp"
#include "sarsa_lambda.hpp"

namespace metarl_fast {

template <class... Each>
struct LearnerList {};

// Update rules, which the kernel is compiled for.
using Rules = LearnerList<  //
    QLearning,              //
    Sarsa,                  //
    ExpectedSarsa,          //
    DoubleQLearning,        //
    QLambda,                //
    SarsaLambda>;

}  // namespace metarl_fast
