// SPDX-License-Identifier: MIT
// The hot loop: kLanes tasks side by side, so that the chain state -> row -> next state of one task
// hides behind those of the others. One text, compiled once per instruction set; no containers, no
// threads. tests/reference.py says the same in plain Python and must agree bit for bit.
#include "kernel.hpp"

#include <type_traits>

#include "../learners/behaviour.hpp"
#include "../learners/q_learning.hpp"
#include "generate.hpp"
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
  const Real* q = b.q_table + b.first_cell[lane];
  for (std::int64_t s = 0; s < b.states; ++s) {
    for (std::int64_t a = 0; a < b.actions; ++a) out[s * b.actions + a] = q[s * b.q_stride + a];
  }
}

// The first action of largest value in each state.
template <class Real>
void copy_policy(const Block<Real>& b, int lane, std::int32_t* out) {
  for (std::int64_t s = 0; s < b.states; ++s) {
    const Real* q = b.q_table + b.first_cell[lane] + s * b.q_stride;
    std::int32_t best = 0;
    for (std::int32_t a = 1; a < b.actions; ++a) best = q[a] > q[best] ? a : best;
    out[s] = best;
  }
}

template <class Real>
void set_epsilon(Block<Real>& b, int lane) {
  if (b.episode[lane] >= b.num_episodes) return;
  const double epsilon = b.epsilon[b.constant_epsilon ? 0 : b.episode[lane]];
  b.epsilon_now[lane] = static_cast<Real>(epsilon);
  // Below 2^-32 only u = 0 explores, for which any finite scale will do; 1 / epsilon might not be finite.
  b.explore_scale[lane] = epsilon > 0x1p-32 ? static_cast<Real>(1.0 / epsilon) : Real{0};
  b.greedy_scale[lane] = epsilon < 1.0 ? static_cast<Real>(1.0 / (1.0 - epsilon)) : Real{0};
}

// A snapshot, or the end of the run, falls before the lane's next episode. A lane past its last episode runs
// on in its own scratch, unseen, until the block is done: a test in the loop would cost every lane on every
// step.
template <class Real>
void handle_event(Block<Real>& b, int lane) {
  const std::int32_t episode = b.episode[lane];
  if (episode == INT32_MAX) {  // a lane long done must not count further
    b.episode[lane] = b.num_episodes;
    b.episodes_to_event[lane] = INT32_MAX - b.num_episodes;
    return;
  }
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
    b.episodes_to_event[lane] = INT32_MAX - episode;
    if (lane < b.active) --b.unfinished;
    return;
  }
  const std::int64_t next = k < b.num_snapshots ? b.snapshot_episodes[k] : b.num_episodes;
  b.episodes_to_event[lane] = static_cast<std::int32_t>(next) - episode;
}

template <class Real>
std::int32_t start_state(const Block<Real>& b, int lane, Real u) {
  if (b.single_start[lane] >= 0) return b.single_start[lane];
  return sample(b.start + b.task_of[lane] * stride(b.start_row), b.start_row, u);
}

template <class Real>
void draw_start(Block<Real>& b, int lane) {
  b.state[lane] = start_state(b, lane, unit(draw(b, lane), Real{}));
}

template <class Real>
void load_tile_column(Block<Real>& b, int lane) {
  const Real* q = b.q_table + b.first_cell[lane] + b.state[lane] * b.q_stride;
  for (std::int64_t a = 0; a < b.q_stride; ++a) b.tile[a][lane] = q[a];
}

// The rows at `cell` of all lanes, turned action by action.
template <class Real>
void read_rows(const Block<Real>& b, std::int32_t* cell, Real (*tile)[kLanes]) {
  for (std::int64_t first = 0; first < b.q_stride; first += 8) {
    load_tile(b.q_table, cell, tile + first);
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) cell[l] += 8;
  }
}

// Returns and counters at the end of a lane's episode.
template <class Real>
void close_episode(Block<Real>& b, int lane) {
  *b.next_return[lane] = b.episode_return[lane];
  b.next_return[lane] += b.return_step[lane];
  b.episode_return[lane] = 0;
  b.steps_left[lane] = b.num_steps;
  ++b.episode[lane];
  if (--b.episodes_to_event[lane] == 0) handle_event(b, lane);
  if (!b.constant_epsilon) set_epsilon(b, lane);
}

template <class Real>
void end_episode(Block<Real>& b, int lane, bool terminated) {
  close_episode(b, lane);
  if (b.continuing && !terminated) return;
  draw_start(b, lane);
  if (!b.uniform_behaviour) load_tile_column(b, lane);
}

