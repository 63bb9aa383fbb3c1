// SPDX-License-Identifier: MIT
#include "recurrent_classes.hpp"

#include <algorithm>

namespace metarl_fast {
namespace {

constexpr std::int64_t kWorkBetweenQuestions = 1 << 20;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Strongly connected components by one depth-first search (Tarjan 1972), without recursion. Components are
// closed in the order in which they are left, those that others lead to first.
class Components {
 public:
  explicit Components(const SparseModel& chain)
      : chain_(chain),
        index_(size(chain.states), -1),
        low_(size(chain.states)),
        of_(size(chain.states), -1) {}

  std::vector<std::int32_t> find(Meter& meter) {
    for (std::int64_t root = 0; root < chain_.states; ++root) {
      if (index_[size(root)] < 0) search(root, meter);
    }
    return of_;
  }
  std::int32_t count() const { return count_; }

 private:
  struct Visit {
    std::int64_t state;
    std::int64_t next;  // place of the successor to be looked at
  };

  void enter(std::int64_t s) {
    index_[size(s)] = low_[size(s)] = entered_++;
    open_.push_back(s);
    path_.push_back({s, chain_.begin[size(s)]});
  }

  void search(std::int64_t root, Meter& meter) {
    enter(root);
    while (!path_.empty()) {
      meter.count(1);
      const std::int64_t s = path_.back().state;
      if (path_.back().next < chain_.begin[size(s + 1)]) {
        const std::int64_t t = chain_.successor[size(path_.back().next++)];
        if (index_[size(t)] < 0) {
          enter(t);
        } else if (of_[size(t)] < 0) {
          low_[size(s)] = std::min(low_[size(s)], index_[size(t)]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) {
        std::int64_t& low = low_[size(path_.back().state)];
        low = std::min(low, low_[size(s)]);
      }
      if (low_[size(s)] == index_[size(s)]) close(s);
    }
  }

  void close(std::int64_t s) {
    for (std::int64_t t = -1; t != s;) {
      t = open_.back();
      open_.pop_back();
      of_[size(t)] = count_;
    }
    ++count_;
  }

  const SparseModel& chain_;
  std::vector<std::int64_t> index_;  // when a state was entered, or -1
  std::vector<std::int64_t> low_;    // the earliest state still open that it leads to
  std::vector<std::int32_t> of_;
  std::vector<std::int64_t> open_;
  std::vector<Visit> path_;
  std::int64_t entered_ = 0;
  std::int32_t count_ = 0;
};

}  // namespace

RecurrentClasses recurrent_classes(const SparseModel& chain, const Interrupt& interrupt) {
  Meter meter(interrupt);
  Components components(chain);
  RecurrentClasses found;
  found.of = components.find(meter);
  std::vector<std::uint8_t> left(size(components.count()), 0);
  for (std::int64_t s = 0; s < chain.states; ++s) {
    std::uint8_t& leaves = left[size(found.of[size(s)])];
    found.ends = found.ends || chain.excess[size(s)] > 0.0;
    leaves = leaves || chain.excess[size(s)] > 0.0;
    for (std::int64_t k = chain.begin[size(s)]; k < chain.begin[size(s + 1)]; ++k) {
      leaves = leaves || found.of[size(chain.successor[size(k)])] != found.of[size(s)];
    }
  }
  std::vector<std::int32_t> number(left.size(), -1);
  for (std::int64_t s = 0; s < chain.states; ++s) {
    std::int32_t& of = found.of[size(s)];
    if (!left[size(of)] && number[size(of)] < 0) {
      number[size(of)] = static_cast<std::int32_t>(found.first.size());
      found.first.push_back(static_cast<std::int32_t>(s));
    }
    of = number[size(of)];
  }
  return found;
}

void eliminate(const SparseModel& chain, const RecurrentClasses& classes, const std::vector<double>& pay,
               const std::vector<double>& closed, bool keeps_factors, Envelope& envelope,
               const Interrupt& interrupt) {
  envelope.start(chain.states, keeps_factors);
  std::int64_t asked = 0;
  for (std::int64_t s = 0; s < chain.states; ++s) {
    if (envelope.work_done() - asked >= kWorkBetweenQuestions) {
      asked = envelope.work_done();
      stop_if_asked(interrupt);
    }
    if (classes.begin_at(s)) {
      envelope.eliminate(0.0, 0.0);
      envelope.close(closed[size(classes.of[size(s)])]);
      continue;
    }
    for (std::int64_t k = chain.begin[size(s)]; k < chain.begin[size(s + 1)]; ++k) {
      envelope.add(chain.successor[size(k)], chain.weight[size(k)]);
    }
    envelope.eliminate(chain.excess[size(s)], pay[size(s)]);
  }
}

}  // namespace metarl_fast
