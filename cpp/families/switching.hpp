// SPDX-License-Identifier: MIT
// Tasks that are another draw of a family in each segment of their time; or a segment draws anew with some
// probability only. Of a few modes it draws one evenly, maybe that which it was in: a Markov chain that stays
// in its mode with probability 1 - probability (1 - 1 / modes). By state, each state draws for itself, and
// what is done there goes as in its own draw; without modes, states that draw in one segment draw the same.
//
// When a task was last drawn anew is found by looking back, 1 / probability segments on average (of S states
// the longest of S such waits), so that a segment can be written without those before it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../rng.hpp"
#include "changing.hpp"

namespace metarl_fast {

enum class By { task, state };
inline constexpr Word<By> kBy[] = {{"task", By::task}, {"state", By::state}};

class Switching final : public Changing {
 public:
  static constexpr const char* kName = "Switching";

  double probability = 1.0;  // of drawing anew when a segment begins
  std::int64_t modes = 0;    // 0: each draw is a new one
  By by = By::task;          // what draws anew

  template <class Self, class Visitor>
  static void parameters(Self& switching, const Visitor& visit) {
    Changing::parameters(switching, visit);
    visit("probability", switching.probability, Range{0.0, 1.0, true});
    visit("modes", switching.modes, between(0, 1 << 30));
    visit("by", switching.by, kBy);
  }

  void check() const override {
    check_parameters(*this);
    check_inside();
  }

 private:
  void write_at(std::uint64_t key, std::uint64_t id, std::int64_t time, TaskBuffer& task,
                const Interrupt& interrupt) const override {
    const std::int64_t parts = by == By::state ? shape().states : 1;
    const std::vector<std::uint64_t> draws = draws_at(key, id, time, parts, interrupt);
    if (by == By::state) return write_states(key, id, draws, task, interrupt);
    task.reward_noise = shape().reward_noise;
    family->write(key_of_part(key, draws[0]), id, 0, task, interrupt);
  }

  // Which draw each part of the task is in. A segment's stream says of one part after the other whether it
  // draws anew, and which mode.
  std::vector<std::uint64_t> draws_at(std::uint64_t key, std::uint64_t id, std::int64_t time,
                                      std::int64_t parts, const Interrupt& interrupt) const {
    constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
    if (probability == 1.0 && modes == 0) {
      return std::vector<std::uint64_t>(static_cast<std::size_t>(parts), static_cast<std::uint64_t>(time));
    }
    Meter meter(interrupt);
    std::vector<std::uint64_t> draws(static_cast<std::size_t>(parts), kUnknown);
    for (std::int64_t unknown = parts; unknown > 0; --time) {
      meter.count(parts);
      Stream stream = make_stream(key_of_part(key, ~static_cast<std::uint64_t>(time)), id, Purpose::parts);
      for (std::uint64_t& draw : draws) {
        const bool anew = unit(next(stream), 0.0) < probability;
        const std::uint32_t mode = next(stream);
        if (draw != kUnknown || (!anew && time > 0)) continue;
        draw = modes == 0 ? static_cast<std::uint64_t>(time) : below(mode, static_cast<std::uint32_t>(modes));
        --unknown;
      }
    }
    return draws;
  }

  // Start and noise are those of the first draw.
  void write_states(std::uint64_t key, std::uint64_t id, const std::vector<std::uint64_t>& draws,
                    TaskBuffer& task, const Interrupt& interrupt) const {
    std::vector<std::uint64_t> different = draws;
    different.push_back(0);
    std::sort(different.begin(), different.end());
    different.erase(std::unique(different.begin(), different.end()), different.end());
    TaskBuffer drawn(shape());
    for (const std::uint64_t draw : different) {
      drawn.reward_noise = shape().reward_noise;
      family->write(key_of_part(key, draw), id, 0, drawn, interrupt);
      if (draw == 0) {
        task.start = drawn.start;
        task.reward_noise = drawn.reward_noise;
      }
      for (std::size_t s = 0; s < draws.size(); ++s) {
        if (draws[s] == draw) copy_state(drawn, s, task);
      }
    }
    // What ends in another draw, or entering it ends here.
    for (std::size_t k = 0; k < task.terminated.size(); ++k) {
      const bool ends = task.terminal[static_cast<std::size_t>(task.next_state[k])] != 0;
      task.terminated[k] = task.terminated[k] || ends;
    }
  }

  // A state's rows are one after the other, in each array.
  static void copy_state(const TaskBuffer& from, std::size_t state, TaskBuffer& to) {
    const auto copy = [&](const auto& source, auto& target) {
      const std::size_t of_state = source.size() / from.terminal.size();
      std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(state * of_state), of_state,
                  target.begin() + static_cast<std::ptrdiff_t>(state * of_state));
    };
    copy(from.probability, to.probability);
    copy(from.next_state, to.next_state);
    copy(from.reward, to.reward);
    copy(from.terminated, to.terminated);
    copy(from.terminal, to.terminal);
    copy(from.scale, to.scale);
  }
};

}  // namespace metarl_fast
