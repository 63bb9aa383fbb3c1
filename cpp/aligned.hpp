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
  std::size_t mapped = 0;  // bytes, if the memory is the system's own pages
  void operator()(void* memory) const {
#ifdef __linux__
    if (mapped != 0) {
      munmap(memory, mapped);
      return;
    }
#endif
    std::free(memory);
  }
};

template <class T>
using AlignedArray = std::unique_ptr<T[], FreeDeleter>;

template <class T>
AlignedArray<T> make_aligned(std::size_t size) {
  const std::size_t bytes = (size * sizeof(T) / kCacheLine + 1) * kCacheLine;
#ifdef __linux__
  // Pages come zeroed when they are first touched, so that gigabytes are not filled in one go, deaf to
  // Ctrl-C. Tables of several megabytes are read all over: with small pages, finding them costs more than
  // reading them.
  if (bytes >= 2 * kHugePage) {
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    madvise(pages, bytes, MADV_HUGEPAGE);
    return AlignedArray<T>(static_cast<T*>(pages), FreeDeleter{bytes});
  }
#endif
  void* memory = std::aligned_alloc(kCacheLine, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, bytes);
  return AlignedArray<T>(static_cast<T*>(memory));
}

}  // namespace metarl_fast
