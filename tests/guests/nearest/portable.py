"""`nearest` against the array API."""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Keep the rows as they are."""
    del xp, k
    return {"rows": data["rows"]}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Return the k smallest distances of each query and their rows."""
    rows = state["rows"]

    def one(row: Array) -> tuple[Array, Array]:
        return ops.top_k(xp, xp.sum((rows - row) ** 2, axis=1), k, largest=False)

    distances, ids = ops.map_rows(xp, one, query)
    return distances, ops.bitcast(xp, ids, xp.uint32)