// The same for all lanes when they reach the time limit together, the common case.
template <class Real>
void end_all_episodes(Block<Real>& b) {
  for (int l = 0; l < kLanes; ++l) close_episode(b, l);
  if (b.continuing) return;
  alignas(64) std::int32_t cell[kLanes];
  alignas(64) Real u[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) u[l] = unit(draw(b, l), Real{});
  for (int l = 0; l < kLanes; ++l) b.state[l] = start_state(b, l, u[l]);
  if (b.uniform_behaviour) return;
#pragma omp simd
  for (int l = 0; l < kLanes; ++l)
    cell[l] = b.first_cell[l] + b.state[l] * static_cast<std::int32_t>(b.q_stride);
  read_rows(b, cell, b.tile);
}

// max_a of a tile.
template <class Real>
void largest_in_tile(const Real (*tile)[kLanes], std::int32_t actions, Real* largest) {
  constexpr int kWidth = kRegisterBytes / sizeof(Real);
  for (int l = 0; l < kLanes; l += kWidth) {
    Register<Real> best = load(tile[0] + l);
    for (std::int32_t a = 1; a < actions; ++a) {
      const Register<Real> q = load(tile[a] + l);
      best = q > best ? q : best;
    }
    store(largest + l, best);
  }
}

// Of the actions whose value is `largest`, how many there are and which comes first.
template <class Real, class Index>
void find_best(const Real (*tile)[kLanes], std::int32_t actions, const Real* largest, Index* ties,
               Index* first) {
  constexpr int kWidth = kRegisterBytes / sizeof(Real);
  for (int l = 0; l < kLanes; l += kWidth) {
    const Register<Real> best = load(largest + l);
    Register<Index> count = {};
    Register<Index> found = {};
    for (std::int32_t a = actions - 1; a >= 0; --a) {
      const auto is_best = load(tile[a] + l) == best;  // -1 where it is
      count -= is_best;
      found = is_best ? found - found + a : found;
    }
    store(ties + l, count);
    store(first + l, found);
  }
}

// Epsilon-greedy (behaviour.hpp) for all lanes, from the tile.
template <class Real>
void choose_actions(const Block<Real>& b, const std::uint32_t* x, std::int32_t* action) {
  using Index = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;
  alignas(64) Real largest[kLanes];
  alignas(64) Index ties[kLanes];
  alignas(64) Index first[kLanes];
  largest_in_tile(b.tile, b.actions, largest);
  find_best(b.tile, b.actions, largest, ties, first);
  Index greedy_among_ties = 0;
#pragma omp simd reduction(| : greedy_among_ties)
  for (int l = 0; l < kLanes; ++l) {
    const Real u = unit(x[l], Real{});
    const auto best = static_cast<std::int32_t>(first[l]);
    const std::int32_t explore = position(u * b.explore_scale[l], b.actions);
    const bool exploring = u < b.epsilon_now[l];
    action[l] = exploring ? explore : best;
    greedy_among_ties |= static_cast<Index>((ties[l] > 1) & !exploring);
  }
  if (!greedy_among_ties) return;
  for (int l = 0; l < kLanes; ++l) {
    const Real u = unit(x[l], Real{});
    if (ties[l] == 1 || u < b.epsilon_now[l]) continue;
    const auto n = static_cast<std::int32_t>(ties[l]);
    for (std::int32_t skip = position((u - b.epsilon_now[l]) * b.greedy_scale[l], n); skip > 0; --skip) {
      do ++action[l];
      while (b.tile[action[l]][l] != largest[l]);
    }
  }
}

// The rows the lanes act from next: those just read, but for a task that stayed where it was, which has
// changed one value. `changed` holds that action, or -1.
template <class Real, class Index>
void turn_over(Block<Real>& b, const Index* changed, const Real* q) {
  constexpr int kWidth = kRegisterBytes / sizeof(Real);
  for (int l = 0; l < kLanes; l += kWidth) {
    const Register<Index> where = load(changed + l);
    const Register<Real> fresh = load(q + l);
    for (std::int32_t a = 0; a < b.actions; ++a) {
      const Register<Real> kept = load(b.next_tile[a] + l);
      store(b.tile[a] + l, where == a ? fresh : kept);
    }
  }
}

