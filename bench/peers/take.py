"""`take` against what a user would pick instead: pyarrow's ``take``, one thread, the same table and the same ids.

``python -m bench.peers.take [--scale standard|large] [--backend numpy] [--only random] [--json FILE]``

pyarrow reads the table where it lies: rows of 4 and 8 bytes as int32 and int64, longer ones as a fixed-size list of
int32 and as fixed-size binary, the faster of which is the peer. Its bounds check is off; ours is on. Both allocate
what they return. `numpy.take` stands beside it.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest
from bench.peers._interleaved import Call

from lar.contracts import Case, HostArray, Target

CALLS = 4  # distinct queries in rotation; those of a million ids are 4 MB each
SCALAR_GOAL, ROW_GOAL = 1.0, 1.3


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1,))


def arrow_tables(values: HostArray) -> dict[str, Any]:
    """Return the table as pyarrow may hold it, without a copy."""
    width = values.shape[1]
    if width <= 2:
        return {"pyarrow": pa.array(values.reshape(-1).view(np.int32 if width == 1 else np.int64))}
    flat = pa.array(values.reshape(-1))
    binary = pa.Array.from_buffers(pa.binary(4 * width), len(values), [None, flat.buffers()[1]])
    return {"pyarrow list": pa.FixedSizeListArray.from_arrays(flat, width), "pyarrow binary": binary}


def rows_of(taken: Any, width: int) -> HostArray:
    """Return what pyarrow took as int32 (n, W)."""
    words = taken.flatten() if pa.types.is_fixed_size_list(taken.type) else taken
    return np.frombuffer(words.buffers()[1], np.int32, len(taken) * width).reshape(-1, width)


def peer_call(table: Any, ids: Sequence[Any]) -> Call:
    """Return the call of pyarrow on one of the ids."""
    return lambda i: pc.take(table, ids[i % len(ids)], boundscheck=False)


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case."""
    data, width = target.data(case), case.shape["W"]
    values, queries = data["values"], target.queries(case, data, SEED, CALLS)
    asked = [pa.array(query) for query in queries]

    def agree(name: str, i: int, result: Any) -> None:
        if name.startswith("pyarrow"):
            result = rows_of(result, width)
        elif isinstance(result, tuple):
            (result,) = result
        if not np.array_equal(result, values[queries[i]]):
            raise ValueError("rows differ from those that were asked for")

    yield Contest(
        case,
        {name: peer_call(table, asked) for name, table in arrow_tables(values).items()},
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        CALLS,
        SCALAR_GOAL if width <= 2 else ROW_GOAL,
        beside={"numpy.take": lambda i: np.take(values, queries[i % CALLS], axis=0)},
    )


COMPARISON = Comparison("take", ("pyarrow",), cases, contests, begin=lambda: pa.set_cpu_count(1))

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
