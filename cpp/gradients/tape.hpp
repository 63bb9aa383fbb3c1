// SPDX-License-Identifier: MIT
// What updates did to a table, kept so that a gradient can be taken back through them. Update k made
//
//   q[cell] <- (1 - rate) q[cell] + rate (r + discount sum_j weight_j q[ahead_j])
//
// of which all but the values is on the tape. Going back, the adjoint of one update touches those entries
// alone.
#pragma once

#include <cstdint>
#include <vector>

namespace metarl_fast {

class Tape {
 public:
  // Room for n updates; `width` weights each, or 0 where one entry is looked at, with weight 1; and `scores`
  // numbers each that say how the choice moves with the row.
  Tape(std::int64_t n, std::int64_t width, bool decaying, bool keeps_errors, std::int64_t scores = 0)
      : cell(size(n)),
        ahead(size(n)),
        weight(size(n * width)),
        rate(decaying ? size(n) : 0),
        share(decaying ? size(n) : 0),
        error(keeps_errors ? size(n) : 0),
        score(size(n * scores)) {}

  static double bytes(std::int64_t n, std::int64_t width) {
    return static_cast<double>(n) * (32.0 + 16.0 * static_cast<double>(width));
  }

  std::vector<std::int32_t> cell;   // what was updated
  std::vector<std::int32_t> ahead;  // what was looked at: an entry, or the first of a row of `width`
  std::vector<double> weight;       // [n][width]
  std::vector<double> rate;         // of decaying rates: the step size
  std::vector<double> share;        // and how it moves with the learning rate
  std::vector<double> error;        // target - q[cell], where somebody asked
  std::vector<double> score;        // [n][scores]

 private:
  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
};

}  // namespace metarl_fast
