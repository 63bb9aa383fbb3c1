// SPDX-License-Identifier: MIT
// What an update costs, by update rule, size and instruction set: nanoseconds and cycles on a quiet
// processor, and instructions, which are the same on a busy one. They are counted by stepping through a child
// process, one instruction at a time (ptrace), because counters of the processor are seldom open to virtual
// machines and valgrind does not know AVX-512. Linux only; bench/README.md says how to run it.
#include <metarl_fast/engine.hpp>
#include <metarl_fast/families/task_distribution.hpp>
#include <metarl_fast/generated_tasks.hpp>
#include <metarl_fast/kernel/kernel.hpp>
#include <metarl_fast/learners/rules.hpp>
#include <metarl_fast/learners/td_learner.hpp>

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <vector>

namespace {

using namespace metarl_fast;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSteps = 10;

struct Work {
  const char* name;
  std::int64_t states, actions;
  Rule rule;
  Behaviour behaviour;
};

constexpr Work kWorks[] = {
    {"W1 uniform", 10, 5, rule_of<QLearning>(), Behaviour::uniform},
    {"W1 epsilon-greedy", 10, 5, rule_of<QLearning>(), Behaviour::epsilon_greedy},
    {"W2 uniform", 64, 4, rule_of<QLearning>(), Behaviour::uniform},
    {"W2 epsilon-greedy", 64, 4, rule_of<QLearning>(), Behaviour::epsilon_greedy},
    {"W3 uniform", 256, 4, rule_of<QLearning>(), Behaviour::uniform},
    {"W3 epsilon-greedy", 256, 4, rule_of<QLearning>(), Behaviour::epsilon_greedy},
    {"W1 softmax", 10, 5, rule_of<QLearning>(), Behaviour::softmax},
    {"W1 SARSA", 10, 5, rule_of<Sarsa>(), Behaviour::epsilon_greedy},
    {"W1 expected SARSA", 10, 5, rule_of<ExpectedSarsa>(), Behaviour::epsilon_greedy},
    {"W1 double Q", 10, 5, rule_of<DoubleQLearning>(), Behaviour::epsilon_greedy},
    {"W1 Q(lambda)", 10, 5, rule_of<QLambda>(), Behaviour::epsilon_greedy},
    {"W1 SARSA(lambda)", 10, 5, rule_of<SarsaLambda>(), Behaviour::epsilon_greedy},
};

void learn(const Work& work, std::int64_t tasks, std::int64_t episodes, std::int64_t steps = kSteps) {
  TaskDistribution family;
  family.states = work.states;
  family.actions = work.actions;
  family.start.assign(static_cast<std::size_t>(work.states), 0.0);
  family.start[0] = 1.0;
  const GeneratedTasks batch(share(std::move(family)), 1, TaskIds{0, tasks, nullptr});
  const double exploration = 0.1;
  TdLearner learner;
  learner.rule = work.rule;
  learner.behaviour = work.behaviour;
  learner.exploration = &exploration;
  learner.num_explorations = 1;
  learner.trace_decay = 0.9;
  const std::vector<float> initial(static_cast<std::size_t>(batch.shape().pairs()), 0.0f);
  TrainArrays<float> arrays;
  arrays.initial_table = initial.data();
  train(batch, learner, {2, episodes, steps, false}, arrays, {1, nullptr});
}

// The shortest of several runs, so that what else the machine does counts little.
double seconds(const Work& work, std::int64_t tasks, std::int64_t episodes) {
  double shortest = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 7; ++repeat) {
    const auto began = Clock::now();
    learn(work, tasks, episodes);
    shortest = std::min(shortest, std::chrono::duration<double>(Clock::now() - began).count());
  }
  return shortest;
}

// Instructions an update: a child is stopped in the midst of learning and followed for a while. An
// instruction that it meets as often as most others is one that it meets once in a step of all lanes.
double instructions(const Work& work) {
#if defined(__x86_64__)
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    learn(work, kLanes, 1, 1'000'000'000);
    _exit(0);
  }
  usleep(200'000);
  kill(child, SIGSTOP);
  int status = 0;
  std::vector<long> path;
  for (waitpid(child, &status, 0); WIFSTOPPED(status) && path.size() < 40'000; waitpid(child, &status, 0)) {
    path.push_back(ptrace(PTRACE_PEEKUSER, child, offsetof(user, regs.rip), nullptr));
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  std::map<long, int> visits;
  for (const long place : path) ++visits[place];
  std::map<int, int> places;
  for (const auto& [place, times] : visits) ++places[times];
  const auto once = std::find_if(places.begin(), places.end(), [](const auto& of) {
    constexpr int many = 30;
    return of.first > 1 && of.second >= many;
  });
  if (once == places.end()) return std::numeric_limits<double>::quiet_NaN();
  const auto first =
      std::find_if(path.begin(), path.end(), [&](long place) { return visits[place] == once->first; });
  const auto last = std::find(path.rbegin(), path.rend(), *first).base() - 1;
  return static_cast<double>(last - first) / (once->first - 1) / kLanes;
#else
  static_cast<void>(work);
  return std::numeric_limits<double>::quiet_NaN();
#endif
}

// Cycles a second: a chain of additions, one cycle each.
double cycles_per_second() {
  constexpr int kLinks = 400'000'000;
  double shortest = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::uint64_t x = 3;
    const auto began = Clock::now();
    for (int k = 0; k < kLinks; k += 8) {
#pragma GCC unroll 8
      for (int link = 0; link < 8; ++link) {
        x += static_cast<std::uint64_t>(k);
        asm volatile("" : "+r"(x));
      }
    }
    shortest = std::min(shortest, std::chrono::duration<double>(Clock::now() - began).count());
  }
  return kLinks / shortest;
}

}  // namespace

int main() {
  const double clock = cycles_per_second();
  std::printf("%.2f GHz\n\n%-20s%-10s%14s%14s%20s%26s\n", 1e-9 * clock, "Q-learning unless", "instruction",
              "ns an update", "cycles", "instructions", "drawing a task, us");
  std::printf("%-20s%-10s\n", "named otherwise", "set");
  for (const Work& work : kWorks) {
    int isas = 0;
    const Kernels* const* available = available_kernels(isas);
    for (int k = 0; k < isas; ++k) {
      setenv("METARL_FAST_ISA", available[k]->name, 1);
      constexpr std::int64_t kTasks = 256;
      constexpr std::int64_t kEpisodes = 500;
      // Differences leave out what is done once for each task.
      const double drawing = seconds(work, kTasks, 0) / kTasks;
      const double updates = static_cast<double>(kTasks * kEpisodes * kSteps);
      const double each = (seconds(work, kTasks, 2 * kEpisodes) - seconds(work, kTasks, kEpisodes)) / updates;
      const double counted = instructions(work);
      std::printf("%-20s%-10s%14.2f%14.1f%20.1f%26.2f\n", work.name, available[k]->name, 1e9 * each,
                  each * clock, counted, 1e6 * drawing);
      std::fflush(stdout);
    }
  }
  return 0;
}
