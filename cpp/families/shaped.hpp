// SPDX-License-Identifier: MIT
// A family's tasks with rewards shaped by a potential: r + discount * Phi(s') - Phi(s), Phi = 0 where
// episodes end. Ng, Harada and Russell, "Policy invariance under reward transformations", ICML 1999.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"
#include "layout.hpp"

namespace metarl_fast {

class Shaped final : public Around {
 public:
  static constexpr const char* kName = "Shaped";

  std::vector<double> potential;  // [S]
  double discount = 1.0;

  template <class Self, class Visitor>
  static void parameters(Self& shaped, const Visitor& visit) {
    visit("family", shaped.family);
    visit("potential", shaped.potential, finite());
    visit("discount", shaped.discount, between(0, 1));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
    require(static_cast<std::int64_t>(potential.size()) == family->shape().states, "the number of potentials",
            static_cast<double>(potential.size()), "num_states");
  }
  // What is added depends on the next state, so it stands in outcomes.
  Shape shape() const override { return as_lists(family->shape()); }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void Shaped::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                          const Interrupt& interrupt) const {
  const Shape of = shape();
  write_as(*family, key, id, segment, of, task, interrupt);
  Meter meter(interrupt);
  std::size_t place = 0;
  for (std::size_t state = 0; state < potential.size(); ++state) {
    for (std::int64_t left = of.actions * of.outcomes; left > 0; --left, ++place) {
      meter.count(1);
      if (task.terminal[state] || task.probability[place] == 0.0) continue;
      const auto next = static_cast<std::size_t>(task.next_state[place]);
      const double ahead = task.terminated[place] ? 0.0 : discount * potential[next];
      task.reward[place] += ahead - potential[state];
    }
  }
}

}  // namespace metarl_fast
