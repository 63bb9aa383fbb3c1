// SPDX-License-Identifier: MIT
// The temporal-difference rules for one task at a time: an agent in plain numbers, of a table equal to the
// kernel's lanes bit for bit. A rule's own file says which of the values below it looks ahead by
// (kernel/lanes.hpp has the same words for all lanes at once), a form how values are made of what is learned.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "../carried.hpp"
#include "agent.hpp"
#include "behaviour.hpp"
#include "expectation.hpp"
#include "rule.hpp"
#include "table_form.hpp"
#include "td_settings.hpp"

namespace metarl_fast {

template <class Rule, class Real, class Form = TableForm<Real>>
class TdAgent final : public Agent {
 public:
  TdAgent(const TdSettings& settings, const Setting<Real>& of) : TdAgent(settings, of, Form(of)) {}

  TdAgent(const TdSettings& settings, const Setting<Real>& of, Form form)
      : settings_(settings),
        form_(std::move(form)),
        states_(of.shape.states),
        actions_(static_cast<std::int32_t>(of.shape.actions)),
        masked_(of.available != nullptr),
        only_start_(of.only_start),
        discount_(static_cast<Real>(settings.discount)),
        trace_decay_(static_cast<Real>(settings.discount * settings.trace_decay)),
        preference_(static_cast<std::size_t>(actions_)),
        values_(static_cast<std::size_t>(actions_)),
        others_(static_cast<std::size_t>(actions_)),
        ahead_(static_cast<std::size_t>(actions_)) {
    const std::size_t size = form_.size();
    for (std::vector<Real>* table : {&first_, &second_}) {
      if (table == &first_ || Rule::kTwoTables) table->assign(of.initial_table, of.initial_table + size);
    }
    if (!counts_visits()) return;
    first_visits_.resize(size);
    if (Rule::kTwoTables) second_visits_.resize(size);
  }

  void begin_episode(std::int64_t episode) override {
    if (settings_.behaviour == Behaviour::uniform) return;
    exploration_ = settings_.exploration[std::min(episode, settings_.num_explorations - 1)];
    last_exploring_ = last_exploring(exploration_);
    bonus_ = static_cast<Real>(
        bonus_scale(settings_.bonus, static_cast<std::int32_t>(episode), settings_.bonus_episodes));
  }

  std::int32_t act(std::int32_t state, Stream& stream) override {
    if (chosen_in_ == state) {
      chosen_in_ = -1;
      return next_action_;
    }
    return choose(state, stream);
  }

  void observe(const Step& step, Stream& stream) override {
    stream_ = &stream;
    learning_ = &first_;
    other_ = &second_;
    visits_ = &first_visits_;
    next_state_ = step.truncated && settings_.sees_reset ? only_start_ : step.next_state;
    if (!Rule::kTwoTables) count_visit(step);
    Rule::look_ahead(*this);
    if (Rule::kTwoTables) count_visit(step);  // of the table that learns
    const Real target =
        bounded(one_step_target(static_cast<Real>(step.reward), discount_, ahead, step.terminated));
    if constexpr (Rule::kTraces) {
      learn_along_path(step, target);
    } else {
      form_.learn(*learning_, step.state, step.action, target, learning_rate(step));
    }
  }

  void end_episode() override {
    num_traces_ = 0;
    chosen_in_ = -1;
  }

  void policy(double* probability) const override {
    std::vector<Real> q(index(actions_)), more(index(actions_));
    for (std::int64_t s = 0; s < states_; ++s, probability += actions_) {
      std::fill_n(probability, actions_, 0.0);
      probability[first_largest(values(s, q.data(), more.data()))] = 1.0;
    }
  }

  // Of two tables, their mean.
  void q_table(double* out) const override {
    for (std::size_t pair = 0; pair < first_.size(); ++pair) {
      *out++ =
          static_cast<double>(Rule::kTwoTables ? Real{0.5} * (first_[pair] + second_[pair]) : first_[pair]);
    }
  }

  bool q_row(std::int32_t state, double* out) const override {
    std::vector<Real> q(index(actions_)), more(index(actions_));
    const Real* row = values(state, q.data(), more.data());
    const Real share = Rule::kTwoTables ? Real{0.5} : Real{1};  // of two tables `values` is the sum
    std::transform(row, row + actions_, out,
                   [share](Real value) { return static_cast<double>(share * value); });
    return true;
  }

  // --- what a rule can ask of a step; `ahead` is what it expects from the next state on

  Real ahead = 0;

  // max_a q(s_t, a)
  void largest_next_values(Real& value) { value = largest(next_row(*learning_)); }

  // a_t
  void choose_next_actions() {
    next_action_ = choose(next_state_, *stream_);
    chosen_in_ = next_state_;
  }

  // q(s_t, a_t)
  void next_values(Real& value) { value = next_row(*learning_)[next_action_]; }

  // sum_a pi(a | s_t) q(s_t, a)
  void expected_next_values(Real& value) {
    const Real* q = next_row(*learning_);
    switch (settings_.behaviour) {
      case Behaviour::uniform: value = mean_of_available(q, actions_); break;
      case Behaviour::epsilon_greedy:
        value = settings_.bonus == 0.0 ? epsilon_greedy_value(q, actions_, static_cast<Real>(exploration_))
                                       : epsilon_greedy_value(q, preferences(next_state_), actions_,
                                                              static_cast<Real>(exploration_));
        break;
      case Behaviour::softmax:
        value = softmax_value(q, preferences(next_state_), actions_, exploration_);
        break;
    }
  }

