// SPDX-License-Identifier: MIT
#include "sparse_policy_iteration.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "error_bound.hpp"
#include "sparse_task.hpp"

namespace metarl_fast {
namespace {

// Sweeps before the first elimination and before others, at least; where eliminating is costly, as many as
// cost a part of it.
constexpr double kFirstSweeps = 4.0;
constexpr double kLaterSweeps = 2.0;
constexpr double kMostSweeps = 12.0;
constexpr double kMultiplicationsPerOutcome = 100.0;
// At discount 1 sweeps have no bounds, so that there is no other way.
constexpr double kMostEntriesWithoutBounds = 2.5e8;
constexpr std::int64_t kWorkBetweenChecks = 1 << 20;
constexpr std::int64_t kStatesBetweenChecks = 1 << 14;
constexpr std::int64_t kRowsAtOnce = 1 << 13;  // written by one thread

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

// r + sum_j w_j (v_j - v_s) - excess v_s, which is the advantage of improvement.hpp.
void SparseTask::advantages(std::int64_t s, double* out) const {
  const double* const v = room_.values.data();
  const double value = v[s];
  for (std::int64_t a = 0; a < model_.actions; ++a) {
    const std::int64_t pair = s * model_.actions + a;
    if (!model_.usable[size(pair)]) {
      out[a] = -kInfinity;
      continue;
    }
    double differences = 0.0;
    for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
      differences += weight_[k] * (v[successor_[k]] - value);
    }
    out[a] = model_.reward[size(pair)] + differences - model_.excess[size(pair)] * value;
  }
}

TermSizes SparseTask::sizes(std::int64_t s, std::int64_t action) const {
  const double* const v = room_.values.data();
  const std::int64_t pair = s * model_.actions + action;
  double differences = 0.0;
  double values = model_.stay[size(pair)] * std::fabs(v[s]);
  for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
    differences += weight_[k] * std::fabs(v[successor_[k]] - v[s]);
    values += weight_[k] * std::fabs(v[successor_[k]]);
  }
  const double reward = model_.reward_size[size(pair)];
  const double full = reward + values + std::fabs(v[s]);
  // At discount 1 resting where one is has an advantage of 0 without any rounding, and must not win by what
  // the values' rounding takes from the incumbent: the policy would never end.
  if (endless_) return {full, full};
  return {reward + differences + model_.excess[size(pair)] * std::fabs(v[s]), full};
}

double SparseTask::direct(std::int64_t s, std::int64_t action) const {
  const double* const v = room_.values.data();
  const std::int64_t pair = s * model_.actions + action;
  double value = model_.reward[size(pair)] + model_.stay[size(pair)] * v[s];
  for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) value += weight_[k] * v[successor_[k]];
  return value;
}

// Gauss-Seidel sweeps there and back, until nothing moves or, there and back, no action changes.
void SparseTask::sweep(std::int64_t count, const Interrupt& interrupt) {
  double* const advantage = room_.advantage.data();
  int unchanged = 0;
  bool moved = true;
  for (std::int64_t n = 0; n < count && moved && unchanged < 2; ++n, forward_ = !forward_) {
    moved = false;
    ++unchanged;
    for (std::int64_t i = 0; i < model_.states; ++i) {
      if (i % kStatesBetweenChecks == 0 && interrupt()) return;
      const std::int64_t s = forward_ ? i : model_.states - 1 - i;
      if (abandoned(s)) continue;
      advantages(s, advantage);
      std::int32_t action = room_.policy[size(s)];
      const Gain gain =
          improve(advantage, model_.actions, action, bound(), [&](std::int64_t a) { return sizes(s, a); });
      if (gain == Gain::strong) {
        room_.policy[size(s)] = action;
        unchanged = 0;
      }
      double& value = room_.values[size(s)];
      const double next = value + advantage[room_.policy[size(s)]];
      moved = moved || next != value;
      value = next;
      largest_value_ = std::max(largest_value_, std::fabs(value));
    }
  }
}

Gain SparseTask::improve_all() {
  double* const advantage = room_.advantage.data();
  changes_.clear();
  for (std::int64_t s = 0; s < model_.states; ++s) {
    if (abandoned(s)) continue;
    advantages(s, advantage);
    std::int32_t action = room_.policy[size(s)];
    const Gain gain =
        improve(advantage, model_.actions, action, bound(), [&](std::int64_t a) { return sizes(s, a); });
    changes_.add(s, action, gain);
  }
  return changes_.largest();
}

// The values of a policy. `add_row(s)` hands the row of a state to the envelope and returns its excess and
// reward; `close(s)` gives the value of the class that s closes, or NaN to give up.
template <class AddRow, class Close>
bool SparseTask::eliminate(const AddRow& add_row, const Close& close, const Interrupt& interrupt) {
  Envelope& envelope = room_.envelope;
  envelope.start(model_.states);
  std::int64_t checked = 0;
  for (std::int64_t s = 0; s < model_.states; ++s) {
    if (envelope.work_done() - checked >= kWorkBetweenChecks) {
      checked = envelope.work_done();
      if (interrupt()) return false;
    }
    const auto [excess, reward] = add_row(s);
    if (!envelope.eliminate(excess, reward)) envelope.close(close(s));
  }
  envelope.solve(room_.values.data());
  return true;
}