// The step size of every lane's pair, with its visit counted.
template <class Real>
void learning_rates(const Block<Real>& b, const std::int32_t* action, Real* rate) {
  for (int l = 0; l < kLanes; ++l) {
    const std::uint32_t visits = ++b.visits[b.first_cell[l] + b.state[l] * b.q_stride + action[l]];
    rate[l] = static_cast<Real>(decayed_learning_rate(b.learning_rate, visits, b.learning_rate_decay));
  }
}

// max_a q(s, a) of each lane's row.
template <class Real>
void largest_values(const Real* q_table, std::int32_t* offset, std::int32_t q_stride, Real* maxima) {
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

// kFine: the length of a row where it is worth fixing at compile time, else 0.
template <class Real, bool kDense, int kFine, bool kUniform>
void advance_as(Block<Real>& b, std::int64_t steps) {
  alignas(64) std::uint32_t x[kLanes];
  alignas(64) std::int32_t action[kLanes];
  alignas(64) std::int32_t pair[kLanes];
  alignas(64) std::int32_t next_cell[kLanes];
  alignas(64) std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t> changed[kLanes];
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
      pair[l] = b.first_pair[l] + b.state[l] * actions + action[l];
      cell[l] = b.first_cell[l] + b.state[l] * q_stride + action[l];
    }
    through_memory(u);
    through_memory(pair);
    through_memory(cell);
#pragma GCC unroll 32
    for (int l = 0; l < kLanes; ++l) {
      std::int32_t outcome;
      if constexpr (kFine != 0) {
        outcome = count_at_most<kFine>(b.thresholds + std::int64_t{pair[l]} * kFine, u[l]);
      } else {
        outcome = sample(b.thresholds + pair[l] * stride(row), row, u[l]);
      }
      if constexpr (kDense) {
        next_state[l] = outcome;
        reward[l] = b.rewards[pair[l]];
      } else {
        const std::int64_t place = pair[l] * row.fine + outcome;
        const std::int32_t successor = b.successors[place];
        terminated[l] = successor < 0;
        next_state[l] = successor < 0 ? ~successor : successor;
        reward[l] = b.rewards[place];
      }
      next_cell[l] = b.first_cell[l] + next_state[l] * q_stride;
      q_tm1[l] = b.q_table[cell[l]];
    }
    if (kDense && b.any_terminal) {
      for (int l = 0; l < kLanes; ++l) terminated[l] = b.terminal[b.task_of[l] * b.states + next_state[l]];
    }
    if (b.reward_noise != 0) {
#pragma omp simd
      for (int l = 0; l < kLanes; ++l) {
        reward[l] += b.reward_noise * static_cast<Real>(normal_quantile_32(open_unit(draw(b, l))));
      }
    }

    // The update.
    if (!constant_rate) learning_rates(b, action, rate);
    if constexpr (kUniform) {
      largest_values(b.q_table, next_cell, q_stride, max_q_t);
    } else {
      read_rows(b, next_cell, b.next_tile);
      largest_in_tile(b.next_tile, actions, max_q_t);
    }
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const Real target = q_learning_target(reward[l], discount, max_q_t[l], terminated[l] != 0);
      q_tm1[l] = towards(q_tm1[l], target, rate[l]);
    }
    through_memory(q_tm1);
#pragma GCC unroll 32
    for (int l = 0; l < kLanes; ++l) b.q_table[cell[l]] = q_tm1[l];
    if constexpr (!kUniform) {
#pragma omp simd
      for (int l = 0; l < kLanes; ++l) changed[l] = next_state[l] == b.state[l] ? action[l] : -1;
      turn_over(b, changed, q_tm1);
    }

    std::int32_t any_ended = 0;
    std::int32_t all_timed_out = -1;
#pragma omp simd reduction(| : any_ended) reduction(& : all_timed_out)
    for (int l = 0; l < kLanes; ++l) {
      b.episode_return[l] += reward[l];
      b.state[l] = next_state[l];
      b.steps_left[l] -= 1;
      const std::int32_t timed_out = b.steps_left[l] == 0 ? -1 : 0;
      any_ended |= timed_out | terminated[l];
      all_timed_out &= terminated[l] ? 0 : timed_out;
    }
    if (all_timed_out) {
      end_all_episodes(b);
    } else if (any_ended) {
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
const Kernels kernels = {METARL_FAST_NAME(METARL_FAST_KERNEL_ISA),
                         begin<float>,
                         begin<double>,
                         advance<float>,
                         advance<double>,
                         write_uniform_rows};
}  // namespace METARL_FAST_KERNEL_ISA

}  // namespace metarl_fast
