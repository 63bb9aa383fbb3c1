// SPDX-License-Identifier: MIT
#include "ordering.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace metarl_fast {
namespace {

// The undirected graph of "some action leads from one to the other", in compressed rows.
struct Graph {
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> neighbour;
  std::int64_t degree(std::int64_t s) const {
    return begin[static_cast<std::size_t>(s) + 1] - begin[static_cast<std::size_t>(s)];
  }
};

template <class Edge>
void for_each_edge(const SparseModel& model, Meter& meter, Edge edge) {
  for (std::int64_t s = 0; s < model.states; ++s) {
    const std::int64_t first = model.begin[static_cast<std::size_t>(s * model.actions)];
    const std::int64_t last = model.begin[static_cast<std::size_t>((s + 1) * model.actions)];
    meter.count(last - first + 1);
    for (std::int64_t k = first; k < last; ++k)
      edge(s, std::int64_t{model.successor[static_cast<std::size_t>(k)]});
  }
}

Graph undirected(const SparseModel& model, Meter& meter) {
  Graph graph;
  std::vector<std::int64_t> place(static_cast<std::size_t>(model.states) + 1, 0);
  for_each_edge(model, meter, [&](std::int64_t s, std::int64_t t) {
    ++place[static_cast<std::size_t>(s) + 1];
    ++place[static_cast<std::size_t>(t) + 1];
  });
  std::partial_sum(place.begin(), place.end(), place.begin());
  std::vector<std::int32_t> all(static_cast<std::size_t>(place.back()));
  const std::vector<std::int64_t> begin = place;
  for_each_edge(model, meter, [&](std::int64_t s, std::int64_t t) {
    all[static_cast<std::size_t>(place[static_cast<std::size_t>(s)]++)] = static_cast<std::int32_t>(t);
    all[static_cast<std::size_t>(place[static_cast<std::size_t>(t)]++)] = static_cast<std::int32_t>(s);
  });
  graph.begin.push_back(0);
  for (std::size_t s = 0; s + 1 < begin.size(); ++s) {
    meter.count(8 * (begin[s + 1] - begin[s]));  // sorting
    const auto first = all.begin() + begin[s];
    const auto last = all.begin() + begin[s + 1];
    std::sort(first, last);
    graph.neighbour.insert(graph.neighbour.end(), first, std::unique(first, last));
    graph.begin.push_back(static_cast<std::int64_t>(graph.neighbour.size()));
  }
  return graph;
}

// How far each state lies behind its first neighbour, summed.
double profile(const Graph& graph, const std::vector<std::int32_t>& place) {
  double sum = 0.0;
  for (std::size_t s = 0; s < place.size(); ++s) {
    std::int32_t first = place[s];
    for (std::int64_t k = graph.begin[s]; k < graph.begin[s + 1]; ++k) {
      first = std::min(first, place[static_cast<std::size_t>(graph.neighbour[static_cast<std::size_t>(k)])]);
    }
    sum += place[s] - first;
  }
  return sum;
}

// Breadth first from `root`, neighbours of few neighbours first; appends to `order`, marks `seen`.
// Returns where the last level begins.
std::size_t cuthill_mckee(const Graph& graph, std::int32_t root, std::vector<std::int32_t>& order,
                          std::vector<std::uint8_t>& seen, Meter& meter) {
  std::size_t level = order.size();
  order.push_back(root);
  seen[static_cast<std::size_t>(root)] = 1;
  for (std::size_t next = level, end = order.size(); next < end;) {
    for (; next < end; ++next) {
      const auto s = static_cast<std::size_t>(order[next]);
      meter.count(8 * (graph.degree(order[next]) + 1));
      const std::size_t first = order.size();
      for (std::int64_t k = graph.begin[s]; k < graph.begin[s + 1]; ++k) {
        const std::int32_t t = graph.neighbour[static_cast<std::size_t>(k)];
        if (seen[static_cast<std::size_t>(t)]) continue;
        seen[static_cast<std::size_t>(t)] = 1;
        order.push_back(t);
      }
      std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(first), order.end(),
                       [&](std::int32_t a, std::int32_t b) { return graph.degree(a) < graph.degree(b); });
    }
    if (order.size() > end) level = end;
    end = order.size();
  }
  return level;
}

