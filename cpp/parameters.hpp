// SPDX-License-Identifier: MIT
// Parameters of families and learners: each is named once, with its range, and visited by whoever checks or
// binds it.
//
// A family, or a learner, says
//   template <class Self, class Visitor>
//   static void parameters(Self& family, const Visitor& visit) {
//     visit("slip", family.slip, between(0, 1));
//     visit("law", family.law, kLaws);
//   }
// where parameters are numbers, vectors of numbers, of which each entry lies in the range, choices with their
// words, and, without a range, what is there or not: families, tasks, and lists of families or of learners.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace metarl_fast {

struct Range {
  double low, high;
  bool open_low = false, open_high = false;

  bool has(double value) const {
    return (open_low ? value > low : value >= low) && (open_high ? value < high : value <= high);
  }
  std::string text() const;
};

constexpr double kLargestDouble = std::numeric_limits<double>::max();
constexpr Range between(double low, double high) { return {low, high}; }
constexpr Range half_open(double low, double high) { return {low, high, false, true}; }
constexpr Range at_least(double low) { return {low, kLargestDouble}; }
constexpr Range above(double low) { return {low, kLargestDouble, true}; }
constexpr Range finite() { return {-kLargestDouble, kLargestDouble}; }

inline std::string Range::text() const {
  std::ostringstream words;
  words.precision(10);
  if (high < kLargestDouble) {
    words << low << " to " << (open_high ? "below " : "") << high;
    return words.str();
  }
  words << "a finite number";
  if (low > -kLargestDouble) words << (open_low ? " above " : " >= ") << low;
  return words.str();
}

// What a choice is called.
template <class Choice>
struct Word {
  const char* word;
  Choice choice;
};

// Refuses what does not lie in its range, by name and value.
struct RangeCheck {
  template <class Number>
  void operator()(const std::string& name, const Number& value, const Range& range) const {
    if (range.has(static_cast<double>(value))) return;
    std::ostringstream message;
    message << name << " is " << value << ", expected " << range.text();
    throw std::invalid_argument(message.str());
  }

  void operator()(const std::string& name, std::uint8_t value, const Range& range) const {
    (*this)(name, std::int64_t{value}, range);
  }

  template <class Number>
  void operator()(const std::string& name, const std::vector<Number>& values, const Range& range) const {
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!range.has(static_cast<double>(values[k]))) {
        (*this)(name + "[" + std::to_string(k) + "]", values[k], range);
      }
    }
  }

  template <class Choice, std::size_t N>
  void operator()(const char*, const Choice&, const Word<Choice> (&)[N]) const {}

  template <class Object>
  void operator()(const std::string& name, const std::shared_ptr<Object>& object) const {
    if (object == nullptr) throw std::invalid_argument(name + " is missing");
  }

  template <class Object>
  void operator()(const std::string& name, const std::vector<std::shared_ptr<Object>>& objects) const {
    for (const std::shared_ptr<Object>& object : objects) (*this)(name, object);
  }

  template <class Object>
  void operator()(const std::string&, const std::vector<Object>& objects) const {
    for (const Object& object : objects) Object::parameters(object, *this);
  }
};

template <class Kind>
void check_parameters(const Kind& family) {
  Kind::parameters(family, RangeCheck());
}

}  // namespace metarl_fast
