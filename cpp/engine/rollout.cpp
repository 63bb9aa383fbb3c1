// SPDX-License-Identifier: MIT
// Rollouts: places side by side, a block of them on each thread, step by step.
#include "../rollout.hpp"

#include <algorithm>

#include "../parallel.hpp"
#include "../thresholds.hpp"

namespace metarl_fast {
namespace {

// So many places stay in a core's nearest cache.
constexpr std::int64_t kPlacesAtOnce = 64;
constexpr double kWorkOfStep = 10.0;

template <class Real>
std::int32_t uniform_choice(const PlaceTask<Real>& task, std::int32_t state, std::uint32_t x) {
  const auto actions = static_cast<std::uint32_t>(task.shape().actions);
  if (!task.shape().masked) return static_cast<std::int32_t>(below(x, actions));
  std::uint32_t count = 0;
  for (std::uint32_t a = 0; a < actions; ++a) count += task.has(state, a);
  std::uint32_t skip = below(x, count);
  std::int32_t chosen = 0;
  for (; skip > 0 || !task.has(state, chosen); ++chosen) skip -= task.has(state, chosen);
  return chosen;
}

template <class Real>
class BlockOfPlaces {
 public:
  BlockOfPlaces(VectorSimulator<Real>& places, const RolloutPolicy<Real>& policy,
                const RolloutArrays<Real>& out)
      : places_(places),
        policy_(policy),
        out_(out),
        thresholds_(thresholds_of(places.task(0).shape().actions)) {}

  void run(std::int64_t first, std::int64_t end, const Interrupt& interrupt) {
    for (std::int64_t i = first; i < end; ++i) {
      if (places_.over(i)) places_.reset(i, loader_);
    }
    Meter meter(interrupt);
    for (std::int64_t t = 0; t < out_.num_steps; ++t) {
      meter.count(10 * (end - first));
      for (std::int64_t i = first; i < end; ++i) step(i, t * places_.places() + i);
    }
  }

 private:
  void step(std::int64_t i, std::int64_t at) {
    const std::int32_t state = places_.state(i);
    const std::int32_t action = choose(i, state);
    const PlaceAnswer answer = places_.step(i, action, Autoreset::same_step, loader_);
    if (out_.states) out_.states[at] = state;
    if (out_.actions) out_.actions[at] = action;
    if (out_.rewards) out_.rewards[at] = static_cast<Real>(answer.reward);
    if (out_.next_states) out_.next_states[at] = answer.entered;
    if (out_.terminated) out_.terminated[at] = answer.terminated;
    if (out_.truncated) out_.truncated[at] = answer.truncated;
  }

  std::int32_t choose(std::int64_t i, std::int32_t state) {
    const std::int64_t row = i * policy_.stride + state;
    if (!policy_.action && !policy_.probability) {
      return uniform_choice(places_.task(i), state, next(places_.acting(i)));
    }
    const std::int32_t chosen = policy_.action ? policy_.action[row]
                                               : draw_by_thresholds(policy_.probability + row * thresholds_,
                                                                    thresholds_, next(places_.acting(i)));
    places_.check(i, chosen, Autoreset::same_step);
    return chosen;
  }

  VectorSimulator<Real>& places_;
  const RolloutPolicy<Real>& policy_;
  const RolloutArrays<Real>& out_;
  const std::int64_t thresholds_;  // of one state
  TaskLoader<Real> loader_;
};

}  // namespace

template <class Real>
void rollout(VectorSimulator<Real>& places, const RolloutPolicy<Real>& policy, const RolloutArrays<Real>& out,
             const RunOptions& options) {
  const std::int64_t n = places.places();
  for_each_block(n, kPlacesAtOnce, kWorkOfStep * static_cast<double>(out.num_steps), options, [&] {
    return [&, block = BlockOfPlaces<Real>(places, policy, out)](std::int64_t b, Pulse& pulse) mutable {
      const std::int64_t first = b * kPlacesAtOnce;
      const std::int64_t end = std::min(first + kPlacesAtOnce, n);
      block.run(first, end, pulse.interrupt());
      return end - first;
    };
  });
}

template void rollout(VectorSimulator<float>&, const RolloutPolicy<float>&, const RolloutArrays<float>&,
                      const RunOptions&);
template void rollout(VectorSimulator<double>&, const RolloutPolicy<double>&, const RolloutArrays<double>&,
                      const RunOptions&);

}  // namespace metarl_fast
