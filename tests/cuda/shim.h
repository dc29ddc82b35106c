// CUDA's execution model in C++, for running a kernel where there is no GPU: one fiber for each thread. The interface;
// `shim.cpp` and `fibers.h` do it, `device.h` gives it CUDA's names, `on_cpu.py` builds and drives it.
//
// It must show what goes wrong between threads, so it is stricter than a GPU:
// - threads run in a stated order, ascending, descending or shuffled, where any thread may get far ahead of any other,
//   and as many blocks at once as asked for: what relies on an order that CUDA does not promise gives another result;
// - a barrier must be reached by every thread of its block on the same line, a warp's operation by every lane of its
//   mask;
// - shared memory starts out as 0xff bytes (a NaN, a huge number) and is allocated to its exact size, so that
//   AddressSanitizer sees what lies outside;
// - ThreadSanitizer is told what orders memory and what does not. Barriers and `__syncwarp` do; shuffles and votes do
//   not; an atomic does for a thread that has a fence ahead of its own and another that has one behind. It then finds
//   accesses that nothing orders, whichever of them came first.
//
// A violation ends the launch with a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

struct dim3 {
  unsigned x, y, z;
};

namespace shim {

constexpr unsigned WARP = 32;

struct Sizes {
  dim3 grid, block;
};

// Where the running thread is.
const Sizes& sizes();
dim3 thread_index();
dim3 block_index();
unsigned lane();

// End the launch with a message.
[[noreturn]] void fail(const char* what);

// Wait for the whole block; return how many of its threads brought a true `vote`.
unsigned barrier(int line, bool vote);

// Operations of the lanes of `mask`: meet in order, collect votes, read what lane `source` brought.
void meet(int line, unsigned mask);
unsigned ballot(int line, unsigned mask, bool vote);
uint64_t shuffle(int line, unsigned mask, uint64_t bits, unsigned source);

// Order what this thread did before ahead of what it does later, for every thread that meets it in an atomic.
void fence();

// Announce an atomic operation at an address.
void atomic(const void* at);

// The block's memory, of exactly the size asked for.
void* dynamic_shared();
void* static_shared(const void* which, size_t size);

// Run `body` as every thread of every block of a grid; return what went wrong, or null. Order 0 is ascending, 1
// descending, any other the seed of a shuffle.
const char* run(void (*body)(), const Sizes& sizes, size_t shared_bytes, unsigned order, unsigned resident);

// What a kernel takes, a word a parameter: "*" for a pointer, then the element's kind and size as NumPy writes them.
template <class T> std::string describe() {
  if constexpr (std::is_pointer<T>::value) return "*" + describe<std::remove_pointer_t<T>>();
  typedef std::remove_cv_t<T> Plain;
  if (!std::is_arithmetic<Plain>::value) return "v" + std::to_string(sizeof(Plain));
  return (std::is_floating_point<Plain>::value ? "f"
          : std::is_signed<Plain>::value       ? "i"
                                               : "u") +
         std::to_string(sizeof(Plain));
}

template <class... P> const char* signature(void (*)(P...)) {
  static std::string text;
  text.clear();
  ((text += describe<P>() + " "), ...);
  return text.c_str();
}

template <class... P, size_t... I>
const char* launch(void (*kernel)(P...), void** arguments, const unsigned* s, size_t shared_bytes, unsigned order,
                   unsigned resident, std::index_sequence<I...>) {
  static void (*kernel_)(P...);
  static void** arguments_;
  kernel_ = kernel;
  arguments_ = arguments;
  void (*body)() = [] { kernel_(*static_cast<P*>(arguments_[I])...); };
  return run(body, {{s[0], s[1], s[2]}, {s[3], s[4], s[5]}}, shared_bytes, order, resident);
}

template <class... P>
const char* launch(void (*kernel)(P...), void** arguments, const unsigned* s, size_t bytes, unsigned order,
                   unsigned resident) {
  return launch(kernel, arguments, s, bytes, order, resident, std::index_sequence_for<P...>());
}

}  // namespace shim

// Export a kernel to `on_cpu.py`.
#define SHIM_KERNEL(NAME)                                                                                              \
  extern "C" const char* signature_##NAME() { return shim::signature(NAME); }                                          \
  extern "C" const char* launch_##NAME(void** a, const unsigned* s, size_t bytes, unsigned order, unsigned resident) { \
    return shim::launch(NAME, a, s, bytes, order, resident);                                                           \
  }
