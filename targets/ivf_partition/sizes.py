"""What the sizes of a case say: bytes, cases of a user's own arrays, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar.contracts import Case, Data, Growth, Query

from .inputs import case_of

_CENTROIDS, _DIM = 16_384, 128
_DIMENSIONS = (32, 64, 128, 256, 512, 1_024)
_QUERIES = (1, 2, 4, 8, 16, 32, 64)


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set."""
    return 4 * case.shape["C"] * case.shape["dim"]


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own arrays."""
    (C, dim), nq, k = data["centroids"].shape, len(query), int(statics["k"])
    settings = {"k": k, "metric": str(statics["metric"])}
    sizes = {"dim": dim, "C": C, "nq": nq, "k": k}
    return Case(name, "recorded", sizes, 0, settings, nq, f"recorded/{C}x{dim}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along centroids, components and queries a call, each from a shape in the middle."""
    many = [C for C in (256 * 4**i for i in range(8)) if most >= 4 * C * _DIM]
    wide = [dim for dim in _DIMENSIONS if 4 * _CENTROIDS * dim <= most]
    return {
        "C": Growth(tuple(case_of("gaussian", (C, _DIM), 1, 20, "l2", seed) for C in many)),
        "dim": Growth(tuple(case_of("gaussian", (_CENTROIDS, dim), 1, 20, "l2", seed) for dim in wide)),
        "nq": Growth(tuple(case_of("gaussian", (_CENTROIDS, _DIM), nq, 20, "l2", seed) for nq in _QUERIES)),
    }
