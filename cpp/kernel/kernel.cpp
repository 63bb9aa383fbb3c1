// SPDX-License-Identifier: MIT
// The hot loop: kLanes tasks side by side, so that the chain state -> row -> next state of one task
// hides behind those of the others. One text, compiled once per instruction set; no containers, no
// threads. tests/reference.py says the same in plain Python and must agree bit for bit.
#include "kernel.hpp"

#include "../learners/behaviour.hpp"
#include "../learners/q_learning.hpp"
#include "primitives.hpp"

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

// The first outcome whose threshold exceeds u.
template <class Real>
std::int32_t sample(const Real* thresholds, Row row, Real u) {
  if (row.fine == 4) return count_at_most<4>(thresholds, u);
  if (row.fine == 8) return count_at_most<8>(thresholds, u);
  std::int32_t line = 0;
  for (std::int64_t k = 0; k < row.coarse; k += 16) line += count_at_most<16>(thresholds + k, u);
  return 16 * line + count_at_most<16>(thresholds + row.coarse + 16 * line, u);
}

template <class Real>
void copy_table(const Block<Real>& b, int lane, Real* out) {
  const Real* q = b.q_table[lane];
  for (std::int64_t s = 0; s < b.states; ++s) {
    for (std::int64_t a = 0; a < b.actions; ++a) out[s * b.actions + a] = q[s * b.q_stride + a];
  }
}

// The first action of largest value in each state.
template <class Real>
void copy_policy(const Block<Real>& b, int lane, std::int32_t* out) {
  for (std::int64_t s = 0; s < b.states; ++s) {
    const Real* q = b.q_table[lane] + s * b.q_stride;
    std::int32_t best = 0;
    for (std::int32_t a = 1; a < b.actions; ++a) best = q[a] > q[best] ? a : best;
    out[s] = best;
  }
}

template <class Real>
void set_epsilon(Block<Real>& b, int lane) {
  if (b.episode[lane] >= b.num_episodes) return;
  const double epsilon = b.epsilon[b.episode[lane]];
  b.epsilon_now[lane] = static_cast<Real>(epsilon);
  b.explore_scale[lane] = epsilon > 0.0 ? static_cast<Real>(1.0 / epsilon) : Real{0};
  b.greedy_scale[lane] = epsilon < 1.0 ? static_cast<Real>(1.0 / (1.0 - epsilon)) : Real{0};
}

// A snapshot, or the end of the run, falls before the lane's next episode. A lane past its last episode runs
// on in its own scratch, unseen, until the block is done: a test in the loop would cost every lane on every
// step.
template <class Real>
void handle_event(Block<Real>& b, int lane) {
  const std::int32_t episode = b.episode[lane];
  std::int64_t& k = b.next_snapshot[lane];
  if (k < b.num_snapshots && b.snapshot_episodes[k] == episode) {
    if (b.outputs[lane].snapshots) copy_table(b, lane, b.outputs[lane].snapshots + k * b.states * b.actions);
    ++k;
  }
  if (episode == b.num_episodes) {
    if (b.outputs[lane].q_table) copy_table(b, lane, b.outputs[lane].q_table);
    if (b.outputs[lane].policy) copy_policy(b, lane, b.outputs[lane].policy);
    b.next_return[lane] = &b.unwanted_return[lane];
    b.return_step[lane] = 0;
    b.episodes_to_event[lane] = INT32_MAX;
    if (lane < b.active) --b.unfinished;
    return;
  }
  const std::int64_t next = k < b.num_snapshots ? b.snapshot_episodes[k] : b.num_episodes;
  b.episodes_to_event[lane] = static_cast<std::int32_t>(next) - episode;
}

template <class Real>
void draw_start(Block<Real>& b, int lane) {
  const Real u = unit(draw(b, lane), Real{});
  b.state[lane] = b.single_start[lane] >= 0 ? b.single_start[lane] : sample(b.start[lane], b.start_row, u);
}

template <class Real>
void load_tile_column(Block<Real>& b, int lane) {
  const Real* q = b.q_table[lane] + b.state[lane] * b.q_stride;
  for (std::int32_t a = 0; a < b.actions; ++a) b.tile[a][lane] = q[a];
}

template <class Real>
void end_episode(Block<Real>& b, int lane, bool terminated) {
  *b.next_return[lane] = b.episode_return[lane];
  b.next_return[lane] += b.return_step[lane];
  b.episode_return[lane] = 0;
  b.steps_left[lane] = b.num_steps;
  ++b.episode[lane];
  if (--b.episodes_to_event[lane] == 0) handle_event(b, lane);
  if (!b.constant_epsilon) set_epsilon(b, lane);
  if (terminated || !b.continuing) {
    draw_start(b, lane);
    if (!b.uniform_behaviour) load_tile_column(b, lane);
  }
}

