// SPDX-License-Identifier: MIT
// The core through its public headers, without Python, so that the sanitizers see all of it. What the right
// answers are is tested in Python, against tests/reference.py; here they are known ones, or each other.
#include <metarl_fast/engine.hpp>
#include <metarl_fast/families/goal_grid.hpp>
#include <metarl_fast/families/maze.hpp>
#include <metarl_fast/families/mixture.hpp>
#include <metarl_fast/families/permuted.hpp>
#include <metarl_fast/families/slippery.hpp>
#include <metarl_fast/families/task_distribution.hpp>
#include <metarl_fast/families/two_step.hpp>
#include <metarl_fast/generated_tasks.hpp>
#include <metarl_fast/learners/agent_learner.hpp>
#include <metarl_fast/learners/rules.hpp>
#include <metarl_fast/learners/td_learner.hpp>
#include <metarl_fast/rng.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "expect.hpp"

namespace {

using namespace metarl_fast;

// The message of the std::invalid_argument that `call` throws.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// --- tasks -------------------------------------------------------------------------------------------------

std::vector<double> first_state(std::int64_t states) {
  std::vector<double> start(static_cast<std::size_t>(states), 0.0);
  start[0] = 1.0;
  return start;
}

TaskDistribution random_family(TaskDistribution::TransitionLaw law) {
  TaskDistribution family;
  family.states = 10;
  family.actions = 5;
  family.transition_law = law;
  family.branching = 3;
  family.start = first_state(10);
  return family;
}

GoalGrid grid_family() {
  GoalGrid family;
  family.height = 5;
  family.width = 4;
  family.walls.assign(20, 0);
  family.wall_density = 0.2;
  family.slip = 0.1;
  family.goals = {18, 19};
  family.goal_cumulative = {0.5, 1.0};
  return family;
}

Maze maze_family() {
  Maze family;
  family.height = 7;
  family.width = 5;
  family.carving = Carving::binary_tree;
  family.slip = 0.1;
  family.goals = {2, 34};
  family.goal_cumulative = {0.5, 1.0};
  family.step_reward = -0.1;
  return family;
}

TaskIds range_of(std::int64_t count) { return {0, count, nullptr}; }

// Two states: action 0 stays, action 1 moves to the other; leaving state 0 pays 1, the rest nothing.
struct SwitchTask {
  std::vector<double> transitions{1, 0, 0, 1, 0, 1, 1, 0};
  std::vector<double> rewards{0, 1, 0, 0};
  std::vector<std::uint8_t> terminal{0, 0};
  std::vector<double> start{1, 0};

  StoredTasks batch() const {
    TaskArrays arrays;
    arrays.first = {transitions.data(), nullptr,      rewards.data(), nullptr,
                    terminal.data(),    start.data(), nullptr,        0.0};
    return StoredTasks({2, 2, 2, true, 0.0}, range_of(1), arrays);
  }
};

// --- streams -----------------------------------------------------------------------------------------------

void test_philox_known_answers() {
  // Random123's kat_vectors, philox4x32 with 10 rounds.
  const Philox4x32 zeros = philox4x32({{0, 0, 0, 0}}, 0, 0);
  EXPECT(zeros.word[0] == 0x6627e8d5 && zeros.word[1] == 0xe169c58d);
  EXPECT(zeros.word[2] == 0xbc57ac4c && zeros.word[3] == 0x9b00dbd8);
  const std::uint32_t ones = 0xffffffff;
  const Philox4x32 full = philox4x32({{ones, ones, ones, ones}}, ones, ones);
  EXPECT(full.word[0] == 0x408f276d && full.word[1] == 0x41c83b0e);
  EXPECT(full.word[2] == 0xa20bc7c6 && full.word[3] == 0x6d5451fd);
}

void test_streams_differ_by_key_task_and_purpose() {
  std::set<std::uint32_t> seen;
  for (const std::uint64_t key : {std::uint64_t{1}, std::uint64_t{1} << 32}) {
    for (const std::uint64_t task : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 55}) {
      for (const Purpose purpose : {Purpose::transitions, Purpose::rewards, Purpose::learning}) {
        Stream stream = make_stream(key, task, purpose);
        seen.insert(next(stream));
      }
    }
  }
  EXPECT(seen.size() == 2 * 3 * 3);
}

// --- families ----------------------------------------------------------------------------------------------

