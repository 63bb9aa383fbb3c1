// SPDX-License-Identifier: MIT
// A recurrent network that looks back over a path, from its last step to its first, and says how preferences
// and predictions are to change: gated linear units, as in Feng et al., arXiv 2410.01201, 2024.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace metarl_fast {

// What a step shows to the network, in this order; then come the predictions of its state, and those of the
// next state as far as they count.
enum ShownOfStep : std::size_t {
  kOne,
  kReward,
  kTerminated,
  kProbability,
  kPairNovelty,
  kNextNovelty,
  kShown
};

// Its units are linear in what they remember, so that sums of temporal differences, decayed as in TD(lambda),
// are among what it can say exactly:
//
//   h_t = sigma(G x_t) h_{t+1} + U x_t,    y_t = O (sigma(D x_t) h_t),
//
// with sigma(z) = (1 + z / (1 + |z|)) / 2, which needs no exponential.
class UpdateNetwork {
 public:
  // Weights [units][3 inputs + outputs]: of each unit its rows of G, D and U, and its column of O.
  UpdateNetwork(const std::vector<double>& weights, std::size_t predictions)
      : predictions_(predictions),
        units_(weights.size() / columns(predictions)),
        sums_((3 * units_ + kAtOnce - 1) / kAtOnce * kAtOnce),
        into_(sums_.size() * inputs()),
        out_(outputs() * units_),
        memory_(units_),
        output_(outputs()) {
    const double* row = weights.data();
    for (std::size_t k = 0; k < units_; ++k, row += columns(predictions)) {
      for (std::size_t part = 0; part < 3; ++part) {
        const std::size_t sum = part * units_ + k;
        double* into = into_.data() + sum / kAtOnce * kAtOnce * inputs() + sum % kAtOnce;
        for (std::size_t i = 0; i < inputs(); ++i) into[i * kAtOnce] = row[part * inputs() + i];
      }
      std::copy_n(row + 3 * inputs(), outputs(), out_.data() + k * outputs());
    }
  }

  static constexpr std::size_t columns(std::size_t predictions) {
    return 3 * (kShown + 2 * predictions) + 1 + predictions;
  }
  std::size_t inputs() const { return kShown + 2 * predictions_; }
  std::size_t outputs() const { return 1 + predictions_; }

  // Behind the last step of a path there is nothing to remember.
  void forget() { std::fill(memory_.begin(), memory_.end(), 0.0); }

  // The step before the one that was read last: what it changes, of the preference and of each prediction.
  const double* read(const double* x) {
    for (std::size_t first = 0; first < sums_.size(); first += kAtOnce)
      add_up(into_.data() + first * inputs(), x, sums_.data() + first);
    double* sums = sums_.data();
    for (std::size_t k = 0; k < 2 * units_; ++k) sums[k] = gate(sums[k]);
    const double *keep = sums, *open = keep + units_, *seen = open + units_, *say = out_.data();
    std::fill(output_.begin(), output_.end(), 0.0);
    for (std::size_t k = 0; k < units_; ++k, say += outputs()) {
      memory_[k] = keep[k] * memory_[k] + seen[k];
      const double shown = open[k] * memory_[k];
      for (std::size_t o = 0; o < outputs(); ++o) output_[o] += say[o] * shown;
    }
    return output_.data();
  }

 private:
  static constexpr std::size_t kAtOnce = 8;  // sums, which stay in registers meanwhile

  void add_up(const double* weight, const double* x, double* sums) const {
    double sum[kAtOnce] = {};
    for (std::size_t i = 0; i < inputs(); ++i, weight += kAtOnce) {
      for (std::size_t k = 0; k < kAtOnce; ++k) sum[k] += weight[k] * x[i];
    }
    std::copy_n(sum, kAtOnce, sums);
  }

  static double gate(double z) { return 0.5 + 0.5 * (z / (1.0 + std::fabs(z))); }

  const std::size_t predictions_, units_;
  std::vector<double> sums_;  // of G, D and U [3][units], and some that nobody reads
  std::vector<double> into_;  // [sums / kAtOnce][inputs][kAtOnce]
  std::vector<double> out_;   // [units][outputs]
  std::vector<double> memory_, output_;
};

}  // namespace metarl_fast
