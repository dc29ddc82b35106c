"""The inputs of `pq-l2`: generated, seeded, the same to the bit on every machine, in the units of embeddings (norm 1).

Vectors are drawn from a named distribution, codebooks are trained on some of them (random start, two Lloyd iterations)
and rows are encoded by their nearest centroids. Nothing here calls BLAS, whose rounding differs from one processor to
the next and would move codes between centroids.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

SHAPES = ((128, 16, 256), (256, 16, 256), (768, 96, 256))
ROWS = {"small": 4_096, "standard": 20_000, "large": 1_000_000}
_CLUSTERS = 32
_TRAINING_ROWS = 2_048
_ENCODED_ROWS = 32_768  # data sets beyond it recombine encoded rows: encoding 1M x 768 would take half a minute


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, odd sizes, ties, k = N, and inputs made to break filters.

    N = 8193 crosses the size from which the helpers in `lar.ops` change their algorithm.
    """
    small, medium, large = SHAPES
    vectors = ("gaussian", "uniform", "sparse", "offset", "nearly-zero", "clustered")
    cases = [_case(d, small, 4_096, 3, 10, seed) for d in vectors]
    cases += [_case(d, medium, 4_096, 3, 10, seed) for d in ("gaussian", "offset")]
    cases += [_case(d, large, 4_096, 3, 10, seed) for d in ("gaussian", "sparse", "offset")]
    cases += [_case(d, small, 4_096, 3, 10, seed) for d in ("narrow", "descending", "identical")]
    cases += [_case("gaussian", small, n, 3, 10, seed) for n in (1, 9, 1_000, 4_097, 8_193)]
    cases += [_case("duplicates", small, 1_000, 3, 10, seed)]
    cases += [_case(d, (20, 4, 256), 1_000, 3, 10, seed) for d in ("gaussian", "nearly-zero")]
    cases += [_case("gaussian", (12, 3, 16), 257, 1, 257, seed), _case("duplicates", (12, 3, 16), 257, 1, 257, seed)]
    cases += [_case("clustered", small, 4_096, 32, 100, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three shapes x three distributions x each number of queries a call; k = 10."""
    return tuple(
        _case(distribution, shape, ROWS[scale], count, 10, seed)
        for shape in SHAPES
        for distribution in ("clustered", "uniform", "sparse")
        for count in nq
    )


def data(case: Case) -> Data:
    """Build the data set of a case: ``codebook`` float32 (m, K, dim/m) and ``codes`` uint8 (N, m)."""
    s = case.shape
    N, m, K = s["N"], s["m"], s["K"]
    own = sampling.key(case.seed, "pq-l2", case.distribution, s["dim"], m, K)
    training = _vectors(case, sampling.key(own, "training"), max(_TRAINING_ROWS, K))
    codebook = _train(training, m, K, sampling.key(own, "start"))
    if case.distribution == "narrow":
        # Centroids a few units in the last place apart: every distance falls into one step of any quantised table.
        codebook = np.float32(0.25) + np.float32(1e-7) * np.sign(codebook)
    base = _encode(_vectors(case, sampling.key(own, "rows"), min(N, _ENCODED_ROWS)), codebook)
    codes = _recombine(base, N, sampling.key(own, "recombine"))
    if case.distribution == "duplicates":
        codes = codes[sampling.integers(sampling.key(own, "copies"), (N,), min(7, N))]
    elif case.distribution == "identical":
        codes = np.repeat(codes[:1], N, axis=0)
    elif case.distribution == "descending":
        # Farthest from the origin first, where the queries are: every row is better than all before it.
        squares = np.sum(codebook.astype(np.float64) ** 2, axis=2)
        norms = np.zeros(N)
        for j in range(m):
            norms += squares[j, codes[:, j]]
        codes = codes[np.argsort(-norms, kind="stable")]
    return {"codebook": np.ascontiguousarray(codebook), "codes": np.ascontiguousarray(codes)}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each float32 (nq, dim), from the distribution of the data set's vectors."""
    del data
    nq = case.shape["nq"]
    key = sampling.key(seed, "pq-l2", case.distribution, "queries", case.shape["dim"], nq)
    rows = _vectors(case, key, count * nq)
    if case.distribution == "descending":
        rows = rows * np.float32(1e-3)
    return list(rows.reshape(count, nq, -1))


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order."""
    order = sampling.permutation(sampling.key(seed, "pq-l2", "disguise"), case.shape["N"])
    return {"codebook": data["codebook"], "codes": np.ascontiguousarray(data["codes"][order])}


def _case(distribution: str, shape: tuple[int, int, int], N: int, nq: int, k: int, seed: int) -> Case:
    dim, m, K = shape
    group = f"{distribution}/{dim}x{m}x{K}/n{N}"
    sizes = {"dim": dim, "m": m, "K": K, "N": N, "nq": nq, "k": k}
    return Case(f"{group}/k{k}/q{nq}", distribution, sizes, seed, {"k": k}, nq, f"{group}/s{seed}")


def _vectors(case: Case, key: int, count: int) -> HostArray:
    """Draw float32 (count, dim); the cluster of row i is i modulo the number of clusters."""
    dim = case.shape["dim"]
    draw = sampling.normal(key, (count, dim)) / np.sqrt(dim)
    match case.distribution:
        case "uniform":
            draw = (2.0 * sampling.uniform(key, (count, dim)) - 1.0) * np.sqrt(3.0 / dim)
        case "sparse":
            kept = sampling.uniform(sampling.key(key, "kept"), (count, dim)) < 0.1
            draw = np.where(kept, draw * np.sqrt(10.0), 0.0)
        case "offset":
            draw = 10.0 + draw
        case "nearly-zero":
            kept = sampling.uniform(sampling.key(key, "kept"), (count, 1)) < 0.02
            draw = np.where(kept, draw * 1e-3, 0.0)
        case "clustered":
            centres = sampling.normal(sampling.key(case.seed, "pq-l2", "centres", dim), (_CLUSTERS, dim))
            draw = centres[np.arange(count) % _CLUSTERS] / np.sqrt(dim) + 0.5 * draw
        case _:
            pass
    out: HostArray = draw.astype(np.float32)
    return out


def _train(vectors: HostArray, m: int, K: int, key: int) -> HostArray:
    """Return float32 (m, K, dim/m): K distinct training rows a sub-space, moved by two Lloyd iterations."""
    count, dim = vectors.shape
    start = sampling.permutation(key, count)[:K]
    parts = vectors.reshape(count, m, dim // m)
    codebook = np.ascontiguousarray(parts[start].transpose(1, 0, 2))
    for _ in range(2):
        codes = _encode(vectors, codebook)
        for j in range(m):
            totals = np.zeros((K, dim // m))
            np.add.at(totals, codes[:, j], parts[:, j])
            members = np.bincount(codes[:, j], minlength=K)[:, None]
            codebook[j] = np.where(members > 0, totals / np.maximum(members, 1), codebook[j])
    return codebook


def _encode(vectors: HostArray, codebook: HostArray) -> HostArray:
    """Return uint8 (count, m): the nearest centroid of each sub-vector, the lowest of equals."""
    out: HostArray = _nearest_centroids(vectors, np.ascontiguousarray(codebook.transpose(0, 2, 1)))
    return out


@njit
def _nearest_centroids(vectors: HostArray, columns: HostArray) -> HostArray:
    count = vectors.shape[0]
    m, width, K = columns.shape
    out = np.empty((count, m), np.uint8)
    distance = np.empty(K, np.float32)
    for i in range(count):
        for j in range(m):
            distance[:] = 0.0
            for d in range(width):
                value, column = vectors[i, j * width + d], columns[j, d]
                for c in range(K):
                    difference = column[c] - value
                    distance[c] += difference * difference
            keys = distance.view(np.int32)  # squares are not negative, so their bits sort as they do
            best = keys[0]
            for c in range(K):
                best = min(best, keys[c])
            c = 0
            while keys[c] != best:
                c += 1
            out[i, j] = c
    return out


def _recombine(base: HostArray, N: int, key: int) -> HostArray:
    """Grow encoded rows to N: a further row copies one and takes 30 % of its codes from another of its cluster."""
    rows, m = base.shape
    if rows >= N:
        return base
    extra = N - rows
    first = np.arange(extra) % rows
    hop = _CLUSTERS * (
        1 + sampling.integers(sampling.key(key, "hop"), (extra,), rows // _CLUSTERS - 1).astype(np.int64)
    )
    second = (first + hop) % rows
    swap = (sampling.words(sampling.key(key, "swap"), extra * m).reshape(extra, m) >> np.uint64(56)) < np.uint64(77)
    return np.concatenate([base, np.where(swap, base[second], base[first])])
