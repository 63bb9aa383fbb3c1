// SPDX-License-Identifier: MIT
// Action values that are linear in features of the state, with weights of each action (Sutton and Barto, 2nd
// ed., equations 9.7, 9.8 and 10.1):
//
//   q(s, a) = sum_k x_k(s) theta(k, a)
//   theta(k, a) <- theta(k, a) + rate (target - q(s, a)) x_k(s) / sum_j x_j(s)^2
//
// Divided by the length squared of x, the rate is the part of the error that a step takes away, as in a
// table. If each state has one feature, of value 1, this is the table, bit for bit.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../elementary.hpp"
#include "agent.hpp"
#include "features.hpp"
#include "table_form.hpp"

namespace metarl_fast {

template <class Real>
class LinearForm {
 public:
  // What is not available is so whatever the features say.
  LinearForm(const Setting<Real>& of, FeaturesPtr features)
      : features_(std::move(features)), actions_(static_cast<std::size_t>(of.shape.actions)) {
    if (of.available) available_.assign(of.available, of.available + of.shape.pairs());
    for (Active& one : recent_) one.resize(static_cast<std::size_t>(features_->active()));
  }

  std::size_t size() const { return static_cast<std::size_t>(features_->number()) * actions_; }

  const Real* row(const std::vector<Real>& learned, std::int64_t state, Real* room) const {
    const Active& x = active(state);
    for (std::size_t a = 0; a < actions_; ++a) room[a] = x.value[0] * learned[x.first[0] + a];
    for (std::size_t k = 1; k < x.first.size(); ++k) {
      for (std::size_t a = 0; a < actions_; ++a) {
        room[a] = bounded(room[a] + x.value[k] * learned[x.first[k] + a]);
      }
    }
    if (available_.empty()) return room;
    const std::uint8_t* there = available_.data() + static_cast<std::size_t>(state) * actions_;
    for (std::size_t a = 0; a < actions_; ++a) {
      if (!there[a]) room[a] = static_cast<Real>(-kInfinity);
    }
    return room;
  }

  // Written as the table's weighted mean is: each weight moves towards what would make q(s, a) the target.
  void learn(std::vector<Real>& learned, std::int64_t state, std::int64_t action, Real target,
             Real rate) const {
    const Active& x = active(state);
    const auto a = static_cast<std::size_t>(action);
    Real q = x.value[0] * learned[x.first[0] + a];
    for (std::size_t k = 1; k < x.first.size(); ++k) {
      q = bounded(q + x.value[k] * learned[x.first[k] + a]);
    }
    for (std::size_t k = 0; k < x.first.size(); ++k) {
      const Real share = x.share[k];
      if (share == Real{0}) continue;
      Real& theta = learned[x.first[k] + a];
      const Real wanted = bounded(bounded(share * target) - bounded(bounded(share * q) - theta));
      theta = bounded(towards(theta, wanted, rate));
    }
  }

  void count(std::vector<Count<Real>>& visits, std::int64_t state, std::int64_t action) const {
    const Active& x = active(state);
    for (std::size_t k = 0; k < x.first.size(); ++k) {
      if (x.weight[k] > 0.0) count_one(visits[x.first[k] + static_cast<std::size_t>(action)]);
    }
  }

  // N(s, a) as the mean over the state's features, each counting as much as its value.
  double visits(const std::vector<Count<Real>>& visits, std::int64_t state, std::int64_t action) const {
    const Active& x = active(state);
    double sum = 0.0;
    for (std::size_t k = 0; k < x.first.size(); ++k) {
      sum += x.weight[k] * static_cast<double>(visits[x.first[k] + static_cast<std::size_t>(action)]);
    }
    return sum;
  }

 private:
  // Features of a state.
  struct Active {
    std::int64_t state = -1;
    std::vector<std::int32_t> which;
    std::vector<double> exact;
    std::vector<std::size_t> first;  // of a feature's weights
    std::vector<Real> value, share;  // x_k, and x_k / sum_j x_j^2
    std::vector<double> weight;      // |x_k| / sum_j |x_j|

    void resize(std::size_t length) {
      which.resize(length);
      first.resize(length);
      for (std::vector<double>* numbers : {&exact, &weight}) numbers->resize(length);
      for (std::vector<Real>* numbers : {&value, &share}) numbers->resize(length);
    }
  };

  // A step asks again and again for those of the state acted in and of the next one.
  const Active& active(std::int64_t state) const {
    if (recent_[newest_].state == state) return recent_[newest_];
    newest_ = 1 - newest_;
    if (recent_[newest_].state != state) look_up(state, recent_[newest_]);
    return recent_[newest_];
  }

  void look_up(std::int64_t state, Active& x) const {
    x.state = state;
    features_->of(state, x.which.data(), x.exact.data());
    double squares = 0.0, sizes = 0.0;
    for (const double value : x.exact) {
      squares += value * value;
      sizes += std::fabs(value);
    }
    for (std::size_t k = 0; k < x.exact.size(); ++k) {
      x.first[k] = static_cast<std::size_t>(x.which[k]) * actions_;
      x.value[k] = static_cast<Real>(x.exact[k]);
      x.share[k] = static_cast<Real>(x.exact[k] / squares);
      x.weight[k] = std::fabs(x.exact[k]) / sizes;
    }
  }

  const FeaturesPtr features_;
  const std::size_t actions_;
  std::vector<std::uint8_t> available_;  // [S][A], empty if all actions are
  mutable std::array<Active, 2> recent_;
  mutable std::size_t newest_ = 0;
};

}  // namespace metarl_fast
