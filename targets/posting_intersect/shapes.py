"""What the sizes of `posting-intersect` say: bytes, cases of a user's own lists, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar import growth as growing
from lar.contracts import Case, Data, Growth, Query
from lar.forms import whole

from .inputs import case_of

_IDS = 4_096
_SPREAD = 100
_LISTS = 64


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set at most: an id that is drawn twice stands in a list once.

    The timed stores are at most 3 % smaller.
    """
    s = case.shape
    few = s["lists"] // 2 if case.distribution == "skewed" else 0
    ids = few * s["shortest"] + (s["lists"] - few) * s["longest"]
    return 4 * ids + 4 * (s["lists"] + 1)


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own lists."""
    nq, K = query.shape
    bounds = {bound: whole(name, statics, bound) for bound in ("capacity", "shortest", "longest")}
    lists = len(data["offsets"]) - 1
    sizes = {"K": K, "lists": lists, "universe": 2**32, "nq": nq} | bounds
    return Case(name, "recorded", sizes, 0, bounds, nq, f"recorded/k{K}/n{bounds['longest']}/l{lists}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along ids of a list, lists a query and queries a call; a merge walks every list once."""

    def balanced(K: int, n: int, nq: int) -> Case:
        return case_of("balanced", (K, _LISTS), (n, n * _SPREAD), (n, -(-n // 8)), nq, seed)

    long = [balanced(2, 256 * 4**i, 1) for i in range(8)]
    several = [balanced(K, _IDS, 1) for K in (2, 3, 4, 6, 8, 12, 16)]
    many = [balanced(2, _IDS, nq) for nq in (1, 2, 4, 8, 16, 32, 64)]
    return growing.along(most, data_bytes, {"longest": (long, 1.0), "K": (several, 1.0), "nq": (many, 1.0)})