// What a formula says is what is written out, number for number.
void expect_same_task(const TaskFormula& formula, const Shape& shape, const TaskView& task) {
  std::vector<Outcome> row(static_cast<std::size_t>(shape.outcomes));
  double largest = 0.0;
  for (std::int64_t pair = 0; pair < shape.pairs(); ++pair) {
    formula.outcomes(pair / shape.actions, pair % shape.actions, row.data());
    std::int64_t place = pair * shape.outcomes;
    for (const Outcome& found : row) {
      EXPECT(found.probability == task.probability[place] && found.next_state == task.next_state[place]);
      EXPECT(found.reward == task.reward[place] && found.terminated == (task.terminated[place] != 0));
      largest = std::max(largest, std::fabs(task.reward[place++]));
    }
  }
  for (std::int64_t s = 0; s < shape.states; ++s) {
    EXPECT(formula.terminal(s) == (task.terminal[s] != 0));
    EXPECT((formula.start() == s) == (task.start[s] > 0.0));
  }
  EXPECT(formula.largest_reward() >= largest);
}

void test_formulas_say_what_is_written() {
  GoalGrid grid = grid_family();
  grid.wall_density = 0.0;
  grid.walls[5] = 1;
  grid.start = 0;
  const Maze maze = maze_family();
  TaskDistribution garnet = random_family(TaskDistribution::TransitionLaw::hashed_garnet);
  garnet.reward_law = RewardLaw::normal;
  for (const Family* family : {static_cast<const Family*>(&grid), static_cast<const Family*>(&maze),
                               static_cast<const Family*>(&garnet)}) {
    EXPECT(family->has_formula());
    const Shape shape = family->shape();
    TaskBuffer buffer(shape);
    for (std::uint64_t id = 0; id < 20; ++id) {
      family->write(7, id, 0, buffer, {});
      expect_same_task(*family->formula(7, id), shape, buffer.view());
    }
  }
}

// Writes out all tasks and lets StoredTasks check them as it checks a stranger's.
void expect_valid(const TaskBatch& tasks) {
  const Shape& shape = tasks.shape();
  const auto n = static_cast<std::size_t>(tasks.size());
  std::vector<double> probability(n * static_cast<std::size_t>(shape.probabilities()));
  std::vector<std::int32_t> next_state(shape.dense ? 0 : probability.size());
  std::vector<double> reward(n * static_cast<std::size_t>(shape.rewards()));
  std::vector<std::uint8_t> terminated(n * static_cast<std::size_t>(shape.terminations()));
  std::vector<std::uint8_t> terminal(n * static_cast<std::size_t>(shape.states));
  std::vector<double> start(n * static_cast<std::size_t>(shape.states));
  materialise(tasks,
              {probability.data(), shape.dense ? nullptr : next_state.data(), reward.data(),
               shape.dense ? nullptr : terminated.data(), start.data(), nullptr, terminal.data()},
              {2, nullptr});
  TaskArrays arrays;
  arrays.first = {probability.data(), next_state.data(), reward.data(), terminated.data(),
                  terminal.data(),    start.data(),      nullptr};
  arrays.start_stride = arrays.terminal_stride = shape.states;
  EXPECT(refusal([&] { StoredTasks(shape, tasks.ids(), arrays); }) == "nothing was thrown");
}

void test_families_draw_valid_tasks() {
  for (const auto law : {TaskDistribution::TransitionLaw::uniform, TaskDistribution::TransitionLaw::dirichlet,
                         TaskDistribution::TransitionLaw::garnet}) {
    expect_valid(GeneratedTasks(share(random_family(law)), 7, range_of(37)));
  }
  expect_valid(GeneratedTasks(share(grid_family()), 7, range_of(37)));
}

void test_a_task_is_its_id() {
  const GeneratedTasks whole(share(random_family(TaskDistribution::TransitionLaw::garnet)), 7, range_of(8));
  const std::shared_ptr<const std::uint64_t> list(new std::uint64_t[2]{5, 2},
                                                  [](const std::uint64_t* p) { delete[] p; });
  const GeneratedTasks part(share(random_family(TaskDistribution::TransitionLaw::garnet)), 7, {0, 2, list});
  TaskBuffer a(whole.shape());
  TaskBuffer b(part.shape());
  whole.load(5, a);
  part.load(0, b);
  EXPECT(a.probability == b.probability && a.next_state == b.next_state && a.reward == b.reward);
  part.load(1, b);
  EXPECT(a.probability != b.probability);
}

