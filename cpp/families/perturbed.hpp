// SPDX-License-Identifier: MIT
// Tasks around one task: rows are drawn from Dirichlet laws about its rows, rewards from normal laws about
// its rewards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "dirichlet.hpp"
#include "family.hpp"
#include "layout.hpp"

namespace metarl_fast {

class Perturbed final : public Family {
 public:
  static constexpr const char* kName = "Perturbed";

  std::shared_ptr<const TaskBatch> tasks;  // the first one is the centre
  double concentration = 10.0;
  double reward_std = 0.0;

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("tasks", family.tasks);
    visit("concentration", family.concentration, above(0));
    visit("reward_std", family.reward_std, at_least(0));
  }

  void check() const override {
    check_parameters(*this);
    require(tasks->size() > 0, "the number of tasks", static_cast<double>(tasks->size()), "one at least");
  }
  Shape shape() const override {
    Shape of = tasks->shape();
    of.sampling = Sampling::inverse;
    return of;
  }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void Perturbed::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                             const Interrupt& interrupt) const {
  const Shape of = shape();
  Meter meter(interrupt);
  TaskBuffer room(tasks->shape());
  copy_task(tasks->shape(), tasks->load(0, room, interrupt), of, task, meter);
  Stream stream = make_stream(key, id, Purpose::transitions);
  const IndexKey reward_key = make_index_key(key, id, Purpose::rewards);
  const auto outcomes = static_cast<std::size_t>(of.outcomes);
  const std::size_t rewards = of.dense ? 1 : outcomes;
  std::vector<double> logs;
  for (std::int64_t pair = 0; pair < of.pairs(); ++pair) {
    meter.count(of.outcomes);
    if (task.terminal[static_cast<std::size_t>(pair / of.actions)]) continue;
    if (!available(of, task.view(), pair)) continue;
    const auto first = static_cast<std::size_t>(pair);
    draw_dirichlet(stream, concentration, task.probability.data() + first * outcomes, outcomes, logs);
    const std::uint32_t x = indexed(reward_key, 0, static_cast<std::uint32_t>(pair));
    const double moved = reward_std * normal_quantile(open_unit(x));
    for (std::size_t k = 0; k < rewards; ++k) task.reward[first * rewards + k] += moved;
  }
}

}  // namespace metarl_fast
