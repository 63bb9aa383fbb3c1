// SPDX-License-Identifier: MIT
// Independent random MDPs: every (state, action) row and every reward is drawn on its own.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "../elementary.hpp"
#include "../mdp.hpp"
#include "../parameters.hpp"
#include "../rng.hpp"
#include "../uniform_law.hpp"
#include "../variates.hpp"
#include "family.hpp"
#include "reward_law.hpp"

namespace metarl_fast {

class TaskDistribution final : public Family {
 public:
  static constexpr const char* kName = "TaskDistribution";

  enum class TransitionLaw { uniform, dirichlet, garnet, hashed_garnet };
  static constexpr Word<TransitionLaw> kTransitionLaws[] = {{"uniform", TransitionLaw::uniform},
                                                            {"dirichlet", TransitionLaw::dirichlet},
                                                            {"garnet", TransitionLaw::garnet},
                                                            {"hashed_garnet", TransitionLaw::hashed_garnet}};

  std::int64_t states = 0;
  std::int64_t actions = 0;
  TransitionLaw transition_law = TransitionLaw::uniform;
  double concentration = 1.0;  // dirichlet
  std::int64_t branching = 1;  // of both garnets
  RewardLaw reward_law = RewardLaw::uniform;
  double reward_a = 0.0;        // mean or low
  double reward_b = 1.0;        // standard deviation or high
  std::vector<double> rewards;  // fixed, [S][A]
  double reward_noise = 0.0;
  std::vector<double> start;  // [S]

  template <class Self, class Visitor>
  static void parameters(Self& family, const Visitor& visit) {
    visit("num_states", family.states, at_least(1));
    visit("num_actions", family.actions, at_least(1));
    visit("transition_law", family.transition_law, kTransitionLaws);
    visit("concentration", family.concentration, above(0));
    visit("branching", family.branching, at_least(1));
    visit("reward_law", family.reward_law, kRewardLaws);
    visit("reward_a", family.reward_a, finite());
    visit("reward_b", family.reward_b, finite());
    visit("rewards", family.rewards, finite());
    visit("reward_noise", family.reward_noise, at_least(0));
    visit("start", family.start, between(0, 1));
  }

  void check() const override;
  Shape shape() const override;
  void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
             const Interrupt& interrupt) const override;
  std::optional<UniformLaw> uniform_law(std::uint64_t key) const override;
  // Rows and rewards that are numbers of their own index need not be written out.
  bool has_formula() const override;
  std::unique_ptr<TaskFormula> formula(std::uint64_t key, std::uint64_t id) const override;

 private:
  class ByFormula;

  bool is_garnet() const {
    return transition_law == TransitionLaw::garnet || transition_law == TransitionLaw::hashed_garnet;
  }
  bool by_rejection() const;
  void write_rewards_and_start(std::uint64_t key, std::uint64_t id, TaskBuffer& task, Meter& meter) const;
  double write_uniform_row(const IndexKey& key, std::int64_t pair, double* row) const;
  void write_dirichlet_row(Stream& stream, double* row) const;
  static Stream stream_of_pair(const IndexKey& key, std::int64_t pair);
  void write_garnet_row(Stream& stream, double* probability, std::int32_t* next_state,
                        std::vector<double>& cuts) const;
  double reward_of(const IndexKey& key, std::int64_t pair) const;
};

inline void TaskDistribution::check() const {
  check_parameters(*this);
  require(!is_garnet() || branching <= states, "branching", static_cast<double>(branching),
          "1 to num_states");
  const auto num_rewards = static_cast<double>(rewards.size());
  require(reward_law != RewardLaw::fixed ||
              num_rewards == static_cast<double>(states) * static_cast<double>(actions),
          "the number of rewards", num_rewards, "num_states * num_actions");
  require(static_cast<std::int64_t>(start.size()) == states, "the number of start probabilities",
          static_cast<double>(start.size()), "num_states");
}

inline Shape TaskDistribution::shape() const {
  const bool dense = !is_garnet();
  return {states, actions,      dense ? states : branching,
          dense,  reward_noise, by_rejection() ? Sampling::rejection : Sampling::inverse};
}

// Long rows of the uniform law are never written out to be drawn from.
inline bool TaskDistribution::by_rejection() const {
  return transition_law == TransitionLaw::uniform && states > kLongestUniformRow;
}

