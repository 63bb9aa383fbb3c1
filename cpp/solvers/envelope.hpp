// SPDX-License-Identifier: MIT
// Values of a Markov chain whose rows are sparse, by an elimination that subtracts nothing, so that every
// component is right to a few roundings however close to 1 the discount is (Grassmann, Taksar and Heyman
// 1985; O'Cinneide 1993). With weights a_ij of going from i to j, excess d_i, reward b_i, and no diagonal:
//
//   for i:  for k < i with a_ik > 0:  (a, d, b)_i += a_ik (a, d, b)_k
//           (a, d, b)_i /= d_i + sum_{j>i} a_ij
//   then, from the last state:  v_i = b_i + sum_{j>i} a_ij v_j
//
// The same elimination also solves for how often states are visited, x = start + x A (`solve_visits`), if its
// factors a_ik and pivots are kept.
//
// Row i is worked out in a dense row and kept from i + 1 to its last entry, or by its entries alone if most
// are 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../interrupt.hpp"

namespace metarl_fast {

class Envelope {
 public:
  void start(std::int64_t states, bool keeps_factors = false);

  // The next row's weight of going to state j, which is not the row's own; weights for the same j add up.
  void add(std::int64_t j, double weight) {
    work_[static_cast<std::size_t>(j)] += weight;
    first_ = std::min(first_, j);
    last_ = std::max(last_, j);
  }
  // Eliminates the row. False if nothing leads out of it: it closes a class of states that is never left, and
  // `close` must say its value.
  bool eliminate(double excess, double reward);
  void close(double value);

  // Multiplications since `start`, to ask for interrupts by.
  std::int64_t work_done() const { return work_done_; }

  // After the last row.
  void solve(double* values) const;

  // visits [S], at first where one starts and then how often each state is visited; in a state that was
  // closed how often it is entered. Needs the factors.
  void solve_visits(double* visits) const;

 private:
  struct Row {
    std::int64_t place;   // of its first entry
    std::int64_t length;  // entries kept
    std::int64_t column;  // place of the entries' states, or -1 if these are i + 1, i + 2, ...
    std::int64_t end;     // one behind its last entry's state
    double excess;
    double reward;
  };
  void begin_row();
  void end_row(double pivot);
  void keep_row(double excess, double reward, double pivot);

  std::int64_t states_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
  std::int64_t work_done_ = 0;
  bool keeps_factors_ = false;
  bool infinite_ = false;  // some class was closed with a value that is not finite
  std::vector<Row> rows_;
  std::vector<double> entries_;
  std::vector<std::int32_t> columns_;
  std::vector<double> work_;
  // Factors of row i: factor_end_[i - 1] <= k < factor_end_[i].
  std::vector<std::int64_t> factor_end_;
  std::vector<std::int32_t> factor_state_;
  std::vector<double> factor_;
  std::vector<double> pivot_;
};

}  // namespace metarl_fast
