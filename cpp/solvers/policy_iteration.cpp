// SPDX-License-Identifier: MIT
#include "policy_iteration.hpp"

#include <algorithm>
#include <cmath>

#include "dense_terms.hpp"
#include "error_bound.hpp"
#include "improvement.hpp"

namespace metarl_fast {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

DirectScratch::DirectScratch(const Shape& shape)
    : system_(make_aligned<double>(size(shape.states * dense_stride(shape.states)))),
      values_(make_aligned<double>(size(dense_stride(shape.states)))) {}

double direct_scratch_bytes(const Shape& shape) {
  const double states = static_cast<double>(shape.states);
  return 8.0 * ((states + 2.0) * static_cast<double>(dense_stride(shape.states)) +
                states * static_cast<double>(shape.actions + 1));
}

// One dense task, its rewards scaled.
class DenseTask {
 public:
  DenseTask(const Shape& shape, const TaskView& task, double discount, const DenseSolver& solver,
            DirectScratch& room)
      : shape_(shape),
        task_(task),
        discount_(discount),
        solver_(solver),
        system_{room.system_.get(), shape.states, dense_stride(shape.states)},
        values_(room.values_.get()),
        rewards_(scaled_rewards(shape, task, room.rewards_, scale_, largest_reward_)) {}

  Solved solve(const Optimum& out, const Interrupt& interrupt) {
    start(out, interrupt);
    int weak_rounds = 0;
    int rounds = 0;
    while (rounds++ < kMostRounds) {
      set_rows([&](std::int64_t s, double* row) { return take_action(s, out.policy[s], row); });
      solve_system(interrupt);
      const Gain gain = improve_all(out);
      if (gain == Gain::none || (gain == Gain::weak && ++weak_rounds == kWeakRounds)) break;
      changes_.make([&](std::int64_t s, std::int32_t action) { out.policy[s] = action; });
    }
    return {std::min(rounds, kMostRounds), finish_all(out)};
  }

  void evaluate(const double* policy, double* values, const Interrupt& interrupt) {
    set_rows([&](std::int64_t s, double* row) { return mix_actions(policy, s, row); });
    solve_system(interrupt);
    const double unit = 1.0 / scale_;
    for (std::int64_t s = 0; s < shape_.states; ++s) values[s] = values_[s] * unit;
  }

 private:
  const double* rows_of(std::int64_t pair) const { return task_.probability + pair * shape_.states; }

  // The system of a policy: `write_row` puts discount p(s, .) into a row and returns the reward.
  template <class WriteRow>
  void set_rows(const WriteRow& write_row) {
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      double* const row = system_.rows + s * system_.stride;
      std::fill(row + shape_.states, row + system_.stride, 0.0);
      row[system_.stride - 1] = write_row(s, row);
      row[shape_.states] = 1.0 - discount_;
    }
  }
  double take_action(std::int64_t s, std::int64_t action, double* row) const {
    const std::int64_t pair = s * shape_.actions + action;
    const double* p = rows_of(pair);
    for (std::int64_t j = 0; j < shape_.states; ++j) row[j] = discount_ * p[j];
    return rewards_[pair];
  }
  double mix_actions(const double* policy, std::int64_t s, double* row) const {
    double reward = 0.0;
    std::fill_n(row, shape_.states, 0.0);
    for (std::int64_t a = 0; a < shape_.actions; ++a) {
      const std::int64_t pair = s * shape_.actions + a;
      if (policy[pair] == 0.0) continue;
      const double weight = discount_ * policy[pair];
      const double* p = rows_of(pair);
      for (std::int64_t j = 0; j < shape_.states; ++j) row[j] += weight * p[j];
      reward += policy[pair] * rewards_[pair];
    }
    return reward;
  }

