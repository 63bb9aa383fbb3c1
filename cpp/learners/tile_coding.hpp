// SPDX-License-Identifier: MIT
// Tile coding (Albus 1971; Sutton and Barto, 2nd ed., section 9.5.4): states are points with whole
// coordinates, and each of T tilings cuts their space into boxes. A state's features are the T boxes that it
// lies in, each of value 1/T.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../mdp.hpp"
#include "../parameters.hpp"
#include "features.hpp"

namespace metarl_fast {

class TileCoding final : public Features {
 public:
  static constexpr const char* kName = "TileCoding";

  std::vector<std::int64_t>
      sizes;  // [D], of the space; the last coordinate is the fastest in a state's number
  std::vector<std::int64_t> tiles;    // [T][D], how long the boxes of a tiling are
  std::vector<std::int64_t> offsets;  // [T][D], how far its first boxes stick out, below `tiles`

  template <class Self, class Visitor>
  static void parameters(Self& features, const Visitor& visit) {
    visit("sizes", features.sizes, between(1, kMost));
    visit("tiles", features.tiles, between(1, kMost));
    visit("offsets", features.offsets, between(0, kMost));
  }

  void check() const override {
    check_parameters(*this);
    require(!sizes.empty(), "the number of coordinates", 0.0, "at least 1");
    require(!tiles.empty() && tiles.size() % sizes.size() == 0 && offsets.size() == tiles.size(),
            "the number of tiles or offsets", static_cast<double>(tiles.size()),
            "one a tiling and coordinate");
    double states = 1.0, boxes = 0.0;
    for (const std::int64_t size : sizes) states *= static_cast<double>(size);
    require(states <= kMost, "the number of states", states, "at most 2147483647");
    for (std::size_t first = 0; first < tiles.size(); first += sizes.size()) {
      double of_tiling = 1.0;
      for (std::size_t d = 0; d < sizes.size(); ++d) {
        const std::size_t k = first + d;
        require(offsets[k] < tiles[k], "offset", static_cast<double>(offsets[k]), "less than its tile");
        of_tiling *= static_cast<double>(boxes_along(first, d));
      }
      boxes += of_tiling;
    }
    require(boxes <= kMost, "the number of features", boxes, "at most 2147483647");
  }

  std::int64_t states() const override {
    std::int64_t number = 1;
    for (const std::int64_t size : sizes) number *= size;
    return number;
  }

  std::int64_t number() const override {
    std::int64_t boxes = 0;
    for (std::size_t first = 0; first < tiles.size(); first += sizes.size()) {
      std::int64_t of_tiling = 1;
      for (std::size_t d = 0; d < sizes.size(); ++d) of_tiling *= boxes_along(first, d);
      boxes += of_tiling;
    }
    return boxes;
  }

  std::int64_t active() const override { return static_cast<std::int64_t>(tiles.size() / sizes.size()); }

  void of(std::int64_t state, std::int32_t* which, double* value) const override {
    const double each = 1.0 / static_cast<double>(active());
    std::int64_t before = 0;  // boxes of the tilings before
    for (std::size_t first = 0; first < tiles.size(); first += sizes.size()) {
      std::int64_t box = 0, boxes = 1, left = state;
      for (std::size_t d = sizes.size(); d-- > 0;) {
        const std::int64_t coordinate = left % sizes[d];
        left /= sizes[d];
        box += (coordinate + offsets[first + d]) / tiles[first + d] * boxes;
        boxes *= boxes_along(first, d);
      }
      *which++ = static_cast<std::int32_t>(before + box);
      *value++ = each;
      before += boxes;
    }
  }

 private:
  static constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

  std::int64_t boxes_along(std::size_t first, std::size_t d) const {
    return (sizes[d] - 1 + offsets[first + d]) / tiles[first + d] + 1;
  }
};

}  // namespace metarl_fast
