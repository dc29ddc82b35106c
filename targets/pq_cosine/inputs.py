"""The inputs of `pq-cosine`: those of `lar.pq`, the same to the bit on every machine, and what breaks its shortcuts.

A cosine knows nothing but directions: norms that differ widely must not matter, rows and queries without a direction
are at distance 1, and where query and rows share no sign every distance is above it.
"""

from dataclasses import replace

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query
from lar.pq import inputs
from lar.pq.inputs import SHAPES, case_of

STREAM = "pq-cosine"


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, odd sizes, ties, k = N, and inputs made to break filters.

    N = 8193 crosses the size from which the helpers in `lar.ops` change their algorithm.
    """
    small, medium, large = SHAPES
    vectors = ("gaussian", "uniform", "sparse", "offset", "nearly-zero", "clustered", "wide-norms", "negative")
    cases = [case_of(d, small, 4_096, 3, 10, seed) for d in vectors]
    cases += [case_of(d, medium, 4_096, 3, 10, seed) for d in ("gaussian", "offset")]
    cases += [case_of(d, large, 4_096, 3, 10, seed) for d in ("gaussian", "sparse", "wide-norms")]
    cases += [case_of(d, small, 4_096, 3, 10, seed) for d in ("narrow", "descending", "scaled")]
    cases += [case_of("identical", small, 4_096, 32, 10, seed)]
    cases += [case_of(d, small, 4_096, 3, 10, seed) for d in ("zero-rows", "zero-queries")]
    cases += [case_of("gaussian", small, n, 3, 10, seed) for n in (1, 9, 1_000, 4_097, 8_193)]
    cases += [case_of("duplicates", small, 1_000, 3, 10, seed)]
    cases += [case_of(d, (20, 4, 256), 1_000, 3, 10, seed) for d in ("gaussian", "nearly-zero", "negative")]
    cases += [case_of(d, (12, 3, 16), 257, 1, 257, seed) for d in ("gaussian", "duplicates", "zero-rows")]
    cases += [case_of("clustered", small, 4_096, 32, 100, seed)]
    return tuple(cases)


workloads = inputs.workloads


def data(case: Case) -> Data:
    """Build the data set of a case: ``codebook`` float32 (m, K, dim/m) and ``codes`` uint8 (N, m)."""
    codebook = inputs.codebook(STREAM, case)
    m, K, width = codebook.shape
    if case.distribution == "zero-rows":
        codebook[:, 0] = 0
    elif case.distribution == "scaled":
        # The upper half of the centroids are the lower half, times 1/8: with codes of one half, rows are equal but for
        # a power of two in their norms, and so are distances to the last bit.
        codebook[:, K // 2 :] = codebook[:, : K // 2] / 8
    codes = inputs.codes(STREAM, case, codebook)
    if case.distribution == "zero-rows":
        codes[::5] = 0
    elif case.distribution == "scaled":
        codes %= K // 2
        codes[1::2] = codes[: len(codes) // 2 * 2 : 2] + np.uint8(K // 2)
    elif case.distribution == "descending":
        # Farthest from the direction of the queries first: every row is better than all before it.
        decoded = codebook.astype(np.float64)
        products = np.sum(decoded * _direction(case).reshape(m, 1, width), axis=2)
        norms = np.sqrt(inputs.sums(np.sum(decoded**2, axis=2), codes))
        codes = np.ascontiguousarray(codes[np.argsort(inputs.sums(products, codes) / norms, kind="stable")])
    return {"codebook": codebook, "codes": codes}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each float32 (nq, dim), from the distribution of the data set's vectors.

    ``negative`` ones have the other sign; of ``zero-queries``, all but every third are zeros, and of ``nearly-zero``
    none.
    """
    del data
    if case.distribution == "nearly-zero":
        return list(inputs.queries(STREAM, replace(case, distribution="gaussian"), seed, count))
    rows = inputs.queries(STREAM, case, seed, count)
    if case.distribution == "descending":
        rows = (_direction(case) + 1e-3 * rows).astype(np.float32)
    elif case.distribution == "negative":
        rows = -rows
    elif case.distribution == "zero-queries":
        rows[:, np.arange(rows.shape[1]) % 3 != 1] = 0
    return list(rows)


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order."""
    return inputs.disguise(STREAM, case, data, seed)


def _direction(case: Case) -> HostArray:
    """Return float64 (dim,): where the queries of ``descending`` point to."""
    dim = case.shape["dim"]
    direction: HostArray = sampling.normal(sampling.key(case.seed, STREAM, "direction", dim), (dim,)) / np.sqrt(dim)
    return direction
