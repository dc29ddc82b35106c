"""The inputs of `pq-l2`: those of `lar.pq`, the same to the bit on every machine, and what breaks shortcuts of L2."""

import numpy as np

from lar.contracts import Case, Data, Query
from lar.pq import inputs
from lar.pq.inputs import SHAPES, case_of

STREAM = "pq-l2"


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, odd sizes, ties, k = N, and inputs made to break filters.

    N = 8193 crosses the size from which the helpers in `lar.ops` change their algorithm.
    """
    small, medium, large = SHAPES
    vectors = ("gaussian", "uniform", "sparse", "offset", "nearly-zero", "clustered")
    cases = [case_of(d, small, 4_096, 3, 10, seed) for d in vectors]
    cases += [case_of(d, medium, 4_096, 3, 10, seed) for d in ("gaussian", "offset")]
    cases += [case_of(d, large, 4_096, 3, 10, seed) for d in ("gaussian", "sparse", "offset")]
    cases += [case_of(d, small, 4_096, 3, 10, seed) for d in ("narrow", "descending", "identical")]
    cases += [case_of("gaussian", small, n, 3, 10, seed) for n in (1, 9, 1_000, 4_097, 8_193)]
    cases += [case_of("duplicates", small, 1_000, 3, 10, seed)]
    cases += [case_of(d, (20, 4, 256), 1_000, 3, 10, seed) for d in ("gaussian", "nearly-zero")]
    cases += [case_of(d, (12, 3, 16), 257, 1, 257, seed) for d in ("gaussian", "duplicates")]
    cases += [case_of("clustered", small, 4_096, 32, 100, seed)]
    return tuple(cases)


workloads = inputs.workloads


def data(case: Case) -> Data:
    """Build the data set of a case: ``codebook`` float32 (m, K, dim/m) and ``codes`` uint8 (N, m)."""
    codebook = inputs.codebook(STREAM, case)
    codes = inputs.codes(STREAM, case, codebook)
    if case.distribution == "descending":
        # Farthest from the origin first, where the queries are: every row is better than all before it.
        squares = np.sum(codebook.astype(np.float64) ** 2, axis=2)
        codes = np.ascontiguousarray(codes[np.argsort(-inputs.sums(squares, codes), kind="stable")])
    return {"codebook": codebook, "codes": codes}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each float32 (nq, dim), from the distribution of the data set's vectors."""
    del data
    rows = inputs.queries(STREAM, case, seed, count)
    if case.distribution == "descending":
        rows = rows * np.float32(1e-3)
    return list(rows)


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order."""
    return inputs.disguise(STREAM, case, data, seed)