  void solve_system(const Interrupt& interrupt) {
    for (std::int64_t first = 0; first < shape_.states; first += kPanel) {
      stop_if_asked(interrupt);
      solver_.eliminate_panel(system_, first);
    }
    solver_.substitute_back(system_, values_);
    largest_value_ = 0.0;
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      largest_value_ = std::max(largest_value_, std::fabs(values_[s]));
    }
  }

  // out[a] = r + discount sum p (v_k - v_s) - (1 - discount) v_s.
  void advantages(std::int64_t s, double value, double* out) const {
    const std::int64_t first = s * shape_.actions;
    solver_.expected_differences(rows_of(first), shape_.actions, shape_.states, values_, value, out);
    const double excess = (1.0 - discount_) * value;
    for (std::int64_t a = 0; a < shape_.actions; ++a) {
      out[a] = rewards_[first + a] + discount_ * out[a] - excess;
    }
  }
  DenseTerms terms() const { return {shape_, discount_, task_.probability, rewards_, values_, 1}; }
  double bound(std::int64_t s) const { return largest_reward_ + largest_value_ + std::fabs(values_[s]); }

  // Greedy for the values after a few sweeps from 0, which cost little beside an elimination.
  void start(const Optimum& out, const Interrupt& interrupt) {
    std::fill_n(values_, system_.stride, 0.0);
    const std::int64_t sweeps = 2 + shape_.states / (4 * shape_.actions);
    for (std::int64_t sweep = 0; sweep < sweeps; ++sweep) {
      stop_if_asked(interrupt);
      bool changed = false;
      for (std::int64_t s = 0; s < shape_.states; ++s) {
        double* const q = out.q_values + s * shape_.actions;
        solver_.expected_differences(rows_of(s * shape_.actions), shape_.actions, shape_.states, values_, 0.0,
                                     q);
        for (std::int64_t a = 0; a < shape_.actions; ++a) {
          q[a] = rewards_[s * shape_.actions + a] + discount_ * q[a];
        }
        const std::int32_t best = first_largest(q, shape_.actions);
        changed = changed || sweep == 0 || best != out.policy[s];
        out.policy[s] = best;
      }
      if (!changed) return;
      for (std::int64_t s = 0; s < shape_.states; ++s) {
        values_[s] = out.q_values[s * shape_.actions + out.policy[s]];
      }
    }
  }

  // Leaves the advantages in q_values.
  Gain improve_all(const Optimum& out) {
    changes_.clear();
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      double* const advantage = out.q_values + s * shape_.actions;
      advantages(s, values_[s], advantage);
      std::int32_t action = out.policy[s];
      const Gain gain = improve(advantage, shape_.actions, action, bound(s),
                                [&](std::int64_t a) { return terms().sizes(s, a); });
      changes_.add(s, action, gain);
    }
    return changes_.largest();
  }

  // Returns how far a value may be off.
  double finish_all(const Optimum& out) {
    const double unit = 1.0 / scale_;
    ErrorBound error;
    for (std::int64_t s = 0; s < shape_.states; ++s) {
      double* const q = out.q_values + s * shape_.actions;
      error.add(values_[s], q[first_largest(q, shape_.actions)]);
      out.policy[s] = finish(
          q, shape_.actions, discount_, values_[s], bound(s),
          [&](std::int64_t a) { return terms().sizes(s, a); },
          [&](std::int64_t a) { return terms().action_value(s, a); });
      for (std::int64_t a = 0; a < shape_.actions; ++a) q[a] *= unit;
      out.values[s] = values_[s] * unit;
    }
    return unit * error.of(discount_, largest_reward_, shape_.states);
  }

  const Shape& shape_;
  const TaskView& task_;
  const double discount_;
  const DenseSolver& solver_;
  const DenseSystem system_;
  double* const values_;  // [stride]
  Changes changes_;
  double scale_, largest_reward_;
  const double* const rewards_;  // scaled
  double largest_value_ = 0.0;
};

Solved policy_iteration(const Shape& shape, const TaskView& task, double discount, const Optimum& out,
                        const DenseSolver& solver, DirectScratch& room, const Interrupt& interrupt) {
  return DenseTask(shape, task, discount, solver, room).solve(out, interrupt);
}

void evaluate_directly(const Shape& shape, const TaskView& task, double discount, const double* policy,
                       double* values, const DenseSolver& solver, DirectScratch& room,
                       const Interrupt& interrupt) {
  DenseTask(shape, task, discount, solver, room).evaluate(policy, values, interrupt);
}

}  // namespace metarl_fast
