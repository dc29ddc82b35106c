"""What the sizes of `hamming` say: bytes, cases of a user's own codes, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar import growth as growing
from lar.contracts import Case, Data, Growth, Query
from lar.forms import whole

from .inputs import case_of

_ROWS = 65_536
_BYTES = 32


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set."""
    return case.shape["N"] * case.shape["B"]


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own codes."""
    (N, B), nq, k = data["codes"].shape, len(query), whole(name, statics, "k")
    sizes = {"B": B, "N": N, "nq": nq, "k": k}
    return Case(name, "recorded", sizes, 0, {"k": k}, nq, f"recorded/{8 * B}bits/n{N}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along rows, bytes of a code and queries a call: a call looks at every byte once for each query."""
    rows = [case_of("random", _BYTES, 1_024 * 4**i, 1, 10, seed) for i in range(9)]
    wide = [case_of("random", B, _ROWS, 1, 10, seed) for B in (8, 16, 32, 64, 128, 256)]
    many = [case_of("random", _BYTES, _ROWS, nq, 10, seed) for nq in (1, 2, 4, 8, 16, 32, 64)]
    return growing.along(most, data_bytes, {"N": (rows, 1.0), "B": (wide, 1.0), "nq": (many, 1.0)})