// Else each trial of the two-step task would be reached from the first one.
void test_what_a_family_keeps_stays_with_the_task() {
  Permuted permuted;
  permuted.family = share(TwoStep());
  Slippery slippery;
  slippery.family = share(permuted);
  Mixture mixture;
  mixture.families = {slippery.family, share(slippery)};
  mixture.cumulative = {0.5, 1.0};
  for (const Family* family : {static_cast<const Family*>(&permuted), static_cast<const Family*>(&slippery),
                               static_cast<const Family*>(&mixture)}) {
    for (std::uint64_t id = 0; id < 8; ++id) {
      TaskBuffer gone_on(family->shape()), alone(family->shape());
      for (std::int64_t trial = 0; trial < 5; ++trial) {
        family->write(7, id, trial, gone_on, {});
        EXPECT(gone_on.memory.has_value());
      }
      family->write(7, id, 4, alone, {});
      EXPECT(gone_on.probability == alone.probability && gone_on.reward == alone.reward);
    }
  }
}

// --- train -------------------------------------------------------------------------------------------------

template <class Real>
struct Trained {
  std::vector<Real> q_table, snapshots;
  std::vector<double> returns;
  std::vector<std::int32_t> policy;

  bool operator==(const Trained& other) const {
    return q_table == other.q_table && returns == other.returns && snapshots == other.snapshots &&
           policy == other.policy;
  }
};

constexpr std::int64_t kEpisodes = 30;
constexpr std::int64_t kSteps = 12;

template <class Real>
Trained<Real> run(const TaskBatch& tasks, TdLearner learner, int num_threads, bool by_agents = false) {
  const Shape& shape = tasks.shape();
  const auto n = static_cast<std::size_t>(tasks.size());
  const auto pairs = static_cast<std::size_t>(shape.pairs());
  const std::vector<double> exploration(kEpisodes, 0.2);
  learner.exploration = exploration.data();
  learner.num_explorations = kEpisodes;
  const std::vector<Real> initial(pairs, Real(0.5));
  const std::array<std::int64_t, 3> snapshot_episodes{0, 7, kEpisodes};
  Trained<Real> out;
  out.q_table.resize(n * pairs);
  out.returns.resize(n * kEpisodes);
  out.snapshots.resize(n * snapshot_episodes.size() * pairs);
  out.policy.resize(n * static_cast<std::size_t>(shape.states));

  TrainArrays<Real> arrays;
  arrays.initial_table = initial.data();
  arrays.q_table = out.q_table.data();
  arrays.policy = out.policy.data();
  arrays.returns = out.returns.data();
  arrays.snapshots = out.snapshots.data();
  arrays.snapshot_episodes = snapshot_episodes.data();
  arrays.num_snapshots = static_cast<std::int64_t>(snapshot_episodes.size());
  const OneByOne agents(learner);
  const Learner& wanted = by_agents ? static_cast<const Learner&>(agents) : learner;
  train(tasks, wanted, {3, kEpisodes, kSteps, false}, arrays, {num_threads, nullptr});
  return out;
}

// The instruction sets that METARL_FAST_ISA may name on this machine.
std::vector<std::string> instruction_sets() {
  std::vector<std::string> usable;
  const SwitchTask task;
  for (const char* name : {"base", "avx2", "avx512"}) {
    setenv("METARL_FAST_ISA", name, 1);
    if (refusal([&] { run<float>(task.batch(), TdLearner(), 1); }) == "nothing was thrown") {
      usable.emplace_back(name);
    }
  }
  unsetenv("METARL_FAST_ISA");
  return usable;
}

TdLearner learner_of(Rule rule, Behaviour behaviour, double decay, double bonus) {
  TdLearner learner;
  learner.rule = rule;
  learner.behaviour = behaviour;
  learner.learning_rate_decay = decay;
  learner.bonus = bonus;
  learner.trace_decay = 0.8;
  return learner;
}

// Every rule, every behaviour, with and without counts.
const std::vector<TdLearner> kLearners = {
    learner_of(rule_of<QLearning>(), Behaviour::uniform, 0.0, 0.0),
    learner_of(rule_of<QLearning>(), Behaviour::epsilon_greedy, 0.7, 0.0),
    learner_of(rule_of<QLearning>(), Behaviour::epsilon_greedy, 0.0, 0.3),
    learner_of(rule_of<Sarsa>(), Behaviour::uniform, 0.7, 0.0),
    learner_of(rule_of<Sarsa>(), Behaviour::softmax, 0.0, 0.3),
    learner_of(rule_of<ExpectedSarsa>(), Behaviour::epsilon_greedy, 0.0, 0.3),
    learner_of(rule_of<ExpectedSarsa>(), Behaviour::softmax, 0.0, 0.0),
    learner_of(rule_of<DoubleQLearning>(), Behaviour::epsilon_greedy, 0.7, 0.3),
    learner_of(rule_of<QLambda>(), Behaviour::epsilon_greedy, 0.0, 0.0),
    learner_of(rule_of<SarsaLambda>(), Behaviour::epsilon_greedy, 0.7, 0.3),
};

