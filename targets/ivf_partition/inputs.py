"""The inputs of `ivf-partition`: generated, seeded, in the units of embeddings (norm near 1).

Beside what centroids look like stands what breaks the shortcuts of a search: a common offset (``q^2 + c^2 - 2qc``
cancels), copies, distances that no copy of eight bits a component can tell apart, components that spoil its scale.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

METRICS = ("l2", "dot")

CENTROIDS = {"small": (64, 256, 1_024), "standard": (256, 4_096, 65_536), "large": (4_096, 65_536, 262_144)}
TIMED = ("gaussian", "clustered", "near-duplicates")
FORMS = (
    (0, 128, 20, "l2"),
    (0, 768, 20, "l2"),
    (1, 128, 1, "l2"),
    (1, 128, 20, "l2"),
    (1, 768, 20, "l2"),
    (2, 128, 20, "l2"),
    (2, 768, 1, "l2"),
    (2, 768, 20, "l2"),
    (1, 128, 20, "dot"),
    (2, 768, 20, "dot"),
)
"""What is timed: which of the scale's numbers of centroids, dim, nprobe, metric."""

_CLUSTERS = 32
_COPIES = 16
_STREAM = "ivf-partition"


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, odd sizes, ties, nprobe = C, and inputs made to break filters.

    C = 8193 crosses the size from which the helpers in `lar.ops` change their algorithm; 1, 3, 20 and 100 components
    fill no vector.
    """
    alike = ("near-duplicates", "duplicates", "identical", "narrow")
    either = ("gaussian", "clustered", *alike, "offset", "descending", "zero-vectors", "wide-norms", "spikes")
    cases = [case_of(d, (2_048, 128), 3, 20, metric, seed) for metric in METRICS for d in either]
    cases += [case_of("nearly-zero", (2_048, 128), 3, 20, "l2", seed)]
    cases += [case_of(d, (1_000, 768), 3, 20, "l2", seed) for d in ("gaussian", "offset", "narrow", "near-duplicates")]
    cases += [case_of(d, (1_000, 768), 3, 20, "dot", seed) for d in ("gaussian", "offset")]
    cases += [case_of(d, (1_025, 128), 1, 1, "l2", seed) for d in ("gaussian", "descending")]
    cases += [case_of("clustered", (65, 768), 2, 1, "l2", seed)]
    cases += [case_of("gaussian", (C, 128), 3, 20, "l2", seed) for C in (1, 19, 257, 4_097)]
    cases += [case_of("gaussian", (1, 3), 2, 1, metric, seed) for metric in METRICS]
    cases += [case_of("clustered", (8_193, 20), 3, 20, metric, seed) for metric in METRICS]
    cases += [case_of("offset", (1_000, dim), 2, 20, "l2", seed) for dim in (3, 100)]
    cases += [case_of("duplicates", (1_000, 1), 2, 20, "l2", seed)]
    cases += [case_of(d, (257, 33), 1, 257, m, seed) for d, m in (("gaussian", "l2"), ("duplicates", "dot"))]
    cases += [case_of("clustered", (2_049, 64), 32, 100, metric, seed) for metric in METRICS]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: the forms x three distributions x each number of queries a call."""
    return tuple(
        case_of(distribution, (CENTROIDS[scale][which], dim), count, k, metric, seed)
        for which, dim, k, metric in FORMS
        for distribution in TIMED
        for count in nq
    )


def case_of(distribution: str, shape: tuple[int, int], nq: int, k: int, metric: str, seed: int) -> Case:
    """Describe a case by its distribution, (C, dim), queries a call, nprobe and metric."""
    C, dim = shape
    group = f"{distribution}/{C}x{dim}"
    sizes = {"dim": dim, "C": C, "nq": nq, "k": k}
    settings = {"k": k, "metric": metric}
    return Case(f"{group}/{metric}/k{k}/q{nq}", distribution, sizes, seed, settings, nq, f"{group}/s{seed}")


