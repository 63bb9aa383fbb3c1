// SPDX-License-Identifier: MIT
// A family's tasks with other starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"

namespace metarl_fast {

class WithStart final : public Around {
 public:
  static constexpr const char* kName = "WithStart";

  std::vector<double> start;  // [S]; empty for all states alike that are not terminal

  template <class Self, class Visitor>
  static void parameters(Self& starting, const Visitor& visit) {
    visit("family", starting.family);
    visit("start", starting.start, between(0, 1));
  }

  void check() const override {
    check_parameters(*this);
    family->check();
    require(start.empty() || static_cast<std::int64_t>(start.size()) == shape().states,
            "the number of start probabilities", static_cast<double>(start.size()), "num_states");
  }

  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override {
    family->write(key, id, segment, task, interrupt);
    if (!start.empty()) {
      task.start = start;
      return;
    }
    std::int64_t open = 0;
    for (const std::uint8_t ends : task.terminal) open += ends == 0;
    for (std::size_t s = 0; s < task.start.size() && open > 0; ++s) {
      task.start[s] = task.terminal[s] ? 0.0 : 1.0 / static_cast<double>(open);
    }
  }
};

}  // namespace metarl_fast
