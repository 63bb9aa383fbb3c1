// SPDX-License-Identifier: MIT
// Temporal-difference learners: the ranges of their settings, and their workers, which run in lanes.
#include "../learners/td_learner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../learners/rules.hpp"
#include "../learners/td.hpp"
#include "lane_worker.hpp"

namespace metarl_fast {
namespace {

// The kernel counts the cells of a block's tables, padded by less than two lines, with 32 bits.
void check_tables(const Shape& shape, const TdSettings& learner) {
  const std::int64_t tables = number_of_tables(learner.rule);
  const std::int64_t cells = tables * shape.states * ((shape.actions + 7) / 8 * 8);
  require(cells <= std::numeric_limits<std::int32_t>::max() / kLanes - 4 * kLine,
          "the size of a task's table", static_cast<double>(cells),
          "num_states * num_actions, actions counted in eights, below 2^26 (two tables: 2^25)");
}

template <class Real>
std::unique_ptr<Agent> agent_of(const TdSettings& settings, const Setting<Real>& of) {
  std::unique_ptr<Agent> agent;
  with_rule(settings.rule,
            [&](auto rule) { agent = std::make_unique<TdAgent<decltype(rule), Real>>(settings, of); });
  return agent;
}

void check_exploration(const TdSettings& learner, std::int64_t num_episodes) {
  const bool softmax = learner.behaviour == Behaviour::softmax;
  require(learner.num_explorations >= 1 || num_episodes == 0, "num_explorations",
          static_cast<double>(learner.num_explorations), "at least 1");
  for (std::int64_t e = 0; e < learner.num_explorations; ++e) {
    const double value = learner.exploration[e];
    if (softmax) {
      require(value > 0.0 && std::isfinite(value), "temperature", value, "a finite number above 0");
    } else {
      require(value >= 0.0 && value <= 1.0, "epsilon", value, "0 to 1");
    }
  }
}

}  // namespace

int TdLearner::tasks_at_once() const { return kLanes; }

void TdLearner::check(const TaskBatch& batch, const Schedule& schedule) const {
  check_settings(batch, schedule);
  check_tables(batch.shape(), *this);
  kernels();  // an unusable METARL_FAST_ISA is reported before any thread starts
}

void TdLearner::check_settings(const TaskBatch& batch, const Schedule& schedule) const {
  require(learning_rate >= 0.0 && learning_rate <= 1.0, "learning_rate", learning_rate, "0 to 1");
  require(!learning_rates || num_learning_rates == batch.shape().pairs(), "the number of learning rates",
          static_cast<double>(num_learning_rates), "one for each pair");
  for (std::int64_t pair = 0; learning_rates && pair < num_learning_rates; ++pair) {
    require(learning_rates[pair] >= 0.0 && learning_rates[pair] <= 1.0, "a learning rate",
            learning_rates[pair], "0 to 1");
  }
  require(learning_rate_decay >= 0.0 && std::isfinite(learning_rate_decay), "learning_rate_decay",
          learning_rate_decay, "a finite number >= 0");
  require(discount >= 0.0 && discount <= 1.0, "discount", discount, "0 to 1");
  require(trace_decay >= 0.0 && trace_decay <= 1.0, "trace_decay", trace_decay, "0 to 1");
  require(std::fabs(bonus) <= 0x1p126, "bonus", bonus, "a number within 2^126");
  require(bonus_episodes >= 0, "bonus_episodes", static_cast<double>(bonus_episodes), "at least 0");
  require(initial_visits >= 0.0 && initial_visits <= 0x1p53, "initial_visits", initial_visits, "0 to 2^53");
  require(!TdSettings::sees_reset || batch.episodes_per_segment() == 0, "sees_reset", 1.0,
          "0 for tasks that change");
  if (behaviour != Behaviour::uniform) check_exploration(*this, schedule.num_episodes);
}

CarriedSizes TdLearner::carried(const Shape& shape, bool continuing) const {
  return LaneSizes(shape, *this, continuing, 1).carried(continuing);
}

double TdLearner::scratch(const TaskBatch& batch, std::int64_t num_tasks, const Schedule& schedule,
                          bool mean_returns, std::size_t bytes_of_real) const {
  const std::int64_t lanes = std::min<std::int64_t>(kLanes, num_tasks);
  const auto real = static_cast<std::int64_t>(bytes_of_real);
  const LaneSizes of_learner(batch.shape(), *this, schedule.continuing, longest_episode(schedule, num_tasks));
  const double returns = mean_returns ? 8.0 * static_cast<double>(lanes * episodes_of(schedule)) : 0.0;
  return of_learner.bytes(lanes, static_cast<double>(real)) +
         TaskSizes(batch, real).bytes(batch.shape(), lanes, static_cast<double>(real)) + returns;
}

std::unique_ptr<Worker> TdLearner::worker(const TaskBatch& batch, const Schedule& schedule,
                                          const TrainArrays<float>& arrays) const {
  return std::make_unique<LaneWorker<float>>(batch, *this, schedule, arrays);
}
std::unique_ptr<Worker> TdLearner::worker(const TaskBatch& batch, const Schedule& schedule,
                                          const TrainArrays<double>& arrays) const {
  return std::make_unique<LaneWorker<double>>(batch, *this, schedule, arrays);
}

std::unique_ptr<Agent> TdLearner::agent(const Setting<float>& of) const { return agent_of(*this, of); }
std::unique_ptr<Agent> TdLearner::agent(const Setting<double>& of) const { return agent_of(*this, of); }

double TdLearner::agent_bytes(const Shape& shape, std::size_t bytes_of_real) const {
  const double tables = number_of_tables(rule) * (learning_rate_decay != 0.0 || bonus != 0.0 ? 2 : 1);
  const double path = has_traces(rule) ? static_cast<double>(bytes_of_real + sizeof(std::int32_t)) : 0.0;
  return static_cast<double>(shape.states) * static_cast<double>(shape.actions) *
         (tables * static_cast<double>(bytes_of_real) + path);
}

}  // namespace metarl_fast
