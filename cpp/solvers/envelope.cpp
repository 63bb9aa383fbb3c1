// SPDX-License-Identifier: MIT
#include "envelope.hpp"

#include <cmath>
#include <limits>

namespace metarl_fast {
namespace {

// The order of the additions is part of the result.
double sum(const double* x, std::int64_t n) {
  double s[4] = {0.0, 0.0, 0.0, 0.0};
  std::int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    for (int l = 0; l < 4; ++l) s[l] += x[j + l];
  }
  for (int l = 0; j < n; ++j, ++l) s[l] += x[j];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// The same order; places where x is 0 count as 0 even if y is not finite there.
double dot(const double* x, const double* y, std::int64_t n, bool infinite) {
  double s[4] = {0.0, 0.0, 0.0, 0.0};
  if (infinite) {
    for (std::int64_t j = 0; j < n; ++j) s[j % 4] += x[j] == 0.0 ? 0.0 : x[j] * y[j];
    return (s[0] + s[1]) + (s[2] + s[3]);
  }
  std::int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    for (int l = 0; l < 4; ++l) s[l] += x[j + l] * y[j + l];
  }
  for (int l = 0; j < n; ++j, ++l) s[l] += x[j] * y[j];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

void add_multiple(double* __restrict y, double factor, const double* __restrict x, std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) y[j] += factor * x[j];
}

void add_multiple(double* y, double factor, const double* x, const std::int32_t* column, std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) y[column[j]] += factor * x[j];
}

// A row is kept by its entries alone if fewer than one place in so many has one.
constexpr std::int64_t kPlacesPerEntry = 4;

}  // namespace

void Envelope::start(std::int64_t states, bool keeps_factors) {
  states_ = states;
  keeps_factors_ = keeps_factors;
  factor_end_.clear();
  factor_state_.clear();
  factor_.clear();
  pivot_.clear();
  work_done_ = 0;
  infinite_ = false;
  rows_.clear();
  rows_.reserve(static_cast<std::size_t>(states));
  entries_.clear();
  columns_.clear();
  work_.assign(static_cast<std::size_t>(states), 0.0);
  begin_row();
}

void Envelope::begin_row() { first_ = last_ = static_cast<std::int64_t>(rows_.size()); }

bool Envelope::eliminate(double excess, double reward) {
  const auto i = static_cast<std::int64_t>(rows_.size());
  double* work = work_.data();
  for (std::int64_t k = first_; k < i; ++k) {
    const double factor = work[k];
    if (factor == 0.0) continue;
    work[k] = 0.0;
    if (keeps_factors_) {
      factor_state_.push_back(static_cast<std::int32_t>(k));
      factor_.push_back(factor);
    }
    const Row& row = rows_[static_cast<std::size_t>(k)];
    const double* entry = entries_.data() + row.place;
    if (row.column < 0) {
      add_multiple(work + k + 1, factor, entry, row.length);
    } else {
      add_multiple(work, factor, entry, columns_.data() + row.column, row.length);
    }
    excess += factor * row.excess;
    reward += factor * row.reward;
    last_ = std::max(last_, row.end - 1);
    work_done_ += row.length + 1;
  }
  work[i] = 0.0;  // coming back changes nothing
  while (last_ > i && work[last_] == 0.0) --last_;
  const double pivot = excess + sum(work + i + 1, last_ - i);
  if (pivot == 0.0) return false;
  keep_row(excess, reward, pivot);
  return true;
}

void Envelope::keep_row(double excess, double reward, double pivot) {
  const auto i = static_cast<std::int64_t>(rows_.size());
  double* const work = work_.data() + i + 1;
  const std::int64_t places = last_ - i;
  const double inverse = 1.0 / pivot;
  const bool small = !(inverse <= std::numeric_limits<double>::max());  // a pivot below the normal numbers
  const auto scaled = [&](double x) { return small ? x / pivot : x * inverse; };
  const std::int64_t count = places - std::count(work, work + places, 0.0);
  const bool sparse = count * kPlacesPerEntry < places;
  const auto column = static_cast<std::int64_t>(columns_.size());
  Row row{static_cast<std::int64_t>(entries_.size()),
          sparse ? count : places,
          sparse ? column : -1,
          last_ + 1,
          scaled(excess),
          scaled(reward)};
  entries_.resize(entries_.size() + static_cast<std::size_t>(row.length));
  double* entry = entries_.data() + row.place;
  if (sparse) {
    for (std::int64_t j = 0; j < places; ++j) {
      if (work[j] == 0.0) continue;
      *entry++ = scaled(work[j]);
      columns_.push_back(static_cast<std::int32_t>(i + 1 + j));
    }
  } else {
    for (std::int64_t j = 0; j < places; ++j) entry[j] = scaled(work[j]);
  }
  std::fill_n(work, places, 0.0);
  rows_.push_back(row);
  end_row(pivot);
}

void Envelope::close(double value) {
  const auto i = static_cast<std::int64_t>(rows_.size());
  infinite_ = infinite_ || !std::isfinite(value);
  rows_.push_back({static_cast<std::int64_t>(entries_.size()), 0, -1, i + 1, 1.0, value});
  end_row(1.0);
}

void Envelope::end_row(double pivot) {
  if (keeps_factors_) {
    factor_end_.push_back(static_cast<std::int64_t>(factor_.size()));
    pivot_.push_back(pivot);
  }
  begin_row();
}

// Forwards what arrives at a state that is left out arrives where it leads, x_j += x_k a_kj / pivot_k; then,
// from the last state, x_i = x_i / pivot_i, and each visit to i is a_ik visits' worth of arriving at k < i.
void Envelope::solve_visits(double* visits) const {
  for (std::int64_t i = 0; i < states_; ++i) {
    const double arriving = visits[i];
    if (arriving == 0.0) continue;
    const Row& row = rows_[static_cast<std::size_t>(i)];
    const double* entry = entries_.data() + row.place;
    if (row.column < 0) {
      add_multiple(visits + i + 1, arriving, entry, row.length);
    } else {
      add_multiple(visits, arriving, entry, columns_.data() + row.column, row.length);
    }
  }
  for (std::int64_t i = states_ - 1; i >= 0; --i) {
    const auto place = static_cast<std::size_t>(i);
    visits[i] /= pivot_[place];
    if (visits[i] == 0.0) continue;
    for (std::int64_t k = i == 0 ? 0 : factor_end_[place - 1]; k < factor_end_[place]; ++k) {
      const auto entry = static_cast<std::size_t>(k);
      visits[factor_state_[entry]] += visits[i] * factor_[entry];
    }
  }
}

void Envelope::solve(double* values) const {
  for (std::int64_t i = states_ - 1; i >= 0; --i) {
    const Row& row = rows_[static_cast<std::size_t>(i)];
    const double* entry = entries_.data() + row.place;
    if (row.column < 0) {
      values[i] = row.reward + dot(entry, values + i + 1, row.length, infinite_);
      continue;
    }
    const std::int32_t* column = columns_.data() + row.column;
    double value = row.reward;
    for (std::int64_t j = 0; j < row.length; ++j) value += entry[j] * values[column[j]];
    values[i] = value;
  }
}

}  // namespace metarl_fast
