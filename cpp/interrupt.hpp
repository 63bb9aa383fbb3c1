// SPDX-License-Identifier: MIT
// How long work asks whether to stop, without knowing who answers.
#pragma once

namespace metarl_fast {

// Called now and then; true asks to stop early.
using StopRequested = bool (*)(void* context);

struct Interrupt {
  StopRequested requested = nullptr;
  void* context = nullptr;
  bool operator()() const { return requested != nullptr && requested(context); }
};

}  // namespace metarl_fast