template <class Real>
void expect_same_bits(const TaskBatch& tasks, const std::vector<std::string>& isas) {
  for (const TdLearner& learner : kLearners) {
    const Trained<Real> one = run<Real>(tasks, learner, 1);
    EXPECT(run<Real>(tasks, learner, 2) == one);
    EXPECT(run<Real>(tasks, learner, 2, /*by_agents=*/true) == one);
    for (const std::string& isa : isas) {
      setenv("METARL_FAST_ISA", isa.c_str(), 1);
      EXPECT(run<Real>(tasks, learner, 1) == one);
    }
    unsetenv("METARL_FAST_ISA");
    // The first snapshot is the initial table, the last the final one, of every task.
    const auto pairs = static_cast<std::size_t>(tasks.shape().pairs());
    for (std::size_t i = 0; i < static_cast<std::size_t>(tasks.size()); ++i) {
      const Real* snapshots = one.snapshots.data() + i * 3 * pairs;
      EXPECT(std::vector<Real>(snapshots, snapshots + pairs) == std::vector<Real>(pairs, Real(0.5)));
      const Real* final_table = one.q_table.data() + i * pairs;
      EXPECT(std::vector<Real>(snapshots + 2 * pairs, snapshots + 3 * pairs) ==
             std::vector<Real>(final_table, final_table + pairs));
    }
  }
}

// A family of the uniform law that does not say so.
class WithoutLaw final : public Family {
 public:
  explicit WithoutLaw(TaskDistribution of) : of_(std::move(of)) {}
  void check() const override { of_.check(); }
  Shape shape() const override { return of_.shape(); }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    of_.write(key, id, segment, task, interrupt);
  }

 private:
  TaskDistribution of_;
};

// Tasks of the uniform law that the kernel draws for all lanes, and the same written out one by one.
void test_drawn_in_the_kernel_or_written_out() {
  for (const std::int64_t states : {9, 33, 64, 65, 80}) {
    TaskDistribution family;
    family.states = states;
    family.actions = 2;
    family.reward_law = RewardLaw::normal;
    family.start.assign(static_cast<std::size_t>(states), 1.0 / static_cast<double>(states));
    const GeneratedTasks drawn(share(family), 7, range_of(35));
    const GeneratedTasks written(share(WithoutLaw(family)), 7, range_of(35));
    for (const TdLearner& learner : {kLearners[0], kLearners[1]}) {
      EXPECT(run<float>(drawn, learner, 1) == run<float>(written, learner, 1));
      EXPECT(run<double>(drawn, learner, 1) == run<double>(written, learner, 1));
    }
  }
}

void test_train_gives_the_same_bits() {
  const std::vector<std::string> isas = instruction_sets();
  EXPECT(isas.size() >= 1 && isas[0] == "base");
  TaskDistribution noisy = random_family(TaskDistribution::TransitionLaw::uniform);
  noisy.reward_noise = 0.5;
  // Enough work for two threads, and a last block that is not full.
  const GeneratedTasks dense(share(noisy), 7, range_of(150));
  const GeneratedTasks outcomes(share(grid_family()), 7, range_of(150));
  expect_same_bits<float>(dense, isas);
  expect_same_bits<double>(dense, isas);
  expect_same_bits<float>(outcomes, isas);
  expect_same_bits<double>(outcomes, isas);
}

void test_train_learns_the_optimal_policy() {
  const SwitchTask task;
  const Trained<double> learned = run<double>(task.batch(), TdLearner(), 1);
  EXPECT(learned.policy[0] == 1 && learned.policy[1] == 1);
}

void test_nothing_to_do() {
  const GeneratedTasks none(share(grid_family()), 7, range_of(0));
  EXPECT(run<float>(none, TdLearner(), 2).q_table.empty());
  const SwitchTask task;
  const std::vector<float> initial{1, 2, 3, 4};
  std::vector<float> q_table(4);
  TrainArrays<float> arrays;
  arrays.initial_table = initial.data();
  arrays.q_table = q_table.data();
  train(task.batch(), TdLearner(), {3, 0, 1, false}, arrays, RunOptions());
  EXPECT(q_table == initial);
}

