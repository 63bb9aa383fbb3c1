// SPDX-License-Identifier: MIT
// The tasks' answers: each lane's next state, reward and whether its episode terminated.
#pragma once

#include "../elementary.hpp"
#include "../sampling.hpp"
#include "kernel.hpp"
#include "lanes.hpp"
#include "primitives.hpp"
#include "tiles.hpp"

namespace metarl_fast {
namespace {

// The first outcome whose threshold exceeds u.
template <class Real>
std::int32_t sample(const Real* fine, const Real* coarse, Row row, Real u) {
  switch (row.fine) {
    case 0: return 0;
    case 4: return first_above<4>(fine, u);
    case 8: return first_above<8>(fine, u);
    case 16: return first_above<16>(fine, u);
    case 32: return first_above<32>(fine, u);
    default: break;
  }
  std::int32_t line = 0;
  switch (row.coarse) {
    case 4: line = first_above<4>(coarse, u); break;
    case 8: line = first_above<8>(coarse, u); break;
    case 16: line = first_above<16>(coarse, u); break;
    default:  // halves, then the line of the index that is left
      std::int64_t left = row.coarse / 16;
      const Real* from = coarse;
      while (left > 1) {
        const std::int64_t half = left / 2;
        from += from[16 * half - 1] <= u ? 16 * half : 0;
        left -= half;
      }
      line = static_cast<std::int32_t>(from - coarse) + first_above<16>(from, u);
  }
  return 16 * line + first_above<16>(fine + 16 * line, u);
}

// Where the rows of the pairs begin.
template <class Real>
[[gnu::always_inline]] inline void locate_rows_of_pairs(std::int64_t distance, const std::int32_t* pair,
                                                        Real (&u)[kLanes], std::int64_t (&offset)[kLanes]) {
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) offset[l] = pair[l] * distance;
  through_memory(offset);
  through_memory(u);
}

// An outcome for each lane, from the row of its pair; `use(lane, outcome)` gets them one by one, so that what
// follows from an outcome does not wait for those of the other lanes. Eight lanes written out: all of them,
// for every width, would take the compiler twice as long for as many instructions.
template <int N, class Real, class Use>
[[gnu::always_inline]] inline void sample_rows(const Real* rows, std::int64_t distance,
                                               const std::int32_t* pair, Real (&u)[kLanes], const Use& use) {
  alignas(64) std::int64_t offset[kLanes];
  locate_rows_of_pairs(distance, pair, u, offset);
#pragma GCC unroll 8
  for (int l = 0; l < kLanes; ++l) use(l, first_above<N>(rows + offset[l], u[l]));
}

// Long rows: all lines are asked for before the first one is needed, for they may come from far.
template <int N, class Real, class Use>
void sample_indexed_rows(const Block<Real>& b, const std::int32_t* pair, Real (&u)[kLanes], const Use& use) {
  const Real* place[kLanes];
  std::int32_t before[kLanes];
  const Real* records = b.records;
  const std::int64_t record = b.record;
  sample_rows<N>(b.coarse, N, pair, u, [&, records, record](int l, std::int32_t line) {
    before[l] = 16 * line;
    place[l] = records + pair[l] * record + before[l];
    __builtin_prefetch(place[l]);
  });
#pragma GCC unroll 8
  for (int l = 0; l < kLanes; ++l) use(l, before[l] + first_above<16>(place[l], u[l]));
}

// Nothing is looked for where there is but one outcome.
template <class Use>
[[gnu::always_inline]] inline void certain_outcomes(const Use& use) {
#pragma GCC unroll 8
  for (int l = 0; l < kLanes; ++l) use(l, 0);
}

template <class Real, class Use>
void sample_all(const Block<Real>& b, const std::int32_t* pair, Real (&u)[kLanes], const Use& use) {
  switch (b.row.fine) {
    case 0: return certain_outcomes(use);
    case 4: return sample_rows<4>(b.records, b.record, pair, u, use);
    case 8: return sample_rows<8>(b.records, b.record, pair, u, use);
    case 16: return sample_rows<16>(b.records, b.record, pair, u, use);
    case 32: return sample_rows<32>(b.records, b.record, pair, u, use);
    default: break;
  }
  switch (b.row.coarse) {
    case 4: return sample_indexed_rows<4>(b, pair, u, use);
    case 8: return sample_indexed_rows<8>(b, pair, u, use);
    case 16: return sample_indexed_rows<16>(b, pair, u, use);
    default: break;
  }
  for (int l = 0; l < kLanes; ++l) {
    use(l, sample(b.records + pair[l] * b.record, b.coarse + pair[l] * b.row.coarse, b.row, u[l]));
  }
}

// The next state by rejection: a state drawn evenly is accepted with the probability of its weight, which is
// computed here, or else another one is drawn. Two registers of lanes keep the processor busy.
template <class Real>
void propose_until_accepted(Block<Real>& b, const Lanes<Real>& lanes, std::int32_t* next_state) {
  using Word = Register<std::uint32_t>;
  using Mask = Register<std::int32_t>;
  constexpr int kWidth = kRegisterBytes / 4;
  constexpr int kGroup = 2;
  for (int first = 0; first < kLanes; first += kGroup * kWidth) {
    Word s[kGroup][4];
    Word chosen[kGroup] = {};
    Mask pending[kGroup];
    Mask any;
    for (int g = 0; g < kGroup; ++g) {
      for (int word = 0; word < 4; ++word) s[g][word] = load(b.rng[word] + first + g * kWidth);
      pending[g] = Mask{} - 1;
    }
    int proposals = 0;
    do {
      any = Mask{};
#pragma GCC unroll 2
      for (int g = 0; g < kGroup; ++g) {
        const int at = first + g * kWidth;
        Word after[4] = {s[g][0], s[g][1], s[g][2], s[g][3]};
        const Word x = xoshiro_next(after[0], after[1], after[2], after[3]);
        const Word v = xoshiro_next(after[0], after[1], after[2], after[3]) >> 8;
        const Word proposed = below_all(x, static_cast<std::uint32_t>(b.states));
        Word block = proposed >> 1;
        Word other = reinterpret_cast<Word>(load(lanes.pair + at) - load(b.first_pair + at));
        threefry2x32<Word>(block, other, load(b.weight_key[0] + at), load(b.weight_key[1] + at));
        const Word weight = ((proposed & 1u) == 1u ? other : block) >> 8;
        for (int word = 0; word < 4; ++word) s[g][word] = pending[g] ? after[word] : s[g][word];
        chosen[g] = pending[g] ? proposed : chosen[g];
        pending[g] &= reinterpret_cast<Mask>(v) >= reinterpret_cast<Mask>(weight);
        any |= pending[g];
      }
    } while (any_set(any) && ++proposals < kMostProposals);
    for (int g = 0; g < kGroup; ++g) {
      for (int word = 0; word < 4; ++word) store(b.rng[word] + first + g * kWidth, s[g][word]);
      store(next_state + first + g * kWidth, reinterpret_cast<Mask>(chosen[g]));
    }
  }
}

// The same from weights in memory.
template <class Real>
void propose_from_memory(Block<Real>& b, const std::int32_t* pair, std::int32_t* next_state) {
  for (int l = 0; l < kLanes; ++l) {
    const std::int32_t* weight = b.weights + std::int64_t{pair[l]} * b.states;
    std::int32_t proposed;
    int proposals = 0;
    do {
      proposed = static_cast<std::int32_t>(below(draw(b, l), static_cast<std::uint32_t>(b.states)));
    } while (static_cast<std::int32_t>(draw(b, l) >> 8) >= weight[proposed] && ++proposals < kMostProposals);
    next_state[l] = proposed;
  }
}

// The value to move is read on the way: there is time for it while rows are searched.
template <class Real>
struct RowAnswer {
  const Block<Real>& b;
  Lanes<Real>& lanes;
  std::int32_t q_stride;
  const Real* rewards;
  const Real* q_table;

