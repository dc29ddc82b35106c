"""What the sizes of `posting-seek` say: bytes, cases of a user's own list, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar import growth as growing
from lar.contracts import Case, Data, Growth, Query
from lar.forms import whole

from .inputs import SEEKS, case_of, list_of
from .reference import BEHIND, BLOCK

_BLOCKS = 8_192
_BITS = {"gaps": 4, "dense": 1}
"""What a gap takes in the lists where that is known beforehand; in others up to 32."""


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set: of a timed one just so many, of lists with gaps of all widths at most so many."""
    blocks, bits = case.shape["B"], _BITS.get(list_of(case.distribution), 32)
    return 4 * (blocks * (BLOCK // 32) * bits + BEHIND) + 12 * blocks


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own list."""
    n, blocks, seeks = whole(name, statics, "n"), len(data["first"]), len(query)
    sizes = {"B": blocks, "S": seeks}
    return Case(name, "recorded", sizes, 0, {"n": n}, seeks, f"recorded/b{blocks}/n{n}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along blocks of the list and seeks a call, the targets anywhere.

    A seek looks at as many numbers as the logarithm of the list's length says, which no power of it is too small for.
    But those of a longer list are farther away: from one level of the caches to the next, and to memory, by about as
    much as the root of the size grows.
    """
    blocks = [case_of("anywhere", 64 * 4**i * BLOCK, SEEKS, seed) for i in range(8)]
    seeks = [case_of("anywhere", _BLOCKS * BLOCK, 64 * 2**i, seed) for i in range(9)]
    return growing.along(most, data_bytes, {"B": (blocks, 0.5), "S": (seeks, 1.0)})