// P[s, a, k] = w_k / sum w, w uniform in [0, 1) on a grid of 2^-24; returns 1 / sum w, w counted in 2^-24.
inline double TaskDistribution::write_uniform_row(const IndexKey& key, std::int64_t pair, double* row) const {
  std::int64_t total = 0;
  for (std::int64_t k = 0; k < states; k += 2) {
    const UniformWeights two = uniform_weights(key, pair, k);
    row[k] = static_cast<double>(two.even);
    total += two.even;
    if (k + 1 == states) break;
    row[k + 1] = static_cast<double>(two.odd);
    total += two.odd;
  }
  if (total == 0) {  // one row in 2^(24 S)
    row[0] = 1.0;
    total = 1;
  }
  const double scale = 1.0 / static_cast<double>(total);
  for (std::int64_t k = 0; k < states; ++k) row[k] *= scale;
  return scale;
}

// P[s, a, :] ~ Dirichlet(concentration, ..., concentration), as normalised gamma variates.
inline void TaskDistribution::write_dirichlet_row(Stream& stream, double* row) const {
  for (std::int64_t k = 0; k < states; ++k) row[k] = log_gamma_variate(stream, concentration);
  const double largest = *std::max_element(row, row + states);
  double total = 0.0;
  for (std::int64_t k = 0; k < states; ++k) {
    row[k] = portable_exp(row[k] - largest);
    total += row[k];
  }
  for (std::int64_t k = 0; k < states; ++k) row[k] /= total;
}

// Garnet (Archibald, McKinnon and Thomas, JORS 46, 1995): `branching` distinct next states (Floyd's
// sampling, kept in order), probabilities between sorted uniform cut points.
inline void TaskDistribution::write_garnet_row(Stream& stream, double* probability, std::int32_t* next_state,
                                               std::vector<double>& cuts) const {
  std::int32_t* end = next_state;
  for (std::int64_t limit = states - branching; limit < states; ++limit) {
    const auto candidate =
        static_cast<std::int32_t>(below(next(stream), static_cast<std::uint32_t>(limit + 1)));
    std::int32_t* place = std::lower_bound(next_state, end, candidate);
    if (place != end && *place == candidate) {
      *end = static_cast<std::int32_t>(limit);  // larger than all before it
    } else {
      std::copy_backward(place, end, end + 1);
      *place = candidate;
    }
    ++end;
  }
  cuts.resize(static_cast<std::size_t>(branching));
  for (std::int64_t k = 0; k + 1 < branching; ++k) {
    cuts[static_cast<std::size_t>(k)] = unit(next(stream), double{});
  }
  cuts.back() = 1.0;
  std::sort(cuts.begin(), cuts.end());
  double previous = 0.0;
  for (const double cut : cuts) {
    *probability++ = cut - previous;
    previous = cut;
  }
}

// The random numbers of a pair's row alone; its first word is odd, for a stream must not begin with zeros.
inline Stream TaskDistribution::stream_of_pair(const IndexKey& key, std::int64_t pair) {
  Stream found{};
  for (std::uint32_t k = 0; k < 4; ++k) found.s[k] = indexed(key, static_cast<std::uint32_t>(pair), k);
  found.s[0] |= 1u;
  return found;
}

inline double TaskDistribution::reward_of(const IndexKey& key, std::int64_t pair) const {
  if (reward_law == RewardLaw::fixed) return rewards[static_cast<std::size_t>(pair)];
  return draw_reward(reward_law, reward_a, reward_b, indexed(key, 0, static_cast<std::uint32_t>(pair)));
}

