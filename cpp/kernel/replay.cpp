// SPDX-License-Identifier: MIT
// Q-learning's updates made again from recorded steps, and the way back through them, one task a lane;
// compiled once for each instruction set, as kernel.cpp is. A group of lanes hides the chain table -> target
// -> table of one task behind those of the others. gradients/replay.hpp has the same for one task, to the
// same bits.
#include "../gradients/replay_lanes.hpp"

#include "primitives.hpp"

#ifndef METARL_FAST_KERNEL_ISA
#error "define METARL_FAST_KERNEL_ISA: base, avx2 or avx512"
#endif

namespace metarl_fast {
namespace {

constexpr int kWide = kRegisterBytes / 8;      // doubles of a register
constexpr int kGroup = kWide < 4 ? 4 : kWide;  // lanes that run together
using Doubles = Register<double>;
using Places = Register<std::int64_t>;

// What each of kWide lanes has. Put together in a register: taken from memory just written, it would wait for
// all of it.
template <class Of>
[[gnu::always_inline]] inline Doubles together(const Of& of) {
  Doubles found;
#pragma GCC unroll 8
  for (int w = 0; w < kWide; ++w) found[w] = of(w);
  return found;
}

// Where kWide lanes find an entry of theirs.
struct Entries {
  double* at[kWide];

  [[gnu::always_inline]] Entries(double* table, const ReplayLanes& b, int first,
                                 const std::uint16_t* const* place, std::int64_t k) {
#pragma GCC unroll 8
    for (int w = 0; w < kWide; ++w) at[w] = table + (first + w) * b.stride + place[first + w][k];
  }
  [[gnu::always_inline]] Doubles values(std::int64_t beyond = 0) const {
    return together([&](int w) { return at[w][beyond]; });
  }
  [[gnu::always_inline]] void set(Doubles values) const {
#pragma GCC unroll 8
    for (int w = 0; w < kWide; ++w) *at[w] = values[w];
  }
};

// max_a q(s', a), and the first a that has it.
struct Largest {
  Doubles value;
  Places action;
};

[[gnu::always_inline]] inline Largest look_ahead(const ReplayLanes& b, int first, std::int64_t k) {
  const Entries row(b.q, b, first, b.ahead, k);
  Doubles largest = row.values();
  Places best{};
  Places action{};
  for (std::int64_t a = 1; a < b.actions; ++a) {
    const Doubles value = row.values(a);
    action += 1;
    const Places better = value > largest;
    largest = better ? value : largest;
    best = better ? action : best;
  }
  return {largest, best};
}

[[gnu::always_inline]] inline Doubles rewards(const ReplayLanes& b, int first, std::int64_t k) {
  return together([&](int w) { return b.reward[first + w][k]; });
}

template <bool kOneRate, bool kKeepsErrors>
void learn_group(const ReplayLanes& b, int group, std::int64_t num_steps) {
  Doubles rate = Doubles{} + b.rate[0];
  for (std::int64_t k = 0; k < num_steps; ++k) {
#pragma GCC unroll 4
    for (int first = group; first < group + kGroup; first += kWide) {
      const Largest ahead = look_ahead(b, first, k);
      const Doubles target = rewards(b, first, k) + b.discount * ahead.value;
      const Entries entry(b.q, b, first, b.cell, k);
      const Doubles q = entry.values();
      if constexpr (!kOneRate) rate = together([&](int w) { return b.rate[b.cell[first + w][k]]; });
      entry.set((1.0 - rate) * q + rate * target);
      const Doubles error = target - q;
#pragma GCC unroll 8
      for (int w = 0; w < kWide; ++w) {
        std::uint16_t& place = b.ahead[first + w][k];
        place = static_cast<std::uint16_t>(place + ahead.action[w]);
        if constexpr (kKeepsErrors) b.error[first + w][k] = error[w];
      }
    }
  }
}

template <bool kOneRate, bool kOfRates>
void go_back_group(const ReplayLanes& b, int group, std::int64_t num_steps) {
  const double discount = b.discount;
  double rate = b.rate[0];
  for (std::int64_t k = num_steps - 1; k >= 0; --k) {
#pragma GCC unroll 8
    for (int l = group; l < group + kGroup; ++l) {
      double* adjoint = b.adjoint + l * b.stride;
      const std::uint16_t cell = b.cell[l][k];
      const double moved = adjoint[cell];
      if constexpr (!kOneRate) rate = b.rate[cell];
      if constexpr (kOfRates) b.of_rates[l * b.stride + cell] += moved * b.error[l][k];
      adjoint[cell] = (1.0 - rate) * moved;
      adjoint[b.ahead[l][k]] += discount * (rate * moved);
    }
  }
}

void judge_group(const ReplayLanes& b, int group, std::int64_t num_steps, JudgedLanes& judged) {
  for (int first = group; first < group + kGroup; first += kWide) {
    Doubles loss = together([&](int w) { return judged.loss[first + w]; });
    const Doubles length = together([&](int w) { return static_cast<double>(judged.length[first + w]); });
    const Doubles share = together([&](int w) { return judged.share[first + w]; });
    for (std::int64_t k = 0; k < num_steps; ++k) {
      const Largest ahead = look_ahead(b, first, k);
      const Doubles target = rewards(b, first, k) + b.discount * ahead.value;
      const Doubles error = target - Entries(b.q, b, first, b.cell, k).values();
      loss = length > Doubles{} + static_cast<double>(k) ? loss + 0.5 * share * error * error : loss;
      const Doubles moved = share * error;
      const Entries slope(b.adjoint, b, first, b.cell, k);
      slope.set(slope.values() - moved);
      const Doubles moved_ahead = b.discount * moved;
      const Entries row(b.adjoint, b, first, b.ahead, k);
#pragma GCC unroll 8
      for (int w = 0; w < kWide; ++w) row.at[w][ahead.action[w]] += moved_ahead[w];
    }
#pragma GCC unroll 8
    for (int w = 0; w < kWide; ++w) judged.loss[first + w] = loss[w];
  }
}

template <class Use>
void for_each_group(const ReplayLanes& b, const Use& use) {
  for (int group = 0; group < b.active; group += kGroup) use(group);
}

void learn(const ReplayLanes& b, std::int64_t num_steps) {
  for_each_group(b, [&](int group) {
    if (b.of_rates) return learn_group<false, true>(b, group, num_steps);
    if (b.one_rate) return learn_group<true, false>(b, group, num_steps);
    learn_group<false, false>(b, group, num_steps);
  });
}

void go_back(const ReplayLanes& b, std::int64_t num_steps) {
  for_each_group(b, [&](int group) {
    if (b.of_rates) return go_back_group<false, true>(b, group, num_steps);
    if (b.one_rate) return go_back_group<true, false>(b, group, num_steps);
    go_back_group<false, false>(b, group, num_steps);
  });
}

void judge(const ReplayLanes& b, std::int64_t num_steps, JudgedLanes& judged) {
  for_each_group(b, [&](int group) { judge_group(b, group, num_steps, judged); });
}

}  // namespace

namespace METARL_FAST_KERNEL_ISA {
extern const ReplayKernel replay_kernel;
const ReplayKernel replay_kernel = {&learn, &go_back, &judge};
}  // namespace METARL_FAST_KERNEL_ISA

}  // namespace metarl_fast