  [[gnu::always_inline]] void operator()(int l, std::int32_t outcome) const {
    lanes.reward[l] = rewards[lanes.pair[l]];
    lanes.q_tm1[l] = q_table[lanes.cell[l]];
    lanes.next_state[l] = outcome;
    lanes.next_cell[l] = b.first_cell[l] + outcome * q_stride;
  }
};

template <class Real>
RowAnswer<Real> row_answer(const Block<Real>& b, Lanes<Real>& lanes) {
  through_memory(lanes.pair);
  through_memory(lanes.cell);
  return {b, lanes, static_cast<std::int32_t>(b.q_stride), b.rewards, b.q_table};
}

template <class Real>
void respond_from_rows(const Block<Real>& b, Lanes<Real>& lanes, Real (&u)[kLanes]) {
  sample_all(b, lanes.pair, u, row_answer(b, lanes));
}

// The commonest kind of row, for the loop to take in whole.
template <class Real>
[[gnu::always_inline]] inline void respond_from_single_lines(Block<Real>& b, Lanes<Real>& lanes) {
  alignas(64) Real u[kLanes];
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) u[l] = unit(draw(b, l), Real{});
  alignas(64) std::int64_t offset[kLanes];
  locate_rows_of_pairs(16, lanes.pair, u, offset);
  const RowAnswer<Real> use = row_answer(b, lanes);
  const Real* rows = b.records;
#pragma GCC unroll 32
  for (int l = 0; l < kLanes; ++l) use(l, first_above<16>(rows + offset[l], u[l]));
}