inline void TaskDistribution::write(std::uint64_t key, std::uint64_t id, std::int64_t, TaskBuffer& task,
                                    const Interrupt& interrupt) const {
  Meter meter(interrupt);
  write_rewards_and_start(key, id, task, meter);
  if (task.probability.empty()) return;
  const std::int64_t outcomes = shape().outcomes;
  Stream stream = make_stream(key, id, Purpose::transitions);
  const IndexKey weight_key = make_index_key(key, id, Purpose::transitions);
  std::vector<double> cuts;
  for (std::int64_t pair = 0; pair < states * actions; ++pair) {
    meter.count(outcomes);
    double* row = task.probability.data() + pair * outcomes;
    switch (transition_law) {
      case TransitionLaw::uniform: {
        const double scale = write_uniform_row(weight_key, pair, row);
        if (by_rejection()) task.scale[static_cast<std::size_t>(pair)] = scale;
        break;
      }
      case TransitionLaw::dirichlet: write_dirichlet_row(stream, row); break;
      case TransitionLaw::garnet:
        write_garnet_row(stream, row, task.next_state.data() + pair * outcomes, cuts);
        break;
      case TransitionLaw::hashed_garnet: {
        Stream of_pair = stream_of_pair(weight_key, pair);
        write_garnet_row(of_pair, row, task.next_state.data() + pair * outcomes, cuts);
        break;
      }
    }
  }
}

inline void TaskDistribution::write_rewards_and_start(std::uint64_t key, std::uint64_t id, TaskBuffer& task,
                                                      Meter& meter) const {
  const std::int64_t copies = is_garnet() ? branching : 1;
  const IndexKey reward_key = make_index_key(key, id, Purpose::rewards);
  for (std::int64_t pair = 0; pair < states * actions; ++pair) {
    meter.count(copies);
    std::fill_n(task.reward.data() + pair * copies, copies, reward_of(reward_key, pair));
  }
  std::fill(task.terminated.begin(), task.terminated.end(), std::uint8_t{0});
  std::fill(task.terminal.begin(), task.terminal.end(), std::uint8_t{0});
  std::copy(start.begin(), start.end(), task.start.begin());
}

inline std::optional<UniformLaw> TaskDistribution::uniform_law(std::uint64_t key) const {
  if (transition_law != TransitionLaw::uniform) return std::nullopt;
  return UniformLaw{key,
                    start.data(),
                    reward_law == RewardLaw::fixed ? rewards.data() : nullptr,
                    reward_law == RewardLaw::normal,
                    reward_a,
                    reward_b};
}

class TaskDistribution::ByFormula final : public TaskFormula {
 public:
  ByFormula(const TaskDistribution& family, std::uint64_t key, std::uint64_t id)
      : family_(family),
        row_key_(make_index_key(key, id, Purpose::transitions)),
        reward_key_(make_index_key(key, id, Purpose::rewards)),
        start_(std::max_element(family.start.begin(), family.start.end()) - family.start.begin()),
        probability_(static_cast<std::size_t>(family.branching)),
        next_state_(static_cast<std::size_t>(family.branching)) {}

  void outcomes(std::int64_t state, std::int64_t action, Outcome* out) const override {
    const std::int64_t pair = state * family_.actions + action;
    Stream stream = stream_of_pair(row_key_, pair);
    family_.write_garnet_row(stream, probability_.data(), next_state_.data(), cuts_);
    const double reward = family_.reward_of(reward_key_, pair);
    for (std::size_t k = 0; k < probability_.size(); ++k) {
      *out++ = {probability_[k], next_state_[k], reward, false};
    }
  }
  bool terminal(std::int64_t) const override { return false; }
  std::int64_t start() const override { return start_; }
  double largest_reward() const override {
    constexpr double kFarthest = 8.0;  // no normal number of 32 bits lies so many standard deviations out
    const double a = std::fabs(family_.reward_a), b = std::fabs(family_.reward_b);
    switch (family_.reward_law) {
      case RewardLaw::normal: return a + kFarthest * b;
      case RewardLaw::uniform: return std::max(a, b);
      case RewardLaw::fixed: break;
    }
    double largest = 0.0;
    for (const double reward : family_.rewards) largest = std::max(largest, std::fabs(reward));
    return largest;
  }

 private:
  const TaskDistribution& family_;
  const IndexKey row_key_, reward_key_;
  const std::int64_t start_;
  mutable std::vector<double> probability_, cuts_;  // of the pair that was asked for last
  mutable std::vector<std::int32_t> next_state_;
};

inline bool TaskDistribution::has_formula() const {
  return transition_law == TransitionLaw::hashed_garnet &&
         std::count_if(start.begin(), start.end(), [](double p) { return p > 0.0; }) == 1;
}

inline std::unique_ptr<TaskFormula> TaskDistribution::formula(std::uint64_t key, std::uint64_t id) const {
  return std::make_unique<ByFormula>(*this, key, id);
}

}  // namespace metarl_fast