// --- planning ----------------------------------------------------------------------------------------------

void test_planning_known_answers() {
  const SwitchTask task;
  const StoredTasks tasks = task.batch();
  const double discount = 0.5;
  std::array<double, 2> values{};
  std::array<double, 4> q_values{};
  std::array<std::int32_t, 2> policy{};
  std::array<std::int32_t, 6> plan{};
  double best = 0.0;
  // v(0) = 1 + v(1) / 2, v(1) = v(0) / 2.
  std::int64_t iterations = 0;
  double error = 1.0;
  const SolveArrays out{values.data(), q_values.data(), policy.data(), &best, &iterations, &error};
  value_iteration(tasks, discount, 1e-12, out, {});
  EXPECT(error <= 1e-12 && iterations > 1);
  EXPECT(std::fabs(values[0] - 4.0 / 3.0) < 1e-12 && std::fabs(values[1] - 2.0 / 3.0) < 1e-12);
  EXPECT(best == values[0] && policy[0] == 1 && policy[1] == 1);
  EXPECT(std::fabs(q_values[0] - 2.0 / 3.0) < 1e-12);

  // Three steps undiscounted: leave, come back, leave.
  const std::int64_t horizon = 3;
  backward_induction(tasks, 1.0, &horizon, out, plan.data(), 3, {});
  EXPECT(best == 2.0 && values[1] == 1.0);
  EXPECT(plan[0] == 1 && plan[2 + 1] == 1 && plan[4] == 1);

  // Half of the time each action: v(0) = 1/2 + (v(0) + v(1)) / 4, v(1) = (v(0) + v(1)) / 4.
  const std::array<double, 8> policies{0.5, 0.5, 0.5, 0.5, 0, 1, 0, 1};
  std::array<double, 4> policy_values{};
  std::array<double, 2> returns{};
  EvaluateArrays arrays;
  arrays.probability = policies.data();
  arrays.num_policies = 2;
  arrays.values = policy_values.data();
  arrays.returns = returns.data();
  evaluate(tasks, discount, nullptr, arrays, {});
  EXPECT(std::fabs(policy_values[0] - 0.75) < 1e-12 && std::fabs(policy_values[1] - 0.25) < 1e-12);
  EXPECT(std::fabs(returns[0] - 0.75) < 1e-12 && std::fabs(returns[1] - 4.0 / 3.0) < 1e-12);
}

// --- errors and cancellation -------------------------------------------------------------------------------

void test_refusals_name_the_value() {
  SwitchTask task;
  const StoredTasks tasks = task.batch();
  const std::vector<float> initial(4, 0.0f);
  TrainArrays<float> arrays;
  arrays.initial_table = initial.data();
  TdLearner learner;
  learner.learning_rate = 1.5;
  EXPECT(contains(refusal([&] { train(tasks, learner, Schedule(), arrays, RunOptions()); }), "1.5"));
  EXPECT(
      contains(refusal([&] { train(tasks, TdLearner(), {0, -2, 1, false}, arrays, RunOptions()); }), "-2"));
  EXPECT(contains(refusal([&] { train(tasks, TdLearner(), Schedule(), arrays, {0, nullptr}); }),
                  "num_threads is 0"));
  EXPECT(contains(refusal([&] { value_iteration(tasks, 1.0, 1e-8, SolveArrays{}, {}); }), "discount is 1"));
  setenv("METARL_FAST_ISA", "sse9", 1);
  EXPECT(contains(refusal([&] { train(tasks, TdLearner(), Schedule(), arrays, RunOptions()); }), "sse9"));
  unsetenv("METARL_FAST_ISA");

  task.transitions[4] = 0.25;
  EXPECT(contains(refusal([&] { task.batch(); }), "[task=0, state=1, action=0] sums to 1.25"));
  task.transitions[4] = -1.0;
  EXPECT(contains(refusal([&] { task.batch(); }), "probability -1"));
  task = SwitchTask();
  task.rewards[1] = std::nan("");
  EXPECT(contains(refusal([&] { task.batch(); }), "rewards[task=0, state=0, action=1] is nan"));
  EXPECT(contains(refusal([] { StoredTasks(Shape(), range_of(1), TaskArrays()); }), "num_states=0"));
  GoalGrid grid = grid_family();
  grid.goals[1] = 20;
  EXPECT(contains(refusal([&] { GeneratedTasks(share(grid), 0, range_of(1)); }), "20"));
  TaskDistribution garnet = random_family(TaskDistribution::TransitionLaw::garnet);
  garnet.branching = 11;
  EXPECT(contains(refusal([&] { GeneratedTasks(share(garnet), 0, range_of(1)); }), "11"));
  EXPECT(
      contains(refusal([] { GeneratedTasks(share(grid_family()), 0, {std::uint64_t{1} << 56, 1, nullptr}); }),
               "72057594037927936"));
}