// At discount 1 a policy may never end. The first time, all is begun again from one that does.
bool SparseTask::solve_policy(const Interrupt& interrupt) {
  for (;;) {
    std::int64_t improper = -1;
    const auto add_row = [&](std::int64_t s) {
      const std::int64_t pair = s * model_.actions + room_.policy[size(s)];
      for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k)
        room_.envelope.add(successor_[k], weight_[k]);
      return std::pair<double, double>{model_.excess[size(pair)], model_.reward[size(pair)]};
    };
    const auto close = [&](std::int64_t s) {
      if (abandoned(s)) return -kInfinity;
      const std::vector<std::uint8_t> closed = class_of(s, nullptr);
      for (std::int64_t t = 0; t < model_.states && improper < 0; ++t) {
        const std::int64_t pair = t * model_.actions + room_.policy[size(t)];
        if (closed[size(t)] && model_.reward[size(pair)] != 0.0) improper = t;
      }
      return 0.0;
    };
    if (!eliminate(add_row, close, interrupt)) return false;
    if (improper < 0) break;
    if (started_over_) never_ends(improper);
    start_over();
  }
  measure_values();
  return true;
}

void SparseTask::measure_values() {
  largest_value_ = 0.0;
  for (const double value : room_.values) {
    if (value != -kInfinity) largest_value_ = std::max(largest_value_, std::fabs(value));
  }
}

void SparseTask::begin() {
  room_.abandoned.clear();
  room_.policy.resize(size(model_.states));
  for (std::int64_t s = 0; s < model_.states; ++s) {
    room_.policy[size(s)] = static_cast<std::int32_t>(model_.first_usable(s));
  }
  room_.values.assign(size(model_.states), 0.0);
}

std::int64_t SparseTask::solve(const Sweeps& sweeps, const Interrupt& interrupt, const RowLoop& rows) {
  begin();
  const std::int64_t rounds = solve_large(model_, room_.values, room_.policy, sweeps, interrupt, rows);
  measure_values();
  return rounds;
}

std::int64_t SparseTask::solve(const Interrupt& interrupt, const RowLoop& rows) {
  if (is_large()) return solve(Sweeps{}, interrupt, rows);
  begin();
  const double extra = room_.elimination.multiplications /
                       (kMultiplicationsPerOutcome * static_cast<double>(model_.successor.size() + 1));
  const auto sweeps = [&](double least) {
    return static_cast<std::int64_t>(std::min(kMostSweeps, least + extra));
  };
  sweep(sweeps(kFirstSweeps), interrupt);
  int weak_rounds = 0;
  int rounds = 0;
  while (rounds++ < kMostRounds) {
    if (!solve_policy(interrupt)) return 0;
    const Gain gain = improve_all();
    if (gain == Gain::none || (gain == Gain::weak && ++weak_rounds == kWeakRounds)) {
      if (!endless_ || !rest_where_negative()) break;
      continue;
    }
    changes_.make([&](std::int64_t s, std::int32_t action) { room_.policy[size(s)] = action; });
    if (gain == Gain::strong) sweep(sweeps(kLaterSweeps), interrupt);
  }
  return std::min(rounds, kMostRounds);
}

bool SparseTask::evaluate(const double* policy, const Interrupt& interrupt, const RowLoop& rows) {
  room_.abandoned.clear();
  room_.values.resize(size(model_.states));
  std::vector<double> own;
  if (!room_.order.empty()) {
    own.resize(size(model_.pairs()));
    for (std::int64_t i = 0; i < model_.states; ++i) {
      std::copy_n(policy + task_state(i) * model_.actions, model_.actions, own.data() + i * model_.actions);
    }
    policy = own.data();
  }
  if (is_large()) {
    room_.values.assign(size(model_.states), 0.0);
    room_.policy.assign(size(model_.states), 0);
    return solve_large(under_policy(model_, policy), room_.values, room_.policy, Sweeps{}, interrupt, rows) >
           0;
  }
  const auto add_row = [&](std::int64_t s) {
    double excess = 0.0;
    double reward = 0.0;
    for (std::int64_t pair = s * model_.actions; pair < (s + 1) * model_.actions; ++pair) {
      const double p = policy[pair];
      if (p == 0.0) continue;
      for (std::int64_t k = begin_[pair]; k < begin_[pair + 1]; ++k) {
        room_.envelope.add(successor_[k], p * weight_[k]);
      }
      excess += p * model_.excess[size(pair)];
      reward += p * model_.reward[size(pair)];
    }
    return std::pair<double, double>{excess, reward};
  };
  std::vector<std::uint8_t> reached;
  const auto close = [&](std::int64_t s) {
    if (reached.empty()) {
      reached = started();
      mark_reachable(model_, policy, reached);
    }
    const std::vector<std::uint8_t> closed = class_of(s, policy);
    double least = 0.0;
    double most = 0.0;
    for (std::int64_t pair = 0; pair < model_.pairs(); ++pair) {
      if (!closed[size(pair / model_.actions)] || policy[pair] == 0.0) continue;
      least = std::min(least, model_.reward[size(pair)]);
      most = std::max(most, model_.reward[size(pair)]);
    }
    if (least == 0.0 && most == 0.0) return 0.0;
    if (reached[size(s)]) never_ends(s);
    if (least < 0.0 && most > 0.0) return std::numeric_limits<double>::quiet_NaN();
    return most > 0.0 ? kInfinity : -kInfinity;
  };
  return eliminate(add_row, close, interrupt);
}