  // A fair coin says which table learns.
  void toss_coins() {
    if (!(next(*stream_) >> 31)) return;
    std::swap(learning_, other_);
    visits_ = &second_visits_;
  }

  // q_2(s_t, argmax_a q_1(s_t, a)), table 1 being the one that learns
  void values_in_the_other_table(Real& value) {
    const std::int32_t best = first_largest(next_row(*learning_));
    value = next_row(*other_)[best];
  }

 private:
  static std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }
  std::int64_t cell(std::int64_t state) const { return state * actions_; }
  const Real* next_row(const std::vector<Real>& table) {
    return form_.row(table, next_state_, ahead_.data());
  }
  bool counts_visits() const { return settings_.learning_rate_decay != 0.0 || settings_.bonus != 0.0; }

  // max_a q(a)
  Real largest(const Real* q) const { return *std::max_element(q, q + actions_); }
  std::int32_t first_largest(const Real* q) const {
    return static_cast<std::int32_t>(std::max_element(q, q + actions_) - q);
  }

  // The values to act by: of two tables, their sum.
  const Real* values(std::int64_t state, Real* sum, Real* room) const {
    const Real* q = form_.row(first_, state, sum);
    if (!Rule::kTwoTables) return q;
    std::transform(q, q + actions_, form_.row(second_, state, room), sum,
                   [](Real a, Real b) { return a + b; });
    return sum;
  }

  // h(a) = q(a) + b / sqrt(N(a) + 1), or q(a)
  const Real* preferences(std::int64_t state) {
    const Real* q = values(state, values_.data(), others_.data());
    if (settings_.bonus == 0.0) return q;
    const auto before = static_cast<Real>(1.0 + settings_.initial_visits);
    for (std::int32_t a = 0; a < actions_; ++a) {
      const Real more =
          Rule::kTwoTables ? static_cast<Real>(form_.visits(second_visits_, state, a)) : Real{0};
      const Real visits = static_cast<Real>(form_.visits(first_visits_, state, a)) + more + before;
      preference_[index(a)] = q[a] + exploration_bonus(bonus_, visits);
    }
    return preference_.data();
  }

  std::int32_t choose(std::int64_t state, Stream& stream) {
    const std::uint32_t x = next(stream);
    const std::uint32_t y = stream.s[kCompanion];
    const Real* h = preferences(state);
    if (settings_.behaviour == Behaviour::softmax) {
      return softmax_action(h, actions_, unit_53(x, y), exploration_);
    }
    const bool greedy = settings_.behaviour == Behaviour::epsilon_greedy && !explores(x, last_exploring_);
    if (greedy) return greedy_action(h, actions_, y);
    return masked_ ? uniform_available_action(h, actions_, y) : uniform_action(y, actions_);
  }

  void count_visit(const Step& step) {
    if (counts_visits()) form_.count(*visits_, step.state, step.action);
  }

  // alpha, or min(1, alpha / N(s, a)^w)
  Real learning_rate(const Step& step) const {
    const double rate = learning_rate_of(settings_, cell(step.state) + step.action);
    if (settings_.learning_rate_decay == 0.0) return static_cast<Real>(rate);
    const double visits = form_.visits(*visits_, step.state, step.action) + settings_.initial_visits;
    return static_cast<Real>(decayed_learning_rate(rate, visits, settings_.learning_rate_decay));
  }

  // q(s, a) += alpha * delta * e(s, a) for all pairs that have a trace
  void learn_along_path(const Step& step, Real target) {
    const std::int64_t row = cell(step.state);
    const std::int64_t taken = row + step.action;
    const Real q_tm1 = first_[index(taken)];
    const Real delta = learning_rate(step) * (target - q_tm1);
    const bool cut = Rule::kCutsTraces && q_tm1 < largest(first_.data() + row);
    renew(cut, {static_cast<std::int32_t>(row), actions_, static_cast<std::int32_t>(taken)});
    for (std::size_t k = 0; k < index(num_traces_); ++k) {
      Real& q = first_[index(trace_cells_[k])];
      q = bounded(q + delta * traces_[k]);
    }
  }

  void renew(bool cut, Taken taken) {
    trace_cells_.resize(index(num_traces_) + 1);
    traces_.resize(index(num_traces_) + 1);
    const auto renewed =
        settings_.traces == Traces::replacing ? renew_traces<false, Real> : renew_traces<true, Real>;
    num_traces_ = renewed(trace_cells_.data(), traces_.data(), num_traces_, cut, trace_decay_, taken);
  }

  const TdSettings settings_;
  const Form form_;
  const std::int64_t states_;
  const std::int32_t actions_;
  const bool masked_;
  const std::int32_t only_start_;
  const Real discount_, trace_decay_;
  std::vector<Real> first_, second_;  // what is learned: q_table [S][A], or what the form makes it of
  std::vector<Count<Real>> first_visits_, second_visits_;
  std::vector<Real> preference_, values_, others_, ahead_;  // [A]
  // Of this episode.
  double exploration_ = 0.0;  // epsilon or the temperature
  std::int32_t last_exploring_ = -1;
  Real bonus_ = 0;
  std::vector<std::int32_t> trace_cells_;
  std::vector<Real> traces_;
  std::int32_t num_traces_ = 0;
  std::int32_t next_action_ = 0;
  std::int32_t chosen_in_ = -1;  // the state that next_action_ was chosen in
  // Of this step.
  std::int32_t next_state_ = 0;
  Stream* stream_ = nullptr;
  std::vector<Real>*learning_ = nullptr, *other_ = nullptr;
  std::vector<Count<Real>>* visits_ = nullptr;
};

}  // namespace metarl_fast
