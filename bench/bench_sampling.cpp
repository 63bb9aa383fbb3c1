// SPDX-License-Identifier: MIT
// Drawing next states. First what the engine does, by kind of task: learning on tasks that lie in memory,
// long enough that reading them in hardly counts. Then structures that it could draw from instead, each
// alone: what a row costs to build and a draw to make, without all else that a step of learning does.
#include "harness.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

namespace bench {
namespace {

// --- what the engine does ----------------------------------------------------------------------------------

// The tasks of a batch, written out.
std::unique_ptr<const TaskBatch> stored(const TaskBatch& batch) {
  const Shape& shape = batch.shape();
  const auto n = static_cast<std::size_t>(batch.size());
  const auto all = std::make_shared<TaskBuffer>(shape);
  for (auto* column : {&all->probability, &all->reward, &all->start, &all->scale})
    column->resize(n * column->size());
  all->next_state.resize(n * all->next_state.size());
  all->terminated.resize(n * all->terminated.size());
  all->terminal.resize(n * all->terminal.size());
  materialise(batch,
              {all->probability.data(), shape.dense ? nullptr : all->next_state.data(), all->reward.data(),
               shape.dense ? nullptr : all->terminated.data(), all->start.data(),
               all->scale.empty() ? nullptr : all->scale.data(), all->terminal.data()},
              {1, nullptr});
  const TaskArrays arrays{all->view(), shape.states, shape.states, nullptr, 0, all};
  return std::make_unique<StoredTasks>(shape, batch.ids(), arrays);
}

template <class Kind>
void add_tasks(const std::string& name, const Kind& family, bool in_memory, std::uint64_t known) {
  constexpr std::int64_t kTasks = 32;
  const auto tasks = std::make_shared<std::unique_ptr<const TaskBatch>>();  // made at first use
  for (const std::string& isa : instruction_sets()) {
    add_case("sampling/" + name + "/" + isa, [=](benchmark::State& state) {
      if (*tasks == nullptr && in_memory) *tasks = stored(tasks_of(family, kTasks));
      if (*tasks == nullptr) {
        *tasks = std::make_unique<GeneratedTasks>(share(family), 1, TaskIds{0, kTasks, nullptr});
      }
      time_train<float>(state, **tasks, TdLearner(), /*episodes=*/10'000, /*threads=*/1, isa, known);
    });
  }
}

void register_tasks() {
  using Law = TaskDistribution::TransitionLaw;
  add_tasks("rows_of_4", task_distribution(4, 4), true, 0x28478411948a1081);
  add_tasks("rows_of_8", task_distribution(8, 4), true, 0x7c1a4d8f8aa6a4c2);
  add_tasks("rows_of_16", task_distribution(16, 4), true, 0x7c12c9bf8ca7754a);
  add_tasks("rows_of_32", task_distribution(32, 4), true, 0xc4955fb484eb5dd6);
  add_tasks("rows_of_64", task_distribution(64, 4), true, 0x7462c6c4871dc834);
  add_tasks("rows_of_256", task_distribution(256, 4, Law::dirichlet), true, 0x0181f53849f46d37);
  const auto garnet = [](std::int64_t branching) {
    TaskDistribution family = task_distribution(64, 4, Law::garnet);
    family.branching = branching;
    return family;
  };
  add_tasks("outcome_lists_of_1", garnet(1), true, 0xae14f6449ecb08d0);
  add_tasks("outcome_lists_of_3", garnet(3), true, 0x468e7c8ab7d88bc7);
  add_tasks("outcome_lists_of_8", garnet(8), true, 0xdcdae7432b1562ce);
  add_tasks("outcome_lists_of_16", garnet(16), true, 0x1cc8779ee5b6e436);
  add_tasks("goal_grid_9x9", goal_grid(9, 0.0), true, 0x076554dcbbec9da4);
  add_tasks("rejection/weights_in_memory/S=256", task_distribution(256, 4), true, 0x8b079adbdcaf82b5);
  add_tasks("rejection/weights_drawn/S=256", task_distribution(256, 4), false, 0x8b079adbdcaf82b5);
  add_tasks("rejection/weights_drawn/S=4096", task_distribution(4096, 4), false, 0xfe0ff987eef21e62);
}

// --- structures, each alone --------------------------------------------------------------------------------

// A structure has rows of n entries for n next states: `build(weights, n, row)` writes one, and
// `draw(row, n, x)` reads it, for a 32-bit random number x.

// The first cumulative probability above the number, one after the other.
struct LinearSearch {
  using Entry = float;
  static void build(const std::uint32_t* weights, std::size_t n, Entry* row) {
    const auto total = std::accumulate(weights, weights + n, std::uint64_t{0});
    const double scale = 1.0 / static_cast<double>(total);
    double cumulative = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      cumulative += weights[k] * scale;
      row[k] = static_cast<float>(cumulative);
    }
    row[n - 1] = 2;
  }
  static std::size_t draw(const Entry* row, std::size_t, std::uint32_t x) {
    const float u = unit(x, float{});
    std::size_t k = 0;
    while (row[k] <= u) ++k;
    return k;
  }
};

// The same by halves, without branches.
struct BinarySearch : LinearSearch {
  static std::size_t draw(const Entry* row, std::size_t n, std::uint32_t x) {
    const float u = unit(x, float{});
    const Entry* from = row;
    for (std::size_t left = n; left > 1;) {
      const std::size_t half = left / 2;
      from += half * static_cast<std::size_t>(from[half - 1] <= u);
      left -= half;
    }
    return static_cast<std::size_t>(from - row);
  }
};

// Vose's alias method: the high bits choose a column, the low ones are its coin.
template <class Word>
struct Alias {
  using Entry = Word;  // coin in the upper half, the other next state in the lower
  static constexpr int kHalf = 4 * sizeof(Word);
  static void build(const std::uint32_t* weights, std::size_t n, Entry* row) {
    const auto total = std::accumulate(weights, weights + n, std::uint64_t{0});
    const double scale = static_cast<double>(n) / static_cast<double>(total);
    double share[256];
    std::size_t stack[256];
    std::size_t below = 0;
    std::size_t above = n;
    for (std::size_t k = 0; k < n; ++k) {
      share[k] = weights[k] * scale;
      stack[share[k] < 1.0 ? below++ : --above] = k;
    }
    const auto entry = [](double coin, std::size_t other) {
      const double most = static_cast<double>((std::uint64_t{1} << kHalf) - 1);
      return static_cast<Word>(static_cast<Word>(std::min(coin, 1.0) * most) << kHalf |
                               static_cast<Word>(other));
    };
    while (below > 0 && above < n) {
      const std::size_t k = stack[--below];
      const std::size_t donor = stack[above];
      row[k] = entry(share[k], donor);
      share[donor] -= 1.0 - share[k];
      if (share[donor] < 1.0) {
        ++above;
        stack[below++] = donor;
      }
    }
    for (std::size_t i = 0; i < below; ++i) row[stack[i]] = entry(1.0, stack[i]);
    for (std::size_t i = above; i < n; ++i) row[stack[i]] = entry(1.0, stack[i]);
  }
  static std::size_t draw(const Entry* row, std::size_t n, std::uint32_t x) {
    const std::uint64_t product = std::uint64_t{x} * n;
    const auto column = static_cast<std::size_t>(product >> 32);
    const auto coin = static_cast<std::uint32_t>(product) >> (32 - kHalf);
    return coin < row[column] >> kHalf ? column : row[column] & ((Word{1} << kHalf) - 1);
  }
};

constexpr std::size_t kTasks = 32;  // side by side, as in the kernel
constexpr std::size_t kSteps = 256;

struct Weights {
  explicit Weights(std::size_t states) : n(states), values(kTasks * n * n) {
    for (std::size_t task = 0; task < kTasks; ++task) {
      const IndexKey key = make_index_key(1, task, Purpose::transitions);
      for (std::size_t k = 0; k < n * n; ++k) {
        values[task * n * n + k] = indexed(key, 0, static_cast<std::uint32_t>(k)) >> 8;
      }
    }
  }
  std::size_t n;
  std::vector<std::uint32_t> values;  // [kTasks][n rows][n]
};

template <class Structure>
std::vector<typename Structure::Entry> build_all(const Weights& weights) {
  const std::size_t n = weights.n;
  std::vector<typename Structure::Entry> rows(kTasks * n * n);
  for (std::size_t row = 0; row < kTasks * n; ++row) {
    Structure::build(weights.values.data() + row * n, n, rows.data() + row * n);
  }
  return rows;
}

template <class Structure>
void build(benchmark::State& state, std::size_t n) {
  const Weights weights(n);
  std::vector<typename Structure::Entry> rows;
  for (auto _ : state) {
    rows = build_all<Structure>(weights);
    benchmark::DoNotOptimize(rows.data());
  }
  state.counters["outcomes/s"] =
      benchmark::Counter(static_cast<double>(kTasks * n * n), benchmark::Counter::kIsIterationInvariantRate);
}

// Each next state names the row of the next draw, in all tasks side by side. Returns how often each was
// drawn.
template <class Structure>
FOR_EACH_PROCESSOR std::vector<std::uint32_t> walk(const typename Structure::Entry* rows, std::size_t n) {
  Stream streams[kTasks];
  std::size_t states[kTasks] = {};
  for (std::size_t task = 0; task < kTasks; ++task) streams[task] = make_stream(2, task, Purpose::learning);
  std::vector<std::uint32_t> visits(n, 0);
  for (std::size_t step = 0; step < kSteps; ++step) {
    for (std::size_t task = 0; task < kTasks; ++task) {
      const auto* row = rows + (task * n + states[task]) * n;
      states[task] = Structure::draw(row, n, next(streams[task]));
      ++visits[states[task]];
    }
  }
  return visits;
}

template <class Structure>
void draw(benchmark::State& state, std::size_t n, std::uint64_t known) {
  const auto rows = build_all<Structure>(Weights(n));
  std::vector<std::uint32_t> visits;
  for (auto _ : state) visits = walk<Structure>(rows.data(), n);
  state.counters["draws/s"] =
      benchmark::Counter(kTasks * kSteps, benchmark::Counter::kIsIterationInvariantRate);
  compare(state, Checksum().add(visits), known);
}

struct Known {
  std::size_t states;
  std::uint64_t cumulative, alias, compact_alias;  // checksums of visits; all searches find the same
};

constexpr Known kKnown[] = {{10, 0x2a3bba0a3245acad, 0x8e01446cb1a2f405, 0x8e01446cb1a2f405},
                            {64, 0xf361e2d94f460033, 0x89b10cd44ff30a1b, 0x89b10cd44ff30a1b},
                            {256, 0x3c4e1122508bfabf, 0xa290afc88c463b33, 0xa290afc88c463b33}};

template <class Structure>
void add_structure(const std::string& name, std::size_t n, std::uint64_t known) {
  const std::string sizes = name + "/S=" + std::to_string(n);
  add_case("structures/build/" + sizes, [n](benchmark::State& state) { build<Structure>(state, n); });
  add_case("structures/draw/" + sizes,
           [n, known](benchmark::State& state) { draw<Structure>(state, n, known); });
}

}  // namespace

void register_sampling() {
  register_tasks();
  for (const Known& known : kKnown) {
    add_structure<LinearSearch>("linear_search", known.states, known.cumulative);
    add_structure<BinarySearch>("binary_search", known.states, known.cumulative);
    add_structure<Alias<std::uint64_t>>("alias", known.states, known.alias);
    add_structure<Alias<std::uint32_t>>("compact_alias", known.states, known.compact_alias);
  }
}

}  // namespace bench
