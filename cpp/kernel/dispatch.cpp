// SPDX-License-Identifier: MIT
// Chooses the instruction set. The only file that asks the processor what it is.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "kernel.hpp"

namespace metarl_fast {

namespace base {
extern const Kernels kernels;
}
#ifdef METARL_FAST_X86
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
#endif

namespace {

struct Available {
  const Kernels* list[3];
  int size;
};

// Every feature a kernel was compiled with is tested, not only the one it is named for.
Available detect() {
  Available available{{&base::kernels, nullptr, nullptr}, 1};
#ifdef METARL_FAST_X86
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  if (has_avx2) available.list[available.size++] = &avx2::kernels;
  if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    available.list[available.size++] = &avx512::kernels;
  }
#endif
  return available;
}

const Available& available() {
  static const Available once = detect();
  return once;
}

}  // namespace

const Kernels& kernels() {
  const Available& can = available();
  const char* wanted = std::getenv("METARL_FAST_ISA");
  if (wanted == nullptr || *wanted == '\0') return *can.list[can.size - 1];
  std::string names;
  for (int k = 0; k < can.size; ++k) {
    if (std::string(wanted) == can.list[k]->name) return *can.list[k];
    names += (k ? ", " : "") + std::string(can.list[k]->name);
  }
  throw std::invalid_argument("METARL_FAST_ISA=" + std::string(wanted) +
                              " is not available here; choose from " + names);
}

const Kernels* const* available_kernels(int& n) {
  n = available().size;
  return available().list;
}

}  // namespace metarl_fast
