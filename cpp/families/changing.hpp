// SPDX-License-Identifier: MIT
// A family around another one whose tasks have segments in time, of so many episodes each.
#pragma once

#include <cstdint>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "around.hpp"

namespace metarl_fast {

class Changing : public Around {
 public:
  std::int64_t every = 1;     // episodes of a segment
  std::int64_t segment = -1;  // the one that stays, or -1 if time goes on

  template <class Self, class Visitor>
  static void parameters(Self& changing, const Visitor& visit) {
    visit("family", changing.family);
    visit("every", changing.every, at_least(1));
    visit("segment", changing.segment, at_least(-1));
  }

  std::int64_t episodes_per_segment() const override { return segment < 0 ? every : 0; }

 protected:
  std::int64_t segment_at(std::int64_t now) const { return segment < 0 ? now : segment; }

  void check_inside() const {
    family->check();
    require(family->episodes_per_segment() == 0, "a family's episodes per segment",
            static_cast<double>(family->episodes_per_segment()), "0, of tasks that do not change themselves");
  }
};

}  // namespace metarl_fast
