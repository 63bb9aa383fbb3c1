// SPDX-License-Identifier: MIT
// Learning, end to end: drawing the tasks counts. Every update rule and behaviour, every size of task, on
// every instruction set; then more threads.
#include <metarl_fast/learners/rules.hpp>

#include "harness.hpp"

#include <algorithm>
#include <thread>

namespace bench {
namespace {

constexpr double kEpsilon = 0.1;
constexpr double kTemperature = 0.1;

// --- rules and behaviours, on 10 states and 5 actions ------------------------------------------------------

using B = Behaviour;

struct RuleCase {
  const char* name;
  Rule rule;
  B behaviour;
  double learning_rate_decay, bonus;
  bool doubles;            // tables of 64-bit numbers
  std::uint64_t checksum;  // of the tables; the same on any machine, instruction set and number of threads
};

// A new rule takes a line.
constexpr RuleCase kRules[] = {
    {"q_learning/uniform", rule_of<QLearning>(), B::uniform, 0, 0, false, 0x4eb3a8c8970ffe84},
    {"q_learning/epsilon_greedy", rule_of<QLearning>(), B::epsilon_greedy, 0, 0, false, 0x469a67bb21adf254},
    {"q_learning/epsilon_greedy/float64", rule_of<QLearning>(), B::epsilon_greedy, 0, 0, true,
     0x2382bb86b4932a32},
    {"q_learning/epsilon_greedy/decaying_rate", rule_of<QLearning>(), B::epsilon_greedy, 0.6, 0, false,
     0xac4232c92eef9216},
    {"q_learning/epsilon_greedy/bonus", rule_of<QLearning>(), B::epsilon_greedy, 0, 1, false,
     0xcd7dce44e4ed289f},
    {"q_learning/softmax", rule_of<QLearning>(), B::softmax, 0, 0, false, 0x65d88d7799c87b8e},
    {"sarsa/epsilon_greedy", rule_of<Sarsa>(), B::epsilon_greedy, 0, 0, false, 0xa29488b78037b759},
    {"sarsa/softmax", rule_of<Sarsa>(), B::softmax, 0, 0, false, 0xf79afac26fbe5c2a},
    {"expected_sarsa/epsilon_greedy", rule_of<ExpectedSarsa>(), B::epsilon_greedy, 0, 0, false,
     0xc7956e4358fc88f2},
    {"expected_sarsa/softmax", rule_of<ExpectedSarsa>(), B::softmax, 0, 0, false, 0x919d71b138f1572f},
    {"double_q_learning/epsilon_greedy", rule_of<DoubleQLearning>(), B::epsilon_greedy, 0, 0, false,
     0xb78e9b28f0884bc7},
    {"q_lambda/epsilon_greedy", rule_of<QLambda>(), B::epsilon_greedy, 0, 0, false, 0xf7d10287083bae74},
    {"sarsa_lambda/epsilon_greedy", rule_of<SarsaLambda>(), B::epsilon_greedy, 0, 0, false,
     0x1fa0da1c58afbec0},
};

TdLearner learner_of(Behaviour behaviour) {
  TdLearner learner;
  learner.behaviour = behaviour;
  learner.exploration = behaviour == Behaviour::softmax ? &kTemperature : &kEpsilon;
  learner.num_explorations = 1;
  return learner;
}

void rule(benchmark::State& state, const RuleCase& of, const std::string& isa) {
  TdLearner learner = learner_of(of.behaviour);
  learner.rule = of.rule;
  learner.learning_rate_decay = of.learning_rate_decay;
  learner.bonus = of.bonus;
  learner.trace_decay = 0.9;
  const GeneratedTasks tasks = tasks_of(task_distribution(10, 5), 512);
  const auto time = of.doubles ? time_train<double> : time_train<float>;
  time(state, tasks, learner, /*episodes=*/200, /*threads=*/1, isa, of.checksum);
}

// --- sizes, of Q-learning ----------------------------------------------------------------------------------

struct SizeCase {
  std::int64_t states, actions, tasks;
  std::uint64_t uniform, epsilon_greedy;  // checksums
};

constexpr SizeCase kSizes[] = {
    {10, 5, 1024, 0xfe96b8d291b9b028, 0x3574818798d26bb8},
    {16, 4, 1024, 0x863c0597322050b9, 0x3d8c240a287fd6f6},
    {32, 4, 512, 0x294f906d5a2fd14b, 0x906a08949064173c},
    {64, 4, 256, 0xdffca25d2f547eec, 0x95724401eb04ae9b},
    {256, 4, 256, 0x0bf7aed5b1f97ec2, 0x64e01b41f854a4d4},
};

void size(benchmark::State& state, const SizeCase& of, bool uniform, int threads, const std::string& isa) {
  const TdLearner learner = learner_of(uniform ? Behaviour::uniform : Behaviour::epsilon_greedy);
  const GeneratedTasks tasks = tasks_of(task_distribution(of.states, of.actions), of.tasks);
  time_train<float>(state, tasks, learner, /*episodes=*/500, threads, isa,
                    uniform ? of.uniform : of.epsilon_greedy);
}

void add_size(const SizeCase& of, bool uniform, int threads, const std::string& isa) {
  const std::string name = "sizes/S=" + std::to_string(of.states) + "/A=" + std::to_string(of.actions) +
                           (uniform ? "/uniform/" : "/epsilon_greedy/") + isa +
                           "/threads=" + std::to_string(threads);
  add_case(name,
           [&of, uniform, threads, isa](benchmark::State& state) { size(state, of, uniform, threads, isa); });
}

}  // namespace

void register_learning() {
  const std::vector<std::string> isas = instruction_sets();
  for (const RuleCase& of : kRules) {
    for (const std::string& isa : isas) {
      add_case(std::string("rules/") + of.name + "/" + isa,
               [&of, isa](benchmark::State& state) { rule(state, of, isa); });
    }
  }
  for (const SizeCase& of : kSizes) {
    for (const bool uniform : {true, false}) {
      for (const std::string& isa : isas) add_size(of, uniform, 1, isa);
    }
  }
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  for (int threads = 2; threads <= std::min(processors, 16); threads *= 2) {
    for (const SizeCase& of : kSizes) add_size(of, true, threads, isas.back());
  }
}

}  // namespace bench