template <class Real>
void respond_from_lists(const Block<Real>& b, Lanes<Real>& lanes, Real (&u)[kLanes]) {
  constexpr std::int64_t kWords = sizeof(Real) / sizeof(std::int32_t);
  const std::int64_t record = b.record;
  const Real* rewards = b.records + b.row.fine;
  const auto* successors = reinterpret_cast<const std::int32_t*>(rewards + b.row.outcomes());
  const Real* q_table = b.q_table;
  through_memory(lanes.pair);
  through_memory(lanes.cell);
  sample_all(b, lanes.pair, u, [&, record, successors, rewards, q_table](int l, std::int32_t outcome) {
    const std::int64_t place = lanes.pair[l] * record;
    lanes.next_state[l] = successors[place * kWords + outcome];
    lanes.reward[l] = rewards[place + outcome];
    lanes.q_tm1[l] = q_table[lanes.cell[l]];
  });
  const auto q_stride = static_cast<std::int32_t>(b.q_stride);
#pragma omp simd
  for (int l = 0; l < kLanes; ++l) {
    const std::int32_t successor = lanes.next_state[l];
    const std::int32_t state = successor < 0 ? ~successor : successor;
    lanes.terminated[l] = successor < 0;
    lanes.next_state[l] = state;
    lanes.next_cell[l] = b.first_cell[l] + state * q_stride;
  }
}

// A task without noise draws no number for it, even beside noisy ones.
template <class Real>
void add_noise(Block<Real>& b, Lanes<Real>& lanes) {
  constexpr std::uint32_t kAll = ~std::uint32_t{0} >> (32 - kLanes);
  if (b.noisy == kAll) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      lanes.reward[l] += b.noise[l] * static_cast<Real>(normal_quantile_32(open_unit(draw(b, l))));
    }
  } else {
    for_each_lane(b.noisy, [&](int l) {
      lanes.reward[l] += b.noise[l] * static_cast<Real>(normal_quantile_32(open_unit(draw(b, l))));
    });
  }
}

template <class Real>
bool may_terminate(const Block<Real>& b) {
  return b.answers == Answers::outcome_lists || b.any_terminal;
}

template <class Real>
void respond(Block<Real>& b, Lanes<Real>& lanes) {
  if (b.answers == Answers::rows || b.answers == Answers::outcome_lists) {
    alignas(64) Real u[kLanes];
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) u[l] = unit(draw(b, l), Real{});
    b.answers == Answers::rows ? respond_from_rows(b, lanes, u) : respond_from_lists(b, lanes, u);
  } else {
    gather(b.rewards, lanes.pair, lanes.reward);
    gather(b.q_table, lanes.cell, lanes.q_tm1);
    b.answers == Answers::drawn_weights ? propose_until_accepted(b, lanes, lanes.next_state)
                                        : propose_from_memory(b, lanes.pair, lanes.next_state);
    locate_rows(b, lanes.next_state, lanes.next_cell);
  }
  if (b.answers != Answers::outcome_lists && b.any_terminal) {
    for (int l = 0; l < kLanes; ++l) {
      lanes.terminated[l] = b.terminal[b.task_of[l] * b.states + lanes.next_state[l]];
    }
  }
  if (b.noisy != 0) add_noise(b, lanes);
}

}  // namespace
}  // namespace metarl_fast
