// `pq-l2` for CUDA: tables, sums, selection. `cupy.cuh` holds the lists; `cupy.py` says what is launched, and how wide.
//
// It must return the exact k nearest rows, whatever their order, without writing N distances when k is small.
// - `tables_*` adds up the squared differences of each query to every centroid. QUERIES tables are interleaved, so that
//   one load of 4, 8 or 16 bytes from shared memory gives the entries of QUERIES queries for one code.
// - `select_*` gives each block some rows and the tables of QUERIES queries. It adds up ROWS rows a thread and offers
//   the sums to the block's lists. The block that finishes last merges the lists of all of them: one call is two
//   launches, and the host never waits.
// - `all_distances` writes all distances, for a k too large for a list.
//
// Shapes: codes [planes][stride] words of CODES codes, the stride a multiple of 4 rows; codebook [m][width][CENTROIDS];
// query [nq][m * width]; tables [groups][planes * CODES][CENTROIDS][QUERIES], a group being QUERIES queries; candidates
// [nq][k][blocks]; tickets [groups]; distances and ids [nq][k], but [nq][n] in `all_distances`.
// Grids: (groups, planes * CODES) blocks of CENTROIDS threads for `tables_*`, (groups, blocks) for the others.

constexpr unsigned CENTROIDS = 256;  // entries of a table; a smaller codebook is padded
constexpr unsigned CODES = 4;        // codes in a word

template <int N> struct alignas(4 * N) Floats {
  float at[N];
};

template <int N> struct alignas(4 * N) Words {
  unsigned at[N];
};

// Add the table entries of `planes` words of codes to the sums of ROWS neighbouring rows.
template <int QUERIES, int ROWS>
__device__ __forceinline__ void add_up(float (&sums)[ROWS][QUERIES], const Floats<QUERIES>* table,
                                       const unsigned* __restrict__ codes, size_t stride, unsigned planes) {
#pragma unroll 4
  for (unsigned plane = 0; plane < planes; ++plane) {
    const Words<ROWS> words = *reinterpret_cast<const Words<ROWS>*>(codes + plane * stride);
#pragma unroll
    for (unsigned code = 0; code < CODES; ++code) {
#pragma unroll
      for (int r = 0; r < ROWS; ++r) {
        const unsigned centroid = (words.at[r] >> (8 * code)) & 255u;
        const Floats<QUERIES> entries = table[(plane * CODES + code) * CENTROIDS + centroid];
#pragma unroll
        for (int q = 0; q < QUERIES; ++q) sums[r][q] += entries.at[q];
      }
    }
  }
}

// Sum up the distances of ROWS rows from `row` on, to QUERIES queries. The whole block calls it. Where the tables do
// not fit in shared memory at once, they pass through it `slice` planes at a time, once for every tile of rows.
template <int QUERIES, int ROWS>
__device__ __forceinline__ void measure(float (&sums)[ROWS][QUERIES], Floats<QUERIES>* table,
                                        const float* __restrict__ tables, const unsigned* __restrict__ codes,
                                        size_t stride, unsigned planes, unsigned slice, bool reuse, unsigned row,
                                        unsigned end) {
  typedef Floats<4> Chunk;
  constexpr unsigned PLANE = CODES * CENTROIDS * QUERIES / 4;  // chunks of 16 bytes
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
#pragma unroll
    for (int q = 0; q < QUERIES; ++q) sums[r][q] = 0.0f;
  }
  for (unsigned first = 0; first < planes; first += slice) {
    const unsigned count = min(slice, planes - first);
    if (!reuse || slice < planes) {
      __syncthreads();  // others may still read the slice before
      const Chunk* from = reinterpret_cast<const Chunk*>(tables) + (size_t(blockIdx.x) * planes + first) * PLANE;
      Chunk* to = reinterpret_cast<Chunk*>(table);
      for (unsigned i = threadIdx.x; i < count * PLANE; i += blockDim.x) to[i] = from[i];
      __syncthreads();
    }
    if (row < end) add_up<QUERIES, ROWS>(sums, table, codes + first * stride + row, stride, count);
  }
}

