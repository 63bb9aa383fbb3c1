// SPDX-License-Identifier: MIT
// Tasks that are another draw of a family in each segment of their time; or a segment draws anew with some
// probability only. Of a few modes it draws one evenly, maybe that which it was in: a Markov chain that stays
// in its mode with probability 1 - probability (1 - 1 / modes).
//
// When a task was last drawn anew is found by looking back, 1 / probability segments on average, so that a
// segment can be written without those before it.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../rng.hpp"
#include "changing.hpp"

namespace metarl_fast {

class Switching final : public Changing {
 public:
  static constexpr const char* kName = "Switching";

  double probability = 1.0;  // of drawing anew when a segment begins
  std::int64_t modes = 0;    // 0: each draw is a new one

  template <class Self, class Visitor>
  static void parameters(Self& switching, const Visitor& visit) {
    Changing::parameters(switching, visit);
    visit("probability", switching.probability, Range{0.0, 1.0, true});
    visit("modes", switching.modes, between(0, 1 << 30));
  }

  void check() const override {
    check_parameters(*this);
    check_inside();
  }

 private:
  void write_at(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                const Interrupt& interrupt) const override {
    task.reward_noise = shape().reward_noise;
    family->write(key_of_part(key, draw_at(key, id, time, interrupt)), id, 0, task, interrupt);
  }

  // A segment's stream says whether it draws anew, and which mode.
  std::uint64_t draw_at(std::uint64_t key, std::uint64_t id, std::int64_t time,
                        const Interrupt& interrupt) const {
    if (probability == 1.0 && modes == 0) return static_cast<std::uint64_t>(time);
    Meter meter(interrupt);
    for (;; --time) {
      meter.count(1);
      Stream stream = make_stream(key_of_part(key, ~static_cast<std::uint64_t>(time)), id, Purpose::parts);
      const bool anew = unit(next(stream), 0.0) < probability;
      if (!anew && time > 0) continue;
      return modes == 0 ? static_cast<std::uint64_t>(time)
                        : below(next(stream), static_cast<std::uint32_t>(modes));
    }
  }
};

}  // namespace metarl_fast
