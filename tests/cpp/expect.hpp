// SPDX-License-Identifier: MIT
// EXPECT(condition): says which one does not hold, and counts it in `failures`.
#pragma once

#include <cstdio>

inline int failures = 0;

inline void expect(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: expected %s\n", file, line, what);
  ++failures;
}
#define EXPECT(condition) expect(condition, #condition, __FILE__, __LINE__)