template <int QUERIES>
__device__ __forceinline__ void tables(const float* __restrict__ codebook, const float* __restrict__ query,
                                       float* __restrict__ out, unsigned* __restrict__ tickets, unsigned nq, unsigned m,
                                       unsigned width) {
  const unsigned group = blockIdx.x, j = blockIdx.y, centroid = threadIdx.x;
  float sums[QUERIES] = {};
  if (j < m) {  // the last word's codes without a sub-space add zero
    const float* column = codebook + size_t(j) * width * CENTROIDS + centroid;
    for (unsigned d = 0; d < width; ++d) {
      const float value = column[size_t(d) * CENTROIDS];
#pragma unroll
      for (int q = 0; q < QUERIES; ++q) {
        const size_t whose = min(group * QUERIES + q, nq - 1);  // a group that nq does not fill repeats the last query
        const float difference = query[(whose * m + j) * width + d] - value;
        sums[q] = fmaf(difference, difference, sums[q]);
      }
    }
  }
  Floats<QUERIES> entries;
#pragma unroll
  for (int q = 0; q < QUERIES; ++q) entries.at[q] = sums[q];
  reinterpret_cast<Floats<QUERIES>*>(out)[(size_t(group) * gridDim.y + j) * CENTROIDS + centroid] = entries;
  if (j == 0 && centroid == 0) tickets[group] = 0;
}

// Write the first k of a sorted list of `count` keys as one query's result.
__device__ void write(const Key* keys, unsigned count, unsigned k, float* distances, unsigned* ids) {
  for (unsigned i = threadIdx.x; i < k; i += blockDim.x) {
    const Key key = i < count ? keys[i] : NOTHING;
    distances[i] = __uint_as_float(key == NOTHING ? 0x7f800000u : unsigned(key >> 32));
    ids[i] = unsigned(key);
  }
}

template <int QUERIES, int ROWS>
__device__ __forceinline__ void select(const unsigned* __restrict__ codes, const float* __restrict__ tables,
                                       Key* candidates, unsigned* tickets, float* __restrict__ distances,
                                       unsigned* __restrict__ ids, unsigned n, unsigned stride, unsigned planes,
                                       unsigned slice, unsigned rows_per_block, unsigned nq, unsigned k,
                                       unsigned capacity) {
  extern __shared__ __align__(16) unsigned char shared[];
  Floats<QUERIES>* table = reinterpret_cast<Floats<QUERIES>*>(shared);
  Key* keys = reinterpret_cast<Key*>(table + slice * CODES * CENTROIDS);
  Key* bounds = keys + QUERIES * capacity;
  unsigned* counts = reinterpret_cast<unsigned*>(bounds + QUERIES);
  const Lists lists = {keys, bounds, counts, capacity, k};
  const unsigned group = blockIdx.x, block = blockIdx.y, blocks = gridDim.y;

  clear(lists, QUERIES);
  const unsigned begin = block * rows_per_block, end = begin + min(rows_per_block, n - begin);
  for (unsigned base = begin; base < end; base += blockDim.x * ROWS) {
    const unsigned row = base + threadIdx.x * ROWS;
    float sums[ROWS][QUERIES];
    measure<QUERIES, ROWS>(sums, table, tables, codes, stride, planes, slice, base > begin, row, end);
    Key offered[ROWS][QUERIES];
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
#pragma unroll
      for (int q = 0; q < QUERIES; ++q) offered[r][q] = row + r < end ? key_of(sums[r][q], row + r) : NOTHING;
    }
    offer<ROWS, QUERIES>(lists, offered);
  }

  // Candidates lie by rank, then by block, so that the merge meets the best of all blocks first.
  const unsigned queries = min(unsigned(QUERIES), nq - group * QUERIES);
  for (unsigned q = 0; q < queries; ++q) {
    const size_t whose = group * QUERIES + q;
    const unsigned count = finish(lists.of(q));
    const Key* sorted = lists.of(q).keys;
    if (blocks == 1) {
      write(sorted, count, k, distances + whose * k, ids + whose * k);
      continue;
    }
    for (unsigned i = threadIdx.x; i < k; i += blockDim.x) {
      candidates[(whose * k + i) * blocks + block] = i < count ? sorted[i] : NOTHING;
    }
  }
  if (blocks == 1) return;

  // The block that takes the last ticket sees the candidates of all: a barrier, a fence and the ticket on either side.
  __syncthreads();
  bool last = false;
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(tickets + group, 1u) == blocks - 1;
    __threadfence();
  }
  if (!__syncthreads_or(last)) return;
  for (unsigned q = 0; q < queries; ++q) {
    const size_t whose = group * QUERIES + q;
    const Lists list = lists.of(q);
    clear(list, 1);
    __syncthreads();
    for (unsigned base = 0; base < k * blocks; base += blockDim.x) {
      const unsigned i = base + threadIdx.x;
      const Key offered[1][1] = {{i < k * blocks ? candidates[whose * k * blocks + i] : NOTHING}};
      // A block's later ranks are no better than its earlier ones: once each has had one in vain, none is left.
      if (!offer<1, 1>(list, offered) && blockDim.x >= blocks) break;
    }
    write(list.keys, finish(list), k, distances + whose * k, ids + whose * k);
  }
}