std::vector<std::int32_t> reverse_cuthill_mckee(const Graph& graph, std::int64_t states, Meter& meter) {
  std::vector<std::int32_t> order;
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(states), 0);
  for (std::int32_t s = 0; s < states; ++s) {
    if (seen[static_cast<std::size_t>(s)]) continue;
    // A state of the last level, seen from anywhere, lies at the rim of its part of the graph.
    const std::size_t first = order.size();
    const std::size_t level = cuthill_mckee(graph, s, order, seen, meter);
    const std::int32_t root =
        *std::min_element(order.begin() + static_cast<std::ptrdiff_t>(level), order.end(),
                          [&](std::int32_t a, std::int32_t b) { return graph.degree(a) < graph.degree(b); });
    for (std::size_t i = first; i < order.size(); ++i) seen[static_cast<std::size_t>(order[i])] = 0;
    order.resize(first);
    cuthill_mckee(graph, root, order, seen, meter);
  }
  std::reverse(order.begin(), order.end());
  return order;
}

// The profile of the model's own order, by one look at every edge.
double own_profile(const SparseModel& model, Meter& meter) {
  std::vector<std::int32_t> first(static_cast<std::size_t>(model.states));
  std::iota(first.begin(), first.end(), 0);
  for_each_edge(model, meter, [&](std::int64_t s, std::int64_t t) {
    std::int32_t& low = first[static_cast<std::size_t>(std::max(s, t))];
    low = std::min(low, static_cast<std::int32_t>(std::min(s, t)));
  });
  double sum = 0.0;
  for (std::size_t s = 0; s < first.size(); ++s) sum += static_cast<double>(s) - first[s];
  return sum;
}

}  // namespace

std::vector<std::int32_t> elimination_order(const SparseModel& model, const Interrupt& interrupt) {
  Meter meter(interrupt);
  const double own = own_profile(model, meter);
  const auto states = static_cast<double>(model.states);
  if (own <= 2.0 * states * std::sqrt(states)) return {};
  const Graph graph = undirected(model, meter);
  std::vector<std::int32_t> order = reverse_cuthill_mckee(graph, model.states, meter);
  std::vector<std::int32_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
  }
  if (profile(graph, place) >= own) return {};
  return order;
}

EliminationCost elimination_cost(const SparseModel& model, const Interrupt& interrupt) {
  Meter meter(interrupt);
  // Rows reach back to their first successor, and on to the farthest end of the rows that they meet.
  std::vector<std::int64_t> first(static_cast<std::size_t>(model.states));
  std::vector<std::int64_t> end(static_cast<std::size_t>(model.states));
  std::iota(first.begin(), first.end(), 0);
  std::iota(end.begin(), end.end(), 0);
  for_each_edge(model, meter, [&](std::int64_t s, std::int64_t t) {
    first[static_cast<std::size_t>(s)] = std::min(first[static_cast<std::size_t>(s)], t);
    end[static_cast<std::size_t>(s)] = std::max(end[static_cast<std::size_t>(s)], t);
  });
  EliminationCost cost{0.0, 0.0};
  std::int64_t farthest = 0;
  std::vector<double> stored(first.size() + 1, 0.0);  // entries of the rows before this one
  for (std::size_t s = 0; s < first.size(); ++s) {
    const auto own = static_cast<std::int64_t>(s);
    if (first[s] < own) end[s] = std::max(end[s], std::min(farthest, model.states - 1));
    farthest = std::max(farthest, end[s]);
    stored[s + 1] = stored[s] + static_cast<double>(end[s] - own);
    cost.multiplications += stored[s] - stored[static_cast<std::size_t>(first[s])];
  }
  cost.entries = stored.back();
  return cost;
}

}  // namespace metarl_fast
