"""What the sizes of product-quantised data say: bytes, cases of a user's own arrays, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar.contracts import Case, Data, Growth, Query
from lar.forms import whole
from lar.pq.inputs import SHAPES, case_of

_ROWS = 65_536
_SUBSPACES = (4, 8, 16, 32, 64, 128)
_QUERIES = (1, 2, 4, 8, 16, 32, 64)


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set."""
    s = case.shape
    return s["N"] * s["m"] + 4 * s["K"] * s["dim"]


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own arrays."""
    (m, K, width), N, nq = data["codebook"].shape, len(data["codes"]), len(query)
    sizes = {"dim": m * width, "m": m, "K": K, "N": N, "nq": nq, "k": whole(name, statics, "k")}
    return Case(name, "recorded", sizes, 0, {"k": sizes["k"]}, nq, f"recorded/{m * width}x{m}x{K}/n{N}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along rows, components and queries a call, each from a shape in the middle."""
    shape = SHAPES[0]
    rows = [n for n in (1_024 * 4**i for i in range(9)) if n * shape[1] <= most]
    wide = [(16 * m, m, 256) for m in _SUBSPACES]
    return {
        "N": Growth(tuple(case_of("uniform", shape, n, 1, 10, seed) for n in rows)),
        "dim": Growth(tuple(case_of("uniform", one, _ROWS, 1, 10, seed) for one in wide)),
        "nq": Growth(tuple(case_of("uniform", shape, _ROWS, count, 10, seed) for count in _QUERIES)),
    }