// Epsilon-greedy (behaviour.hpp) for all lanes, from the tile.
template <class Real>
void choose_actions(const Block<Real>& b, const std::uint32_t* x, std::int32_t* action) {
  alignas(64) Real largest[kLanes];
  alignas(64) std::int32_t ties[kLanes];
  alignas(64) std::int32_t skip[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) largest[l] = b.tile[0][l];
  for (std::int32_t a = 1; a < b.actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) largest[l] = b.tile[a][l] > largest[l] ? b.tile[a][l] : largest[l];
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) ties[l] = 0;
  for (std::int32_t a = 0; a < b.actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) ties[l] += b.tile[a][l] == largest[l];
  }
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const Real u = unit(x[l], Real{});
    const std::int32_t tie = position((u - b.epsilon_now[l]) * b.greedy_scale[l], ties[l]);
    const std::int32_t explore = position(u * b.explore_scale[l], b.actions);
    const bool exploring = u < b.epsilon_now[l];
    // Counting ties down from `skip` meets 0 at the action chosen; exploring lanes start below it and never
    // do.
    skip[l] = exploring ? -1 : tie;
    action[l] = explore;
  }
  for (std::int32_t a = 0; a < b.actions; ++a) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const bool best = b.tile[a][l] == largest[l];
      action[l] = best && skip[l] == 0 ? a : action[l];
      skip[l] -= best;
    }
  }
}

// The step size of every lane's pair, with its visit counted.
template <class Real>
void learning_rates(const Block<Real>& b, const std::int32_t* action, Real* rate) {
  for (int l = 0; l < kLanes; ++l) {
    const std::uint32_t visits = ++b.visits[l][b.state[l] * b.q_stride + action[l]];
    rate[l] = static_cast<Real>(decayed_learning_rate(b.learning_rate, visits, b.learning_rate_decay));
  }
}

// max_a q(s, a) of each lane's row.
template <class Real>
void largest_values(Real* const* q_table, std::int32_t* offset, std::int32_t q_stride, Real* maxima) {
  row_maxima(q_table, offset, maxima);
  for (std::int32_t first = 8; first < q_stride; first += 8) {
    alignas(64) Real more[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) offset[l] += 8;
    row_maxima(q_table, offset, more);
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) maxima[l] = more[l] > maxima[l] ? more[l] : maxima[l];
  }
}

template <class Real>
void read_tile(Block<Real>& b, std::int32_t* offset) {
  for (std::int64_t first = 0; first < b.q_stride; first += 8) {
    load_tile(b.q_table, offset, b.next_tile + first);
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) offset[l] += 8;
  }
}

// kFine: the length of a row where it is worth fixing at compile time, else 0.
template <class Real, bool kDense, int kFine, bool kUniform>
void advance_as(Block<Real>& b, std::int64_t steps) {
  alignas(64) std::uint32_t x[kLanes];
  alignas(64) std::int32_t action[kLanes];
  alignas(64) std::int32_t pair[kLanes];
  alignas(64) std::int32_t next_cell[kLanes];
  alignas(64) std::int32_t cell[kLanes];
  alignas(64) std::int32_t next_state[kLanes];
  alignas(64) std::int32_t terminated[kLanes] = {};
  alignas(64) Real u[kLanes];
  alignas(64) Real reward[kLanes];
  alignas(64) Real rate[kLanes];
  alignas(64) Real q_tm1[kLanes];
  alignas(64) Real max_q_t[kLanes];
  const std::int32_t actions = b.actions;
  const auto q_stride = static_cast<std::int32_t>(b.q_stride);
  const Row row = b.row;
  const Real discount = b.discount;
  const bool constant_rate = b.learning_rate_decay == 0.0;
  for (int l = 0; l < kLanes; ++l) rate[l] = static_cast<Real>(b.learning_rate);

  for (; steps > 0 && b.unfinished > 0; --steps) {
    // Behaviour.
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) x[l] = draw(b, l);
    if constexpr (kUniform) {
#pragma omp simd
      for (int l = 0; l < kLanes; ++l) action[l] = uniform_action(x[l], actions);
    } else {
      choose_actions(b, x, action);
    }

    // The task's answer.
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      u[l] = unit(draw(b, l), Real{});
      pair[l] = b.state[l] * actions + action[l];
      cell[l] = b.state[l] * q_stride + action[l];
    }
