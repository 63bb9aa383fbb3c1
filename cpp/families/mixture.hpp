// SPDX-License-Identifier: MIT
// A mixture of families: the id of a task decides which of them it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "family.hpp"
#include "layout.hpp"

namespace metarl_fast {

class Mixture final : public Family {
 public:
  static constexpr const char* kName = "Mixture";

  std::vector<FamilyPtr> families;
  std::vector<double> cumulative;  // of their probabilities

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("families", family.families);
    visit("cumulative", family.cumulative, between(0, 1));
  }

  void check() const override;
  Shape shape() const override;
  std::int64_t episodes_per_segment() const override { return families[0]->episodes_per_segment(); }
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
};

inline void Mixture::check() const {
  check_parameters(*this);
  require(!families.empty(), "the number of families", 0.0, "at least one");
  require(cumulative.size() == families.size(), "the length of cumulative",
          static_cast<double>(cumulative.size()), "that of families");
  for (const FamilyPtr& family : families) {
    family->check();
    require(family->episodes_per_segment() == episodes_per_segment(), "a family's episodes per segment",
            static_cast<double>(family->episodes_per_segment()), "those of the first family");
  }
  shape();
}

// Outcome lists are padded to the longest; where some families are dense and others are not, all are lists.
inline Shape Mixture::shape() const {
  Shape common = families[0]->shape();
  for (const FamilyPtr& family : families) common = common_shape(common, family->shape());
  return common;
}

inline void Mixture::write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                           const Interrupt& interrupt) const {
  Stream stream = make_stream(key, id, Purpose::parts);
  const double u = unit(next(stream), double{});
  std::size_t chosen = 0;
  while (chosen + 1 < families.size() && cumulative[chosen] <= u) ++chosen;
  write_as(*families[chosen], key_of_part(key, chosen), id, segment, shape(), task, interrupt);
}

}  // namespace metarl_fast
