"""What the sizes of a case say: the bytes of a dictionary, cases of a user's own arrays, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar.contracts import Case, Data, Growth, Query

from . import inputs
from .lengths import lengths_by_rank

_VALUES = (1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576)
_ENTRIES = (2, 16, 256, 4_096, 65_536)


def data_bytes(case: Case) -> int:
    """Return the bytes of a dictionary."""
    K = case.shape["K"]
    if case.statics["kind"] == "fixed":
        return 4 * K * case.shape["W"]
    return 4 * (K + 1) + inputs.SPARE + int(lengths_by_rank(case.distribution, K, case.shape["longest"]).sum())


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own arrays: of fixed-width values, as the first case of the battery is."""
    (K, width), codes = data["values"].shape, query["codes"]
    shape = {"n": len(codes), "K": K, "code": codes.dtype.itemsize, "W": width}
    chosen = {"kind": str(statics["kind"]), "capacity": int(statics["capacity"])}
    return Case(name, "recorded", shape, 0, chosen, len(codes), f"recorded/{K}x{width}/n{len(codes)}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along the values of a page and the entries of a dictionary, of the latter as many as fit."""
    entries = [K for K in _ENTRIES if most >= 4 * K]
    return {
        "n": Growth(tuple(inputs.fixed("uniform", 1, 256, 1, n, seed) for n in _VALUES)),
        "K": Growth(tuple(inputs.fixed("uniform", 4, K, 1, 262_144, seed) for K in entries)),
    }
