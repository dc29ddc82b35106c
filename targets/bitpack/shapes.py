"""What the sizes of `bitpack` say: bytes, cases of a user's own pages, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar import growth as growing
from lar.contracts import Case, Data, Growth, Query
from lar.forms import whole

from .inputs import BLOCK, case_of

_VALUES = 262_144
_WIDTH = 11


def data_bytes(case: Case) -> int:
    """Return the bytes of a page."""
    return 4 * case.shape["words"]


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own pages of one column, one of them as data."""
    del query
    width, n, words = whole(name, statics, "width"), whole(name, statics, "n"), len(data["packed"])
    layout = str(statics["layout"])
    known = {"width": width, "n": n, "layout": layout}
    sizes = {"n": n, "width": width, "words": words}
    return Case(name, "recorded", sizes, 0, known, -(-n // BLOCK), f"recorded/{layout}-w{width}/n{n}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along values and bits of a value; the values that are written are as many words at any width."""
    values = [case_of("uniform", "plain", _WIDTH, 4_096 * 4**i, seed) for i in range(8)]
    wide = [case_of("uniform", "plain", width, _VALUES, seed) for width in (1, 2, 3, 5, 7, 11, 17, 23, 31)]
    return growing.along(most, data_bytes, {"n": (values, 1.0), "width": (wide, 1.0)})
