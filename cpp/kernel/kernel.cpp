// SPDX-License-Identifier: MIT
// The hot loop: kLanes tasks side by side, so that the chain state -> row -> next state of one task
// hides behind those of the others. One text, compiled once per instruction set; no containers, no
// threads, no intrinsics. tests/reference.py says the same in plain Python and must agree bit for bit.
#include "kernel.hpp"

#include "../learners/behaviour.hpp"
#include "../learners/q_learning.hpp"

#ifndef METARL_FAST_KERNEL_ISA
#error "define METARL_FAST_KERNEL_ISA: base, avx2 or avx512"
#endif
#define METARL_FAST_TEXT(x) #x
#define METARL_FAST_NAME(x) METARL_FAST_TEXT(x)

namespace metarl_fast {
namespace {

template <class Real>
std::uint32_t draw(Block<Real>& b, int lane) {
  return xoshiro_next(b.rng[0][lane], b.rng[1][lane], b.rng[2][lane], b.rng[3][lane]);
}

// How many of N thresholds are at most u.
template <int N, class Real>
int count_at_most(const Real* thresholds, Real u) {
  int count = 0;
  for (int k = 0; k < N; ++k) count += thresholds[k] <= u;
  return count;
}

// The first outcome whose threshold exceeds u. Strides are 4, 8 or multiples of 16 (see row_stride in
// engine.cpp).
template <class Real>
std::int32_t sample(const Real* thresholds, std::int64_t stride, Real u) {
  if (stride == 4) return count_at_most<4>(thresholds, u);
  if (stride == 8) return count_at_most<8>(thresholds, u);
  std::int32_t outcome = 0;
  for (std::int64_t k = 0; k < stride; k += 16) {
    const int count = count_at_most<16>(thresholds + k, u);
    outcome += count;
    if (count < 16) break;
  }
  return outcome;
}

template <class Real>
Real largest(const Real* q, std::int64_t stride) {
  Real best = q[0];
  for (std::int64_t a = 1; a < stride; ++a) best = q[a] > best ? q[a] : best;
  return best;
}

template <class Real>
void copy_table(const Block<Real>& b, int lane, Real* out) {
  const Real* q = b.tables[lane].q_table;
  for (std::int64_t s = 0; s < b.states; ++s) {
    for (std::int64_t a = 0; a < b.actions; ++a) out[s * b.actions + a] = q[s * b.q_stride + a];
  }
}

// The first action of largest value in each state.
template <class Real>
void copy_policy(const Block<Real>& b, int lane, std::int32_t* out) {
  for (std::int64_t s = 0; s < b.states; ++s) {
    const Real* q = b.tables[lane].q_table + s * b.q_stride;
    std::int32_t best = 0;
    for (std::int32_t a = 1; a < b.actions; ++a) best = q[a] > q[best] ? a : best;
    out[s] = best;
  }
}

template <class Real>
void take_snapshots(Block<Real>& b, int lane) {
  std::int64_t& k = b.next_snapshot[lane];
  for (; k < b.num_snapshots && b.snapshot_episodes[k] == b.episode[lane]; ++k) {
    if (b.outputs[lane].snapshots) {
      copy_table(b, lane, b.outputs[lane].snapshots + k * b.states * b.actions);
    }
  }
}

template <class Real>
void finish(Block<Real>& b, int lane) {
  if (b.outputs[lane].q_table) copy_table(b, lane, b.outputs[lane].q_table);
  if (b.outputs[lane].policy) copy_policy(b, lane, b.outputs[lane].policy);
  --b.unfinished;
}

// Snapshots and the end of the run come before an episode; then its epsilon and its start.
template <class Real>
void begin_episode(Block<Real>& b, int lane, bool new_start) {
  take_snapshots(b, lane);
  if (b.episode[lane] == b.num_episodes && lane < b.active) finish(b, lane);
  if (new_start) b.state[lane] = sample(b.tables[lane].start, b.start_stride, unit(draw(b, lane), Real{}));
  b.step[lane] = 0;
  b.episode_return[lane] = 0;
  if (!b.uniform_behaviour && b.episode[lane] < b.num_episodes) {
    const double epsilon = b.epsilon[b.episode[lane]];
    b.epsilon_now[lane] = static_cast<Real>(epsilon);
    // Below 2^-32 only u = 0 explores, for which any finite scale will do; 1 / epsilon might not be finite.
    b.explore_scale[lane] = epsilon > 0x1p-32 ? static_cast<Real>(1.0 / epsilon) : Real{0};
    b.greedy_scale[lane] = epsilon < 1.0 ? static_cast<Real>(1.0 / (1.0 - epsilon)) : Real{0};
  }
}

// A lane past its last episode runs on in its own scratch, unseen, until the block is done: a test in
// the loop would cost every lane on every step.
template <class Real>
void end_episode(Block<Real>& b, int lane, bool terminated) {
  if (b.episode[lane] < b.num_episodes) {
    if (b.outputs[lane].returns) b.outputs[lane].returns[b.episode[lane]] = b.episode_return[lane];
    ++b.episode[lane];
    begin_episode(b, lane, terminated || !b.continuing);
  } else {
    b.step[lane] = 0;
  }
}

template <class Real>
Real learning_rate_of(const Block<Real>& b, int lane, std::int64_t cell) {
  if (b.learning_rate_decay == 0.0) return static_cast<Real>(b.learning_rate);
  const std::uint32_t visits = ++b.tables[lane].visits[cell];
  return static_cast<Real>(decayed_learning_rate(b.learning_rate, visits, b.learning_rate_decay));
}

template <class Real, bool kDense, bool kUniform>
void advance_as(Block<Real>& b, std::int64_t steps) {
  std::int32_t action[kLanes];
  std::uint32_t x[kLanes];
  Real u[kLanes];
  std::int32_t next_state[kLanes];
  Real reward[kLanes];
  bool terminated[kLanes];
  for (; steps > 0 && b.unfinished > 0; --steps) {
    for (int l = 0; l < kLanes; ++l) x[l] = draw(b, l);
    for (int l = 0; l < kLanes; ++l) {
      if constexpr (kUniform) {
        action[l] = uniform_action(x[l], b.actions);
      } else {
        const Real* q = b.tables[l].q_table + b.state[l] * b.q_stride;
        action[l] = epsilon_greedy_action(q, b.actions, unit(x[l], Real{}), b.epsilon_now[l],
                                          b.explore_scale[l], b.greedy_scale[l]);
      }
    }

    for (int l = 0; l < kLanes; ++l) u[l] = unit(draw(b, l), Real{});
    for (int l = 0; l < kLanes; ++l) {
      const LaneTables<Real>& t = b.tables[l];
      const std::int64_t row = std::int64_t{b.state[l]} * b.actions + action[l];
      const std::int32_t outcome = sample(t.thresholds + row * b.row_stride, b.row_stride, u[l]);
      if constexpr (kDense) {
        next_state[l] = outcome;
        reward[l] = t.rewards[row];
        terminated[l] = t.terminal != nullptr && t.terminal[outcome];
      } else {
        const std::int32_t successor = t.successors[row * b.row_stride + outcome];
        terminated[l] = successor < 0;
        next_state[l] = successor < 0 ? ~successor : successor;
        reward[l] = t.rewards[row * b.row_stride + outcome];
      }
    }
    if (b.reward_noise != 0) {
      for (int l = 0; l < kLanes; ++l) {
        reward[l] += b.reward_noise * static_cast<Real>(normal_quantile(open_unit(draw(b, l))));
      }
    }

    bool any_ended = false;
    for (int l = 0; l < kLanes; ++l) {
      const LaneTables<Real>& t = b.tables[l];
      const std::int64_t cell = b.state[l] * b.q_stride + action[l];
      const Real max_q = largest(t.q_table + next_state[l] * b.q_stride, b.q_stride);
      const Real target = q_learning_target(reward[l], b.discount, max_q, terminated[l]);
      t.q_table[cell] = towards(t.q_table[cell], target, learning_rate_of(b, l, cell));
      b.episode_return[l] += reward[l];
      b.state[l] = next_state[l];
      any_ended |= (++b.step[l] == b.num_steps) | terminated[l];
    }
    if (any_ended) {
      for (int l = 0; l < kLanes; ++l) {
        if (b.step[l] == b.num_steps || terminated[l]) end_episode(b, l, terminated[l]);
      }
    }
  }
}

template <class Real>
void begin(Block<Real>& b) {
  b.unfinished = b.active;
  for (int l = 0; l < kLanes; ++l) {
    b.next_snapshot[l] = 0;
    b.episode[l] = 0;
    begin_episode(b, l, true);
    if (l >= b.active) b.episode[l] = b.num_episodes;
  }
}

template <class Real>
void advance(Block<Real>& b, std::int64_t steps) {
  if (b.dense) {
    b.uniform_behaviour ? advance_as<Real, true, true>(b, steps) : advance_as<Real, true, false>(b, steps);
  } else {
    b.uniform_behaviour ? advance_as<Real, false, true>(b, steps) : advance_as<Real, false, false>(b, steps);
  }
}

}  // namespace

namespace METARL_FAST_KERNEL_ISA {
extern const Kernels kernels;
const Kernels kernels = {METARL_FAST_NAME(METARL_FAST_KERNEL_ISA), begin<float>, begin<double>,
                         advance<float>, advance<double>};
}  // namespace METARL_FAST_KERNEL_ISA

}  // namespace metarl_fast
