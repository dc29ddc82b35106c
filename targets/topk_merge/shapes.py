"""What the sizes of `topk-merge` say: bytes, cases of a user's own runs, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar import growth as growing
from lar.contracts import Case, Data, Growth, Query
from lar.forms import whole

from .inputs import case_of, pool_shape


def data_bytes(case: Case) -> int:
    """Return the bytes of a pool."""
    runs, length = pool_shape(case)
    return 8 * runs * length


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own merges, and the pool that they are from or one like it."""
    (runs, length), (nq, R, L), k = data["scores"].shape, query["scores"].shape, whole(name, statics, "k")
    sizes = {"R": R, "L": L, "k": k, "nq": nq, "runs": runs, "length": length}
    return Case(name, "recorded", sizes, 0, {"k": k}, nq, f"recorded/{R}x{L}/k{k}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along runs, items of a run, items returned and merges a call.

    Of a run no more than k items can be among the k best, so that longer ones take no longer. To put k items in order
    takes a little more than in proportion, which the power leaves out.
    """

    def merges(R: int, L: int, k: int, nq: int) -> Case:
        return case_of("random", (R, L, k), nq, seed)

    runs = [merges(16 * 2**i, 128, 128, 1) for i in range(8)]
    long = [merges(64, 64 * 4**i, 64, 1) for i in range(6)]
    best = [merges(64, 4_096, 16 * 4**i, 1) for i in range(6)]
    many = [merges(64, 128, 128, 2**i) for i in range(7)]
    return growing.along(most, data_bytes, {"R": (runs, 1.0), "L": (long, 0.5), "k": (best, 1.0), "nq": (many, 1.0)})
