// The k smallest of many keys, kept by a block of threads in shared memory.
//
// A candidate is one 64-bit key, the distance's bits above the row's number. Sums of squares are not negative, so keys
// sort as distances do, equal distances by row: the result does not depend on the order in which threads and blocks
// run. A list takes what is below its bound. When it is full it is sorted and cut to its k smallest, and the k-th is
// the new bound; after a few thousand keys hardly any gets past it. `cupy.py` puts this text ahead of `cupy.cu`, since
// CuPy's cache of compiled kernels knows the text it is given and not what that includes.

typedef unsigned long long Key;

constexpr unsigned EVERY_LANE = 0xffffffffu;
constexpr Key NOTHING = ~Key(0);  // beyond every row, at any distance; its low half is the id that pads a result

// The k smallest keys of each query of a block, so far.
struct Lists {
  Key* keys;          // [queries][capacity], shared
  Key* bounds;        // [queries]: only a smaller key can still be among the k smallest
  unsigned* counts;   // [queries]: how many asked for a place; beyond capacity they were turned away
  unsigned capacity;  // a power of two, at least 2 k
  unsigned k;

  __device__ Lists of(unsigned query) const {
    return {keys + query * capacity, bounds + query, counts + query, capacity, k};
  }
};

__device__ __forceinline__ Key key_of(float distance, unsigned row) {
  return Key(__float_as_uint(distance)) << 32 | row;
}

// Sort `size` keys, a power of two, ascending (bitonic; Batcher 1968). The whole block calls it.
__device__ void sort(Key* keys, unsigned size) {
  for (unsigned span = 2; span <= size; span <<= 1) {
    for (unsigned stride = span >> 1; stride > 0; stride >>= 1) {
      // Pairs less than 32 apart lie in 64 keys that one and the same warp wrote a step ago.
      if (stride >= 32 || span == 2) {
        __syncthreads();
      } else {
        __syncwarp();
      }
      for (unsigned pair = threadIdx.x; pair < size / 2; pair += blockDim.x) {
        const unsigned low = 2 * pair - (pair & (stride - 1));
        const Key first = keys[low], second = keys[low + stride];
        if ((first > second) == ((low & span) == 0)) {
          keys[low] = second;
          keys[low + stride] = first;
        }
      }
    }
  }
  __syncthreads();
}

// Empty the lists of `queries` queries. The caller puts a barrier behind it.
__device__ void clear(const Lists& lists, unsigned queries) {
  if (threadIdx.x < queries) {
    lists.bounds[threadIdx.x] = NOTHING;
    lists.counts[threadIdx.x] = 0;
  }
}

// Cut the full list of one query to its k smallest keys. The whole block calls it.
__device__ void cut(const Lists& list) {
  sort(list.keys, list.capacity);
  if (threadIdx.x == 0) {
    *list.bounds = list.keys[list.k - 1];
    *list.counts = list.k;
  }
  __syncthreads();
}

// Sort what the list of one query holds; return how many keys that is. The whole block calls it.
__device__ unsigned finish(const Lists& list) {
  const unsigned count = *list.counts;
  unsigned size = 2;
  while (size < count) size <<= 1;
  for (unsigned i = count + threadIdx.x; i < size; i += blockDim.x) list.keys[i] = NOTHING;
  sort(list.keys, size);
  return count;
}

// Ask for places in a list on behalf of the lanes that want one, by one atomic for the warp; say whether this lane
// still waits.
__device__ __forceinline__ bool push(const Lists& list, Key key, bool wants) {
  const unsigned wanting = __ballot_sync(EVERY_LANE, wants);
  if (wanting == 0) return false;
  const unsigned lane = threadIdx.x & 31, leader = __ffs(wanting) - 1;
  unsigned place = 0;
  if (lane == leader) place = atomicAdd(list.counts, __popc(wanting));
  place = __shfl_sync(EVERY_LANE, place, leader) + __popc(wanting & ((1u << lane) - 1));
  if (!wants || place >= list.capacity) return wants;
  list.keys[place] = key;
  return false;
}

// Offer COUNT keys a thread and query to the lists; say whether any of the block's beat its bound. The whole block
// calls it. Lists that fill up are cut and the keys still waiting are held against the new bound, so a list need not
// have room for all.
template <int COUNT, int QUERIES>
__device__ __forceinline__ bool offer(const Lists& lists, const Key (&keys)[COUNT][QUERIES]) {
  bool waits[COUNT][QUERIES];
  bool any = false, waiting = false;
#pragma unroll
  for (int i = 0; i < COUNT; ++i) {
#pragma unroll
    for (int q = 0; q < QUERIES; ++q) waiting |= waits[i][q] = keys[i][q] < lists.bounds[q];
  }
  while (__syncthreads_or(waiting)) {
    any = true;
#pragma unroll
    for (int i = 0; i < COUNT; ++i) {
#pragma unroll
      for (int q = 0; q < QUERIES; ++q) waits[i][q] = push(lists.of(q), keys[i][q], waits[i][q]);
    }
    __syncthreads();
    for (int q = 0; q < QUERIES; ++q) {
      if (lists.counts[q] >= lists.capacity) cut(lists.of(q));
    }
    waiting = false;
#pragma unroll
    for (int i = 0; i < COUNT; ++i) {
#pragma unroll
      for (int q = 0; q < QUERIES; ++q) waiting |= waits[i][q] &= keys[i][q] < lists.bounds[q];
    }
  }
  return any;
}
