// SPDX-License-Identifier: MIT
// A loop over the rows of one large task, without knowing which threads share it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace metarl_fast {

// Calls `body(begin, end)` for rows 0 to rows-1 in ranges cut at multiples of `rows_at_once`, whoever works:
// what a range finds may be kept under begin / rows_at_once and put together in that order, to the same bits
// on any number of threads. Ranges run at once and in any order. Throws Interrupted if the work was asked to
// stop.
class RowLoop {
 public:
  using Body = void (*)(const void* closure, std::int64_t begin, std::int64_t end);
  using Share = void (*)(void* context, std::int64_t rows, std::int64_t rows_at_once, Body body,
                         const void* closure);

  RowLoop() = default;  // one range after the other, on the thread that asks
  RowLoop(Share share, void* context) : share_(share), context_(context) {}

  template <class Function>
  void operator()(std::int64_t rows, std::int64_t rows_at_once, const Function& body) const {
    const Body call = [](const void* closure, std::int64_t begin, std::int64_t end) {
      (*static_cast<const Function*>(closure))(begin, end);
    };
    if (share_ != nullptr) return share_(context_, rows, rows_at_once, call, &body);
    for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
      body(begin, std::min(rows, begin + rows_at_once));
    }
  }

 private:
  Share share_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace metarl_fast
