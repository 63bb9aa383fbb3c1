// SPDX-License-Identifier: MIT
// AnyMDP: tasks drawn procedurally, banded dynamics with rewards of several parts, of which those are kept
// whose optimal values say that there is something to learn.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "banded.hpp"
#include "composite_rewards.hpp"
#include "family.hpp"
#include "worth_learning.hpp"

namespace metarl_fast {

class AnyMdp final : public Family {
 public:
  static constexpr const char* kName = "AnyMdp";

  std::int64_t states = 16, actions = 5;
  double noise = 0.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("num_states", family.states, between(8, 256));
    visit("num_actions", family.actions, between(2, 256));
    visit("reward_noise", family.noise, at_least(0));
  }

  void check() const override { check_parameters(*this); }
  Shape shape() const override { return {states, actions, states, false, noise}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void AnyMdp::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                          const Interrupt& interrupt) const {
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  Candidate candidate(shape());
  do {
    draw_banded(stream, candidate.dynamics, meter);
    draw_rewards(stream, candidate.dynamics, candidate.rewards);
    stop_if_asked(interrupt);
  } while (!settle_ends(stream, candidate, task, interrupt) ||
           !is_worth_learning(candidate, task, interrupt));
}

}  // namespace metarl_fast
