// SPDX-License-Identifier: MIT
// A family: a law over tasks, of which a key and an id name one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "../interrupt.hpp"
#include "../mdp.hpp"
#include "../task_formula.hpp"
#include "../uniform_law.hpp"

namespace metarl_fast {

// Beside what is declared here a family has a `kName`, and names each of its parameters once, in `parameters`
// (parameters.hpp). It is in the core's list if it stands in families.hpp.
class Family {
 public:
  virtual ~Family() = default;

  // Throws std::invalid_argument for parameters that `write` cannot work with.
  virtual void check() const = 0;

  // Alike for all tasks.
  virtual Shape shape() const = 0;

  // Writes all of the task, a function of (key, id) and the segment of its time alone, drawn from streams of
  // make_stream(key, id, purpose) and from nothing else. Asks now and then whether to stop, as a Meter does,
  // and throws Interrupted. A buffer that has no rows comes to families of the uniform law alone.
  virtual void write(std::uint64_t key, std::uint64_t id, std::int64_t segment, TaskBuffer& task,
                     const Interrupt& interrupt) const = 0;

  // A segment of time lasts so many episodes; 0 if tasks do not change. Those that do have no uniform law,
  // and all their actions are available.
  virtual std::int64_t episodes_per_segment() const { return 0; }

  // Whether all of its tasks are one and the same, which does not change.
  virtual bool is_one_task() const { return false; }

  // The law of a family that needs nothing but that; it is valid as long as the family.
  virtual std::optional<UniformLaw> uniform_law(std::uint64_t key) const {
    (void)key;
    return std::nullopt;
  }

  // Whether each of its tasks may be asked pair by pair in place of being written out; and that task, valid
  // as long as the family. Such tasks are outcome lists, do not change, and all their actions are available.
  virtual bool has_formula() const { return false; }
  virtual std::unique_ptr<TaskFormula> formula(std::uint64_t key, std::uint64_t id) const {
    static_cast<void>(key);
    static_cast<void>(id);
    return nullptr;
  }

 protected:
  Family() = default;
  Family(const Family&) = default;
  Family(Family&&) = default;
  Family& operator=(const Family&) = default;
  Family& operator=(Family&&) = default;
};

using FamilyPtr = std::shared_ptr<const Family>;

template <class Kind>
FamilyPtr share(Kind family) {
  return std::make_shared<const Kind>(std::move(family));
}

}  // namespace metarl_fast
