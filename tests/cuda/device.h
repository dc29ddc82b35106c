// CUDA's names for device code, on top of `shim.h`: what a kernel may say.
#pragma once

#include <cassert>
#include <cmath>

#include "shim.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

#define threadIdx (shim::thread_index())
#define blockIdx (shim::block_index())
#define blockDim (shim::sizes().block)
#define gridDim (shim::sizes().grid)
constexpr int warpSize = shim::WARP;

// A declaration of static shared memory becomes a reference to this; PLACE tells one declaration from another.
template <class T, int PLACE> T& static_shared_() {
  static const char which = 0;
  return *static_cast<T*>(shim::static_shared(&which, sizeof(T)));
}

// The line of the call tells one barrier from another.
#define SHIM_LINE int line = __builtin_LINE()
inline void __syncthreads(SHIM_LINE) { shim::barrier(line, false); }
inline int __syncthreads_count(int vote, SHIM_LINE) { return int(shim::barrier(line, vote != 0)); }
inline int __syncthreads_or(int vote, SHIM_LINE) { return shim::barrier(line, vote != 0) > 0; }
inline int __syncthreads_and(int vote, SHIM_LINE) { return shim::barrier(line, vote == 0) == 0; }
inline void __syncwarp(unsigned mask = ~0u, SHIM_LINE) { shim::meet(line, mask); }
inline unsigned __ballot_sync(unsigned mask, int vote, SHIM_LINE) { return shim::ballot(line, mask, vote != 0); }
inline int __any_sync(unsigned mask, int vote, SHIM_LINE) { return shim::ballot(line, mask, vote != 0) != 0; }
inline int __all_sync(unsigned mask, int vote, SHIM_LINE) { return shim::ballot(line, mask, vote == 0) == 0; }
template <class T> T shuffle_(int line, unsigned mask, T value, unsigned source) {
  static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  bits = shim::shuffle(line, mask, bits, source);
  memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T> T __shfl_sync(unsigned mask, T value, int source, SHIM_LINE) {
  return shuffle_(line, mask, value, unsigned(source) & 31u);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int bits, SHIM_LINE) {
  return shuffle_(line, mask, value, shim::lane() ^ unsigned(bits));
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned by, SHIM_LINE) {
  return shuffle_(line, mask, value, shim::lane() < by ? shim::lane() : shim::lane() - by);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned by, SHIM_LINE) {
  return shuffle_(line, mask, value, shim::lane() + by > 31 ? shim::lane() : shim::lane() + by);
}
#undef SHIM_LINE

inline void __threadfence() { shim::fence(); }

template <class T, class F> T atomic_(T* at, F change) {
  shim::atomic(at);
  T old, changed;
  __atomic_load(at, &old, __ATOMIC_RELAXED);
  changed = change(old);
  __atomic_store(at, &changed, __ATOMIC_RELAXED);  // no other fiber runs in between
  return old;
}
template <class T> using Same = std::common_type_t<T>;  // keeps an argument from taking part in deducing T
template <class T> T atomicAdd(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return T(old + x); });
}
template <class T> T atomicSub(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return T(old - x); });
}
template <class T> T atomicMin(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return x < old ? x : old; });
}
template <class T> T atomicMax(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return old < x ? x : old; });
}
template <class T> T atomicAnd(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return T(old & x); });
}
template <class T> T atomicOr(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return T(old | x); });
}
template <class T> T atomicXor(T* at, Same<T> x) {
  return atomic_(at, [x](T old) { return T(old ^ x); });
}
template <class T> T atomicExch(T* at, Same<T> x) {
  return atomic_(at, [x](T) { return x; });
}
template <class T> T atomicCAS(T* at, Same<T> is, Same<T> x) {
  return atomic_(at, [is, x](T old) { return old == is ? x : old; });
}

template <class T> T __ldg(const T* at) { return *at; }
template <class T> T __ldcg(const T* at) { return *at; }
template <class T> T __ldcs(const T* at) { return *at; }
template <class To, class From> To bits_(From value) {
  static_assert(sizeof(To) == sizeof(From), "a cast of bits keeps the size");
  To result;
  memcpy(&result, &value, sizeof result);
  return result;
}
inline unsigned __float_as_uint(float x) { return bits_<unsigned>(x); }
inline int __float_as_int(float x) { return bits_<int>(x); }
inline float __uint_as_float(unsigned x) { return bits_<float>(x); }
inline float __int_as_float(int x) { return bits_<float>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
  const uint64_t bytes = uint64_t(high) << 32 | low;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned byte = unsigned(bytes >> (8 * (selector >> 4 * i & 7))) & 255u;
    result |= (selector >> 4 * i & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * i;
  }
  return result;
}
template <class A, class B> constexpr std::common_type_t<A, B> min(A a, B b) { return b < a ? b : a; }
template <class A, class B> constexpr std::common_type_t<A, B> max(A a, B b) { return a < b ? b : a; }

#define SHIM_VECTORS(T, NAME)                                        \
  struct alignas(2 * sizeof(T)) NAME##2 { T x, y; };                 \
  struct NAME##3 { T x, y, z; };                                     \
  struct alignas(4 * sizeof(T)) NAME##4 { T x, y, z, w; };           \
  inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }         \
  inline NAME##3 make_##NAME##3(T x, T y, T z) { return {x, y, z}; } \
  inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
SHIM_VECTORS(unsigned char, uchar)
SHIM_VECTORS(int, int)
SHIM_VECTORS(unsigned, uint)
SHIM_VECTORS(float, float)
#undef SHIM_VECTORS
