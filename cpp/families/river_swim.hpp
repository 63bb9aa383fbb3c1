// SPDX-License-Identifier: MIT
// RiverSwim: a chain with a small reward at the near end and a large one upstream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "outcomes.hpp"

namespace metarl_fast {

class RiverSwim final : public Family {
 public:
  static constexpr const char* kName = "RiverSwim";
  static constexpr std::int64_t kLeft = 0, kRight = 1;

  using Interval = std::vector<double>;  // {low, high}, from which each task draws a number

  std::int64_t states = 6;
  Interval forward{0.35, 0.35};        // swimming right, the probability of getting on
  Interval back{0.05, 0.05};           // and of drifting back; else one stays
  Interval first_forward{0.6, 0.6};    // getting on in the first state, where nobody drifts back
  Interval last_back{0.4, 0.4};        // drifting back in the last state, where nobody gets on
  Interval left_reward{0.005, 0.005};  // for swimming left in the first state
  Interval right_reward{1.0, 1.0};     // for swimming right in the last state

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("num_states", family.states, at_least(2));
    visit("forward", family.forward, between(0, 1));
    visit("back", family.back, between(0, 1));
    visit("first_forward", family.first_forward, between(0, 1));
    visit("last_back", family.last_back, between(0, 1));
    visit("left_reward", family.left_reward, finite());
    visit("right_reward", family.right_reward, finite());
  }

  void check() const override;
  Shape shape() const override { return {states, 2, 3, false, 0.0}; }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void RiverSwim::check() const {
  check_parameters(*this);
  for (const Interval* interval :
       {&forward, &back, &first_forward, &last_back, &left_reward, &right_reward}) {
    require(interval->size() == 2, "the length of an interval", static_cast<double>(interval->size()),
            "2: its low and its high end");
    require((*interval)[0] <= (*interval)[1], "the high end of an interval", (*interval)[1],
            "at least the low end");
  }
  require(forward[1] + back[1] <= 1.0, "forward + back", forward[1] + back[1], "at most 1");
}

inline void RiverSwim::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                             const Interrupt& interrupt) const {
  Stream stream = make_stream(key, id, Purpose::layout);
  const auto draw = [&stream](const Interval& from) {
    const std::uint32_t x = next(stream);
    return from[0] + (from[1] - from[0]) * unit_53(x, stream.s[kCompanion]);
  };
  const double on = draw(forward);
  const double off = draw(back);
  const double on_from_first = draw(first_forward);
  const double off_last = draw(last_back);
  const double small = draw(left_reward);
  const double large = draw(right_reward);

  Meter meter(interrupt);
  OutcomeWriter out(shape(), task, meter);
  out.start(0);
  const std::int64_t last = states - 1;
  for (std::int64_t state = 0; state <= last; ++state) {
    out.begin(state, kLeft);
    out.add(1.0, std::max<std::int64_t>(state - 1, 0), state == 0 ? small : 0.0);
    out.begin(state, kRight);
    if (state == 0) {
      out.add(on_from_first, 1, 0.0);
      out.add(1.0 - on_from_first, 0, 0.0);
    } else if (state == last) {
      out.add(1.0 - off_last, last, large);
      out.add(off_last, last - 1, large);
    } else {
      out.add(on, state + 1, 0.0);
      out.add(std::max(0.0, 1.0 - (on + off)), state, 0.0);
      out.add(off, state - 1, 0.0);
    }
  }
}

}  // namespace metarl_fast
