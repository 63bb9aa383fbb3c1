// SPDX-License-Identifier: MIT
// Zero-initialised arrays that begin on a cache line: two threads' scratch must not share one.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace metarl_fast {

constexpr std::size_t kCacheLine = 64;

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

template <class T>
using AlignedArray = std::unique_ptr<T[], FreeDeleter>;

template <class T>
AlignedArray<T> make_aligned(std::size_t size) {
  const std::size_t lines = size * sizeof(T) / kCacheLine + 1;
  void* memory = std::aligned_alloc(kCacheLine, lines * kCacheLine);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, lines * kCacheLine);
  return AlignedArray<T>(static_cast<T*>(memory));
}

}  // namespace metarl_fast
