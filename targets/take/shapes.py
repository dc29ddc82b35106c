"""What the sizes of `take` say: bytes, cases of a user's own rows, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar import growth as growing
from lar.contracts import Case, Data, Growth, Query

from .inputs import case_of

_ROWS = 1_048_576
_IDS = 65_536


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set."""
    return 4 * case.shape["N"] * case.shape["W"]


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own rows and lists of ids."""
    del statics
    (N, width), n = data["values"].shape, len(query)
    return Case(name, "recorded", {"N": N, "W": width, "n": n}, 0, {}, n, f"recorded/{N}x{width}/n{n}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along ids, words a row and rows, the ids random.

    As many words are copied whatever the rows are. But a row of a larger table is farther away: from one level of the
    caches to the next, and to memory, a look-up takes longer by about as much as the root of the size grows.
    """
    ids = [case_of("random", _ROWS, 1, 1_024 * 4**i, seed) for i in range(7)]
    wide = [case_of("random", _IDS, width, _IDS // 4, seed) for width in (1, 2, 4, 8, 16, 32, 64, 128)]
    rows = [case_of("random", 1_024 * 4**i, 1, _IDS, seed) for i in range(10)]
    return growing.along(most, data_bytes, {"n": (ids, 1.0), "W": (wide, 1.0), "N": (rows, 0.5)})