def data(case: Case) -> Data:
    """Build the data set of a case: ``centroids`` float32 (C, dim)."""
    C, dim = case.shape["C"], case.shape["dim"]
    own = sampling.key(case.seed, _STREAM, case.distribution, C, dim)
    key = sampling.key(own, "centroids")
    if case.distribution in {"near-duplicates", "duplicates", "identical"}:
        different = 1 if case.distribution == "identical" else -(-C // _COPIES)
        which = sampling.integers(sampling.key(own, "copies"), (C,), different)
        rows = _gaussian(key, different, dim)[which]
        if case.distribution == "near-duplicates":
            rows = rows + np.float32(1e-3) * _gaussian(sampling.key(own, "apart"), C, dim)
    elif case.distribution == "narrow":
        # Two places, and next to each of them centroids a few units in the last place apart: eight bits a component
        # cannot tell these from each other, whatever is taken off beforehand.
        side = np.where(np.arange(C) % 2, 1.0, -1.0)[:, None]
        rows = side * _axis(case) + 1e-7 * np.sign(_gaussian(key, C, dim))
    else:
        rows = _drawn(case, key, C)
    if case.distribution == "descending":
        # Farthest from where the queries are, and least in their direction, first: every row beats all before it.
        side = np.linspace(-1.0, 1.0, C)[:, None]
        rows = 0.2 * rows + side * _axis(case)
    elif case.distribution == "zero-vectors":
        rows[::5] = 0
    return {"centroids": np.ascontiguousarray(rows, np.float32)}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each float32 (nq, dim): like the centroids, or near one where these repeat."""
    nq, dim, total = case.shape["nq"], case.shape["dim"], count * case.shape["nq"]
    key = sampling.key(seed, _STREAM, case.distribution, "queries", dim, nq)
    match case.distribution:
        case "near-duplicates" | "duplicates" | "identical":
            place = sampling.integers(sampling.key(key, "places"), (total,), len(data["centroids"]))
            rows = data["centroids"][place] + np.float32(0.3) * _gaussian(key, total, dim)
        case "narrow":
            axis = _axis(case)
            rows = _gaussian(key, total, dim).astype(np.float64)
            rows = rows - (rows @ axis / (axis @ axis))[:, None] * axis  # as far from one place as from the other
        case "descending":
            rows = _axis(case) + np.float32(1e-3) * _gaussian(key, total, dim)
        case "zero-vectors":
            rows = _gaussian(key, total, dim)
            rows.reshape(count, nq, dim)[:, np.arange(nq) % 3 != 1] = 0
        case _:
            rows = _drawn(case, key, total)
    return list(np.ascontiguousarray(rows, np.float32).reshape(count, nq, dim))


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same centroids in a secret order."""
    order = sampling.permutation(sampling.key(seed, _STREAM, "disguise"), case.shape["C"])
    return {"centroids": np.ascontiguousarray(data["centroids"][order])}


def _drawn(case: Case, key: int, count: int) -> HostArray:
    """Draw vectors (count, dim) that are independent but for what the case shares."""
    dim = case.shape["dim"]
    rows = _gaussian(key, count, dim)
    match case.distribution:
        case "clustered":
            centres = _gaussian(sampling.key(case.seed, _STREAM, "centres", dim), _CLUSTERS, dim)
            which = sampling.integers(sampling.key(key, "cluster"), (count,), _CLUSTERS)
            rows = centres[which] + np.float32(0.5) * rows
        case "offset":
            rows = np.float32(10) + rows
        case "nearly-zero":
            kept = sampling.uniform(sampling.key(key, "kept"), (count, 1)) < 0.02
            rows = np.where(kept, rows * np.float32(1e-3), np.float32(0))
        case "wide-norms":
            rows = rows * np.float32(2) ** -(np.arange(count, dtype=np.float32)[:, None] % 8)
        case "spikes":
            # One component of each is larger than all others together: a scale that fits it leaves them no bits.
            rows = rows * np.float32(1e-2)
            rows[np.arange(count), sampling.integers(sampling.key(key, "spike"), (count,), dim)] += np.float32(1)
    return rows


def _gaussian(key: int, count: int, dim: int) -> HostArray:
    """Draw float32 (count, dim) of norm about 1, some rows at a time: the draws are of float64."""
    out = np.empty((count, dim), np.float32)
    step = max(1, (1 << 22) // dim)
    for block, first in enumerate(range(0, count, step)):
        rows = min(step, count - first)
        out[first : first + rows] = sampling.normal(sampling.key(key, block), (rows, dim)) / np.sqrt(dim)
    return out


def _axis(case: Case) -> HostArray:
    """Return float64 (dim,): the direction along which ``narrow`` and ``descending`` lie."""
    dim = case.shape["dim"]
    axis: HostArray = sampling.normal(sampling.key(case.seed, _STREAM, "axis", dim), (dim,)) / np.sqrt(dim)
    return axis