struct Cancelled {};

void test_progress_may_cancel() {
  const GeneratedTasks tasks(share(grid_family()), 7, range_of(64));
  const std::vector<float> initial(80, 0.0f);
  TrainArrays<float> arrays;
  arrays.initial_table = initial.data();
  for (const int num_threads : {1, 2}) {
    bool cancelled = false;
    try {
      // Would run for hours.
      train(tasks, TdLearner(), {3, 2'000'000'000, 100, false}, arrays,
            {num_threads, [](std::int64_t, std::int64_t) { throw Cancelled(); }});
    } catch (const Cancelled&) {
      cancelled = true;
    }
    EXPECT(cancelled);
  }
}

// A batch whose tasks take so long to draw that progress is due at the solvers' first look.
class SlowTasks final : public TaskBatch {
 public:
  explicit SlowTasks(const Shape& shape) : TaskBatch(shape, {0, 1, nullptr}) {}

 private:
  TaskView do_load(std::int64_t, std::int64_t, TaskBuffer& buffer, const Interrupt&) const override {
    std::fill(buffer.probability.begin(), buffer.probability.end(),
              1.0 / static_cast<double>(shape().outcomes));
    std::iota(buffer.next_state.begin(), buffer.next_state.end(), 0);
    for (std::int32_t& state : buffer.next_state) state %= static_cast<std::int32_t>(shape().states);
    std::fill(buffer.reward.begin(), buffer.reward.end(), 1.0);
    buffer.start[0] = 1.0;
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    return buffer.view();
  }
};

// What is there before a solver's first look is left over from somebody else, and must not be followed.
void test_planning_may_be_cancelled_before_it_begins() {
  for (const Shape& shape : {Shape{8, 3, 8, true}, Shape{70, 3, 70, true}, Shape{70, 3, 2, false}}) {
    const SlowTasks tasks(shape);
    std::vector<double> values(static_cast<std::size_t>(shape.states), 1e300);
    std::vector<double> q_values(static_cast<std::size_t>(shape.pairs()), 1e300);
    std::vector<std::int32_t> policy(values.size(), 1 << 30);
    double best = 0.0;
    const std::int64_t horizon = 100'000;
    const SolveArrays out{values.data(), q_values.data(), policy.data(), &best};
    const RunOptions options{1, [](std::int64_t, std::int64_t) { throw Cancelled(); }};
    EvaluateArrays arrays;
    arrays.returns = &best;
    const auto cancelled = [](const auto& work) {
      try {
        work();
      } catch (const Cancelled&) {
        return true;
      }
      return false;
    };
    EXPECT(cancelled([&] { policy_iteration(tasks, 0.9, out, options); }));
    EXPECT(cancelled([&] { value_iteration(tasks, 0.9, 1e-12, out, options); }));
    EXPECT(cancelled([&] { backward_induction(tasks, 0.9, &horizon, out, nullptr, 0, options); }));
    EXPECT(cancelled([&] { evaluate(tasks, 0.9, nullptr, arrays, options); }));
    EXPECT(cancelled([&] { evaluate(tasks, 0.9, &horizon, arrays, options); }));
  }
}

}  // namespace

int main() {
  test_philox_known_answers();
  test_streams_differ_by_key_task_and_purpose();
  test_families_draw_valid_tasks();
  test_formulas_say_what_is_written();
  test_a_task_is_its_id();
  test_what_a_family_keeps_stays_with_the_task();
  test_train_gives_the_same_bits();
  test_drawn_in_the_kernel_or_written_out();
  test_train_learns_the_optimal_policy();
  test_nothing_to_do();
  test_planning_known_answers();
  test_refusals_name_the_value();
  test_progress_may_cancel();
  test_planning_may_be_cancelled_before_it_begins();
  std::printf("%s\n", failures == 0 ? "all passed" : "FAILED");
  return failures == 0 ? 0 : 1;
}
