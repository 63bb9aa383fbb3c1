// SPDX-License-Identifier: MIT
// A family's tasks seen through observations: state z shows itself as one of m states of its own, drawn anew
// whenever it is entered. State z * m + x is its x'th.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "around.hpp"
#include "dirichlet.hpp"
#include "inner_task.hpp"

namespace metarl_fast {

class BlockMdp final : public Around {
 public:
  static constexpr const char* kName = "BlockMdp";

  std::int64_t observations = 2;  // m
  double concentration = 1.0;     // how often a state shows itself as which is Dirichlet

  template <class Self, class Visitor>
  static void parameters(Self& blocks, const Visitor& visit) {
    visit("family", blocks.family);
    visit("observations", blocks.observations, at_least(1));
    visit("concentration", blocks.concentration, above(0));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
    const double all = static_cast<double>(family->shape().states) * static_cast<double>(observations);
    require(all < 0x1p31, "num_states * observations", all, "below 2^31");
  }
  Shape shape() const override {
    Shape of = family->shape();
    of.states *= observations;
    of.outcomes *= observations;
    of.sampling = Sampling::inverse;
    return of;
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void BlockMdp::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                            const Interrupt& interrupt) const {
  const Shape of = family->shape();
  InnerTask latent(of, task);
  family->write(key_of_part(key, 0), id, segment, latent, interrupt);
  task.reward_noise = latent.reward_noise;

  Meter meter(interrupt);
  Stream stream = make_stream(key, id, Purpose::layout);
  const auto m = static_cast<std::size_t>(observations);
  std::vector<double> shown(static_cast<std::size_t>(of.states) * m, 1.0), logs;
  for (std::int64_t z = 0; z < of.states; ++z) {
    meter.count(observations);
    const std::size_t first = static_cast<std::size_t>(z) * m;
    draw_dirichlet(stream, concentration, shown.data() + first, m, logs);
    for (std::size_t x = 0; x < m; ++x) {
      task.terminal[first + x] = latent.terminal[static_cast<std::size_t>(z)];
      task.start[first + x] = latent.start[static_cast<std::size_t>(z)] * shown[first + x];
    }
  }
  std::size_t place = 0;
  const auto pairs_of_state = static_cast<std::size_t>(of.actions);
  for (std::size_t state = 0; state < task.terminal.size(); ++state) {
    for (std::size_t action = 0; action < pairs_of_state; ++action) {
      meter.count(of.outcomes * observations);
      const std::size_t pair = state / m * pairs_of_state + action;
      if (of.dense) task.reward[state * pairs_of_state + action] = latent.reward[pair];
      for (std::int64_t k = 0; k < of.outcomes; ++k) {
        const std::size_t source = pair * static_cast<std::size_t>(of.outcomes) + static_cast<std::size_t>(k);
        const auto to = static_cast<std::size_t>(of.dense ? k : latent.next_state[source]);
        for (std::size_t x = 0; x < m; ++x, ++place) {
          task.probability[place] = latent.probability[source] * shown[to * m + x];
          if (of.dense) continue;
          task.next_state[place] = static_cast<std::int32_t>(to * m + x);
          task.reward[place] = latent.reward[source];
          task.terminated[place] = latent.terminated[source];
        }
      }
    }
  }
}

}  // namespace metarl_fast
