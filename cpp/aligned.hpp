// SPDX-License-Identifier: MIT
// Zero-initialised arrays that begin on a cache line: two threads' scratch must not share one.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace metarl_fast {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{1} << 21;

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

template <class T>
using AlignedArray = std::unique_ptr<T[], FreeDeleter>;

template <class T>
AlignedArray<T> make_aligned(std::size_t size) {
  // Tables of several megabytes are read all over: with small pages, finding them costs more than reading
  // them.
  const bool large = size * sizeof(T) >= 2 * kHugePage;
  const std::size_t unit = large ? kHugePage : kCacheLine;
  const std::size_t bytes = (size * sizeof(T) / unit + 1) * unit;
  void* memory = std::aligned_alloc(unit, bytes);
  if (memory == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (large) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, bytes);
  return AlignedArray<T>(static_cast<T*>(memory));
}

}  // namespace metarl_fast