#pragma GCC unroll 16
    for (int l = 0; l < kLanes; ++l) {
      std::int32_t outcome;
      if constexpr (kFine != 0) {
        outcome = count_at_most<kFine>(b.thresholds[l] + std::int64_t{pair[l]} * kFine, u[l]);
      } else {
        outcome = sample(b.thresholds[l] + pair[l] * stride(row), row, u[l]);
      }
      if constexpr (kDense) {
        next_state[l] = outcome;
        reward[l] = b.rewards[l][pair[l]];
      } else {
        const std::int64_t place = pair[l] * row.fine + outcome;
        const std::int32_t successor = b.successors[l][place];
        terminated[l] = successor < 0;
        next_state[l] = successor < 0 ? ~successor : successor;
        reward[l] = b.rewards[l][place];
      }
      if constexpr (kUniform) q_tm1[l] = b.q_table[l][cell[l]];
    }
    if (kDense && b.any_terminal) {
      for (int l = 0; l < kLanes; ++l) terminated[l] = b.terminal[l][next_state[l]];
    }
    if (b.reward_noise != 0) {
      for (int l = 0; l < kLanes; ++l) {
        reward[l] += b.reward_noise * static_cast<Real>(normal_quantile(open_unit(draw(b, l))));
      }
    }

    // The update.
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) next_cell[l] = next_state[l] * q_stride;
    if (!constant_rate) learning_rates(b, action, rate);
    if constexpr (kUniform) {
      largest_values(b.q_table, next_cell, q_stride, max_q_t);
    } else {
      read_tile(b, next_cell);
#pragma omp simd
      for (int l = 0; l < kLanes; ++l) {
        max_q_t[l] = b.next_tile[0][l];
        q_tm1[l] = b.tile[0][l];
      }
      for (std::int32_t a = 1; a < actions; ++a) {
#pragma omp simd
        for (int l = 0; l < kLanes; ++l) {
          max_q_t[l] = b.next_tile[a][l] > max_q_t[l] ? b.next_tile[a][l] : max_q_t[l];
          q_tm1[l] = action[l] == a ? b.tile[a][l] : q_tm1[l];
        }
      }
    }
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const Real target = q_learning_target(reward[l], discount, max_q_t[l], terminated[l] != 0);
      q_tm1[l] = towards(q_tm1[l], target, rate[l]);
    }
#pragma GCC unroll 16
    for (int l = 0; l < kLanes; ++l) b.q_table[l][cell[l]] = q_tm1[l];
    if constexpr (!kUniform) {
      // A task that stayed where it was has just changed the row it will act from.
      for (std::int32_t a = 0; a < actions; ++a) {
#pragma omp simd
        for (int l = 0; l < kLanes; ++l) {
          const bool changed = next_state[l] == b.state[l] && action[l] == a;
          b.tile[a][l] = changed ? q_tm1[l] : b.next_tile[a][l];
        }
      }
    }

    std::int32_t any_ended = 0;
#pragma omp simd reduction(| : any_ended)
    for (int l = 0; l < kLanes; ++l) {
      b.episode_return[l] += reward[l];
      b.state[l] = next_state[l];
      b.steps_left[l] -= 1;
      any_ended |= static_cast<std::int32_t>(b.steps_left[l] == 0) | terminated[l];
    }
    if (any_ended) {
      for (int l = 0; l < kLanes; ++l) {
        if (b.steps_left[l] == 0 || terminated[l]) end_episode(b, l, terminated[l] != 0);
      }
    }
  }
}

template <class Real>
void begin(Block<Real>& b) {
  b.unfinished = b.active;
  for (int l = 0; l < kLanes; ++l) {
    const bool wanted = l < b.active && b.outputs[l].returns;
    b.next_return[l] = wanted ? b.outputs[l].returns : &b.unwanted_return[l];
    b.return_step[l] = wanted ? 1 : 0;
    b.next_snapshot[l] = 0;
    b.episode[l] = 0;
    b.episode_return[l] = 0;
    b.steps_left[l] = b.num_steps;
    b.episodes_to_event[l] = INT32_MAX;
    if (l < b.active) handle_event(b, l);
    if (!b.uniform_behaviour) set_epsilon(b, l);
    draw_start(b, l);
    load_tile_column(b, l);
  }
}

template <class Real, bool kDense, int kFine>
void advance_with_rows(Block<Real>& b, std::int64_t steps) {
  b.uniform_behaviour ? advance_as<Real, kDense, kFine, true>(b, steps)
                      : advance_as<Real, kDense, kFine, false>(b, steps);
}

template <class Real>
void advance(Block<Real>& b, std::int64_t steps) {
  if (b.dense) {
    stride(b.row) == 16 ? advance_with_rows<Real, true, 16>(b, steps)
                        : advance_with_rows<Real, true, 0>(b, steps);
  } else {
    b.row.fine == 4 ? advance_with_rows<Real, false, 4>(b, steps)
                    : advance_with_rows<Real, false, 0>(b, steps);
  }
}

}  // namespace

namespace METARL_FAST_KERNEL_ISA {
extern const Kernels kernels;
const Kernels kernels = {METARL_FAST_NAME(METARL_FAST_KERNEL_ISA), begin<float>, begin<double>,
                         advance<float>, advance<double>};
}  // namespace METARL_FAST_KERNEL_ISA

}  // namespace metarl_fast
