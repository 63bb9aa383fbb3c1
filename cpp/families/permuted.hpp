// SPDX-License-Identifier: MIT
// A family's tasks with their states and actions renamed, in each task otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "around.hpp"
#include "inner_task.hpp"

namespace metarl_fast {

class Permuted final : public Around {
 public:
  static constexpr const char* kName = "Permuted";

  std::int64_t states = 1, actions = 1;  // whether they are renamed

  template <class Self, class Visitor>
  static void parameters(Self& permuted, const Visitor& visit) {
    visit("family", permuted.family);
    visit("states", permuted.states, between(0, 1));
    visit("actions", permuted.actions, between(0, 1));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

// The new names [n] of 0 to n-1, all orders equally likely: Fisher and Yates.
inline std::vector<std::int64_t> draw_names(Stream& stream, std::int64_t n, bool renamed, Meter& meter) {
  std::vector<std::int64_t> names(static_cast<std::size_t>(n));
  std::iota(names.begin(), names.end(), std::int64_t{0});
  for (std::int64_t left = n; renamed && left > 1; --left) {
    meter.count(1);
    const std::uint32_t other = below(next(stream), static_cast<std::uint32_t>(left));
    std::swap(names[static_cast<std::size_t>(left - 1)], names[other]);
  }
  return names;
}

inline void Permuted::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  const Shape of = shape();
  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::parts);
  const std::vector<std::int64_t> state = draw_names(stream, of.states, states != 0, meter);
  const std::vector<std::int64_t> action = draw_names(stream, of.actions, actions != 0, meter);
  InnerTask old(of, task);
  family->write(key_of_part(key, 0), id, segment, old, interrupt);

  task.reward_noise = old.reward_noise;
  std::size_t from = 0;  // the old pair
  for (std::int64_t s = 0; s < of.states; ++s) {
    const auto named = static_cast<std::size_t>(state[static_cast<std::size_t>(s)]);
    task.terminal[named] = old.terminal[static_cast<std::size_t>(s)];
    task.start[named] = old.start[static_cast<std::size_t>(s)];
    for (std::int64_t a = 0; a < of.actions; ++a, ++from) {
      meter.count(of.outcomes);
      const std::size_t pair = named * static_cast<std::size_t>(of.actions) +
                               static_cast<std::size_t>(action[static_cast<std::size_t>(a)]);
      const auto outcomes = static_cast<std::size_t>(of.outcomes);
      if (of.sampling == Sampling::rejection) task.scale[pair] = old.scale[from];
      if (of.dense) task.reward[pair] = old.reward[from];
      for (std::size_t k = 0; k < outcomes; ++k) {
        const std::size_t place = from * outcomes + k;
        if (of.dense) {
          task.probability[pair * outcomes + static_cast<std::size_t>(state[k])] = old.probability[place];
          continue;
        }
        const std::size_t target = pair * outcomes + k;
        task.probability[target] = old.probability[place];
        task.next_state[target] =
            static_cast<std::int32_t>(state[static_cast<std::size_t>(old.next_state[place])]);
        task.reward[target] = old.reward[place];
        task.terminated[target] = old.terminated[place];
      }
    }
  }
}

}  // namespace metarl_fast
