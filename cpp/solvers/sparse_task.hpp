// SPDX-License-Identifier: MIT
// A sparse task while it is solved: what the two files of its policy iteration share. Values and improvement
// stand in sparse_policy_iteration.cpp; which states never end, at discount 1, in sparse_endless.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../elementary.hpp"
#include "endless.hpp"
#include "error_bound.hpp"
#include "improvement.hpp"
#include "large_task.hpp"
#include "sparse_policy_iteration.hpp"

namespace metarl_fast {

// A prepared task, in the model's order of states.
class SparseTask {
 public:
  SparseTask(const TaskView& task, SparseScratch& room)
      : task_(task),
        room_(room),
        model_(room.model),
        begin_(model_.begin.data()),
        successor_(model_.successor.data()),
        weight_(model_.weight.data()),
        endless_(model_.discount == 1.0) {}

  // How many policies were valued, or rounds of sweeps made; 0 if interrupted.
  std::int64_t solve(const Interrupt& interrupt, const RowLoop& rows);
  // By sweeps alone.
  std::int64_t solve(const Sweeps&, const Interrupt& interrupt, const RowLoop& rows);
  // False if interrupted.
  bool evaluate(const double* policy, const Interrupt& interrupt, const RowLoop& rows);
  // Returns how far a value may be off.
  double write(const Optimum& out, const RowLoop& rows);
  void write_values(double* values) const;

 private:
  static std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }
  std::int64_t task_state(std::int64_t i) const { return room_.order.empty() ? i : room_.order[index(i)]; }
  // At discount 1 there are no bounds to go by.
  bool is_large() const { return !endless_ && is_too_large_to_eliminate(room_.elimination); }
  bool abandoned(std::int64_t s) const { return !room_.abandoned.empty() && room_.abandoned[index(s)]; }

  void advantages(std::int64_t s, double* out) const;
  TermSizes sizes(std::int64_t s, std::int64_t action) const;
  double direct(std::int64_t s, std::int64_t action) const;
  double bound() const { return model_.largest_reward + 2.0 * largest_value_; }

  void write_state(std::int64_t i, const Optimum& out, ErrorBound& error);
  void sweep(std::int64_t count, const Interrupt& interrupt);
  Gain improve_all();
  void measure_values();
  bool solve_policy(const Interrupt& interrupt);
  template <class AddRow, class Close>
  bool eliminate(const AddRow& add_row, const Close& close, const Interrupt& interrupt);
  std::vector<std::uint8_t> class_of(std::int64_t s, const double* policy) const;
  std::vector<std::uint8_t> started() const;
  void begin();
  void start_over();
  bool rest_where_negative();
  [[noreturn]] void never_ends(std::int64_t s) const { throw NeverEnds{task_state(s)}; }

  const TaskView& task_;
  SparseScratch& room_;
  SparseModel& model_;
  const std::int64_t* const begin_;
  const std::int32_t* const successor_;
  const double* const weight_;
  const bool endless_;
  bool forward_ = true;
  bool started_over_ = false;
  double largest_value_ = 0.0;
  Changes changes_;
};

}  // namespace metarl_fast