#define TABLES(QUERIES)                                                                                              \
  extern "C" __global__ void __launch_bounds__(256)                                                                  \
      tables_##QUERIES(const float* __restrict__ codebook, const float* __restrict__ query, float* __restrict__ out, \
                       unsigned* __restrict__ tickets, unsigned nq, unsigned m, unsigned width) {                    \
    tables<QUERIES>(codebook, query, out, tickets, nq, m, width);                                                    \
  }

// Two blocks share a multiprocessor while 64 registers a thread are enough.
#define SELECT(QUERIES, ROWS)                                                                                   \
  extern "C" __global__ void __launch_bounds__(512, (QUERIES * ROWS > 4) ? 1 : 2) select_##QUERIES##x##ROWS(    \
      const unsigned* __restrict__ codes, const float* __restrict__ tables, Key* candidates, unsigned* tickets, \
      float* __restrict__ distances, unsigned* __restrict__ ids, unsigned n, unsigned stride, unsigned planes,  \
      unsigned slice, unsigned rows_per_block, unsigned nq, unsigned k, unsigned capacity) {                    \
    select<QUERIES, ROWS>(codes, tables, candidates, tickets, distances, ids, n, stride, planes, slice,         \
                          rows_per_block, nq, k, capacity);                                                     \
  }

TABLES(1)
TABLES(2)
TABLES(4)
SELECT(1, 1)
SELECT(1, 4)
SELECT(2, 4)
SELECT(4, 4)

extern "C" __global__ void __launch_bounds__(512, 2)
    all_distances(const unsigned* __restrict__ codes, const float* __restrict__ tables, float* __restrict__ distances,
                  unsigned n, unsigned stride, unsigned planes, unsigned slice, unsigned rows_per_block) {
  constexpr int ROWS = 4;
  extern __shared__ __align__(16) unsigned char shared[];
  Floats<1>* table = reinterpret_cast<Floats<1>*>(shared);
  const unsigned begin = blockIdx.y * rows_per_block, end = begin + min(rows_per_block, n - begin);
  for (unsigned base = begin; base < end; base += blockDim.x * ROWS) {
    const unsigned row = base + threadIdx.x * ROWS;
    float sums[ROWS][1];
    measure<1, ROWS>(sums, table, tables, codes, stride, planes, slice, base > begin, row, end);
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      if (row + r < end) distances[size_t(blockIdx.x) * n + row + r] = sums[r][0];
    }
  }
}
