// SPDX-License-Identifier: MIT
// The generators of cpp/rng.hpp, numbers a second. The kernel's, of all lanes at once, are compiled for the
// instruction set of the processor; here too, where the compiler can.
#include "harness.hpp"

#include <metarl_fast/rng.hpp>

#include <algorithm>

namespace bench {
namespace {

constexpr std::size_t kCount = 1 << 12;
constexpr std::size_t kLanes = 32;

void one_key_a_task(std::uint32_t* out) {
  for (std::size_t k = 0; k < kCount; k += 4) {
    const Stream stream = make_stream(7, k, Purpose::learning);
    std::copy(stream.s, stream.s + 4, out + k);
  }
}

void one_stream(std::uint32_t* out) {
  Stream stream = make_stream(7, 0, Purpose::learning);
  for (std::size_t k = 0; k < kCount; ++k) out[k] = next(stream);
}

FOR_EACH_PROCESSOR
void many_streams(std::uint32_t* out) {
  std::uint32_t s[4][kLanes];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const Stream stream = make_stream(7, lane, Purpose::learning);
    for (int word = 0; word < 4; ++word) s[word][lane] = stream.s[word];
  }
  for (std::size_t k = 0; k < kCount; k += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      out[k + lane] = xoshiro_next(s[0][lane], s[1][lane], s[2][lane], s[3][lane]);
    }
  }
}

void one_by_index(std::uint32_t* out) {
  const IndexKey key = make_index_key(7, 0, Purpose::transitions);
  for (std::size_t k = 0; k < kCount; ++k) out[k] = indexed(key, 3, static_cast<std::uint32_t>(k));
}

FOR_EACH_PROCESSOR
void many_by_index(std::uint32_t* out) {
  const IndexKey key = make_index_key(7, 0, Purpose::transitions);
  for (std::size_t k = 0; k < kCount / 2; ++k) {
    std::uint32_t x0 = static_cast<std::uint32_t>(k);
    std::uint32_t x1 = 3;
    threefry2x32(x0, x1, key.word[0], key.word[1]);
    out[k] = x0;
    out[kCount / 2 + k] = x1;
  }
}

void numbers(benchmark::State& state, void (*draw)(std::uint32_t*), std::uint64_t known) {
  std::vector<std::uint32_t> out(kCount);
  for (auto _ : state) {
    draw(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
  compare(state, Checksum().add(out), known);
}

struct Case {
  const char* name;
  void (*draw)(std::uint32_t*);
  std::uint64_t checksum;
};

constexpr Case kCases[] = {
    {"rng/philox4x32-10/one_after_the_other", one_key_a_task, 0xdcbca7c1540375d5},
    {"rng/xoshiro128++/one_stream", one_stream, 0xbfdd5a2622b023ea},
    {"rng/xoshiro128++/32_streams", many_streams, 0xc01fc9f0d2b8292f},
    {"rng/threefry2x32-13/one_after_the_other", one_by_index, 0x2959e623e830fe67},
    {"rng/threefry2x32-13/side_by_side", many_by_index, 0x537d497d3770e76d},
};

}  // namespace

void register_rng() {
  for (const Case& of : kCases) {
    add_case(of.name, [&of](benchmark::State& state) { numbers(state, of.draw, of.checksum); });
  }
}

}  // namespace bench
