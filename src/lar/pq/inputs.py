"""Generated vectors, codebooks, rows and queries: seeded, in the units of embeddings (norm 1).

Vectors are drawn from a named distribution, codebooks are trained on some of them (`lar.pq.training`) and rows are
encoded by their nearest centroids. Every draw belongs to a *stream*, the name of the target, so that two targets'
data sets of one seed are unrelated.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray
from lar.pq import training

SHAPES = ((128, 16, 256), (256, 16, 256), (768, 96, 256))
"""The timed (dim, m, K)."""

ROWS = {"small": 4_096, "standard": 20_000, "large": 1_000_000}
TIMED = ("clustered", "uniform", "sparse")
_TRAINING_ROWS = 2_048
_ENCODED_ROWS = 32_768  # data sets beyond it recombine encoded rows: encoding 1M x 768 would take half a minute


def case_of(distribution: str, shape: tuple[int, int, int], N: int, nq: int, k: int, seed: int) -> Case:
    """Describe a case by its distribution, (dim, m, K), rows, queries a call and results a query."""
    dim, m, K = shape
    group = f"{distribution}/{dim}x{m}x{K}/n{N}"
    sizes = {"dim": dim, "m": m, "K": K, "N": N, "nq": nq, "k": k}
    return Case(f"{group}/k{k}/q{nq}", distribution, sizes, seed, {"k": k}, nq, f"{group}/s{seed}")


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three shapes x three distributions x each number of queries a call; k = 10."""
    return tuple(
        case_of(distribution, shape, ROWS[scale], count, 10, seed)
        for shape in SHAPES
        for distribution in TIMED
        for count in nq
    )


def own_key(stream: str, case: Case) -> int:
    """Return the key from which everything of a case's data set is drawn."""
    s = case.shape
    return sampling.key(case.seed, stream, case.distribution, s["dim"], s["m"], s["K"])


def vectors(stream: str, case: Case, key: int, count: int) -> HostArray:
    """Draw vectors from the case's distribution.

    Parameters
    ----------
    stream : str
        Whose data it is.
    case : Case
        Gives distribution, dimension and, for the centres of ``clustered``, the seed. A distribution that is not named
        here is ``gaussian``: what is special about it is done to codebook or codes.
    key : int
        Of `lar.sampling`.
    count : int
        How many.

    Returns
    -------
    array
        float32 (count, dim); the cluster of vector i is i modulo the number of clusters.
    """
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
            seeded = sampling.key(case.seed, stream, "centres", dim)
            centres = sampling.normal(seeded, (training.CLUSTERS, dim))
            draw = centres[np.arange(count) % training.CLUSTERS] / np.sqrt(dim) + 0.5 * draw
        case "wide-norms":
            # Each cluster has a norm of its own, or centroids, which serve all rows, would make norms alike.
            draw = draw * 2.0 ** -(np.arange(count)[:, None] % 8)
        case "negative":
            draw = np.abs(draw)  # all components of one sign: a target that turns its queries round has no other
        case _:
            pass
    out: HostArray = draw.astype(np.float32)
    return out


def codebook(stream: str, case: Case) -> HostArray:
    """Train the codebook of a case: float32 (m, K, dim/m)."""
    m, K = case.shape["m"], case.shape["K"]
    own = own_key(stream, case)
    drawn = vectors(stream, case, sampling.key(own, "training"), max(_TRAINING_ROWS, K))
    trained = training.train(drawn, m, K, sampling.key(own, "start"))
    if case.distribution == "narrow":
        # Centroids a few units in the last place apart: every distance falls into one step of any quantised table.
        trained = np.float32(0.25) + np.float32(1e-7) * np.sign(trained)
    return np.ascontiguousarray(trained)


def codes(stream: str, case: Case, codebook: HostArray) -> HostArray:
    """Encode the rows of a case: uint8 (N, m)."""
    N, own = case.shape["N"], own_key(stream, case)
    drawn = vectors(stream, case, sampling.key(own, "rows"), min(N, _ENCODED_ROWS))
    rows = training.recombine(training.encode(drawn, codebook), N, sampling.key(own, "recombine"))
    if case.distribution == "duplicates":
        rows = rows[sampling.integers(sampling.key(own, "copies"), (N,), min(7, N))]
    elif case.distribution == "identical":
        rows = np.repeat(rows[:1], N, axis=0)
    return np.ascontiguousarray(rows)


def sums(table: HostArray, codes: HostArray) -> HostArray:
    """Return float64 (N,): what a table (m, K) says of each row, added up sub-space by sub-space."""
    total = np.zeros(len(codes))
    for j in range(codes.shape[1]):
        total += table[j, codes[:, j]]
    return total


def queries(stream: str, case: Case, seed: int, count: int) -> HostArray:
    """Draw `count` calls' queries from the distribution of the rows: float32 (count, nq, dim)."""
    dim, nq = case.shape["dim"], case.shape["nq"]
    key = sampling.key(seed, stream, case.distribution, "queries", dim, nq)
    return vectors(stream, case, key, count * nq).reshape(count, nq, dim)


def disguise(stream: str, case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order."""
    order = sampling.permutation(sampling.key(seed, stream, "disguise"), case.shape["N"])
    return {"codebook": data["codebook"], "codes": np.ascontiguousarray(data["codes"][order])}