void SparseTask::write_values(double* values) const {
  for (std::int64_t i = 0; i < model_.states; ++i)
    values[task_state(i)] = room_.values[size(i)] / model_.scale;
}

double SparseTask::write(const Optimum& out, const RowLoop& rows) {
  write_values(out.values);
  std::vector<ErrorBound> errors(size((model_.states + kRowsAtOnce - 1) / kRowsAtOnce));
  rows(model_.states, kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    ErrorBound& error = errors[size(begin / kRowsAtOnce)];
    for (std::int64_t i = begin; i < end; ++i) write_state(i, out, error);
  });
  ErrorBound error;
  for (const ErrorBound& part : errors) error.add(part);
  std::int64_t outcomes = 0;
  for (std::int64_t pair = 0; pair < model_.pairs(); ++pair) {
    outcomes = std::max(outcomes, begin_[pair + 1] - begin_[pair]);
  }
  return error.of(model_.discount, model_.largest_reward, outcomes) / model_.scale;
}

void SparseTask::write_state(std::int64_t i, const Optimum& out, ErrorBound& error) {
  const std::int64_t s = task_state(i);
  double* const q = out.q_values + s * model_.actions;
  std::int32_t& action = room_.policy[size(i)];
  out.policy[s] = action;
  if (abandoned(i)) {
    std::fill_n(q, model_.actions, -kInfinity);
    return;
  }
  advantages(i, q);
  error.add(room_.values[size(i)], q[first_largest(q, model_.actions)]);
  for (std::int64_t pair = i * model_.actions; pair < (i + 1) * model_.actions; ++pair) {
    if (model_.excess[size(pair)] != 1.0 - model_.discount) error.add(0.0, 0.0);
  }
  const std::int32_t first = finish(
      q, model_.actions, model_.discount, room_.values[size(i)], bound(),
      [&](std::int64_t a) { return sizes(i, a); }, [&](std::int64_t a) { return direct(i, a); });
  if (endless_) {
    q[action] = room_.values[size(i)];  // the first best action may never end
  } else {
    out.policy[s] = first;
  }
  for (std::int64_t a = 0; a < model_.actions; ++a) q[a] /= model_.scale;
}

void prepare_sparse(const Shape& shape, const TaskView& task, double discount, SparseScratch& scratch,
                    const Interrupt& interrupt) {
  build(shape, task, discount, nullptr, scratch.model, interrupt);
  scratch.order = elimination_order(scratch.model, interrupt);
  if (!scratch.order.empty()) build(shape, task, discount, &scratch.order, scratch.model, interrupt);
  scratch.elimination = elimination_cost(scratch.model, interrupt);
  if (discount == 1.0) {
    require(scratch.elimination.entries <= kMostEntriesWithoutBounds, "discount", discount,
            "below 1, or a horizon: an elimination of so many states may take more than 2 GB");
  }
  scratch.advantage.resize(size(shape.actions));
}

Solved solve_sparse(const TaskView& task, SparseScratch& scratch, const Optimum& out,
                    const Interrupt& interrupt, const RowLoop& rows) {
  SparseTask sparse(task, scratch);
  const std::int64_t iterations = sparse.solve(interrupt, rows);
  if (iterations == 0) return {};
  return {iterations, sparse.write(out, rows)};
}

Solved solve_by_sweeps(const Shape& shape, const TaskView& task, double discount, double tolerance,
                       std::int64_t sweeps, SparseScratch& scratch, const Optimum& out,
                       const Interrupt& interrupt, const RowLoop& rows) {
  build(shape, task, discount, nullptr, scratch.model, interrupt);
  scratch.order.clear();
  scratch.advantage.resize(size(shape.actions));
  // What looking at the result adds to its bound is left half of the tolerance.
  Sweeps plan;
  plan.policy = sweeps;
  plan.absolute = 0.5 * tolerance * scratch.model.scale;
  plan.relative = 0.5 * tolerance;
  plan.settle = false;
  SparseTask sparse(task, scratch);
  const std::int64_t rounds = sparse.solve(plan, interrupt, rows);
  if (rounds == 0) return {};
  return {rounds, sparse.write(out, rows)};
}

void evaluate_sparse(const TaskView& task, const double* policy, SparseScratch& scratch, double* values,
                     const Interrupt& interrupt, const RowLoop& rows) {
  SparseTask sparse(task, scratch);
  if (sparse.evaluate(policy, interrupt, rows)) sparse.write_values(values);
}

}  // namespace metarl_fast
