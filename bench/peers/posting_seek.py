"""`posting-seek` against what a user would pick instead: ``np.searchsorted`` of the whole batch in the decoded list.

``python -m bench.peers.posting_seek [--scale standard|large] [--backend numpy] [--only deep] [--json FILE]``

The peer is handed the ids decoded, as uint32 like the targets, and looks the answers up with one ``take``.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest
from bench.peers._interleaved import Call

from lar.contracts import NO_ID, Case, Query, Target
from lar.targets import posting_seek

PEER = "np.searchsorted"
CALLS = 64  # distinct queries in rotation
GOAL = 1.1


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1,))


def peer_call(ids: Any, queries: Sequence[Query]) -> Call:
    """Return the call of NumPy's search: the ids found, and whether there was one."""
    known = np.append(ids, np.uint32(NO_ID))

    def call(i: int) -> tuple[Any, Any]:
        place = np.searchsorted(ids, queries[i % CALLS])
        return known[place], place < len(ids)

    return call


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, CALLS)
    truth = target.audit(case, data, queries).values  # type: ignore[union-attr]  # the truth of integers is `Exact`

    def agree(name: str, i: int, result: Any) -> None:
        del name
        if not all(np.array_equal(got, right[i]) for got, right in zip(result, truth, strict=True)):
            raise ValueError("answers differ from the reference")

    yield Contest(
        case,
        {PEER: peer_call(posting_seek.ids_in(case, data).astype(np.uint32), queries)},
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        CALLS,
        GOAL,
    )


COMPARISON = Comparison("posting-seek", (), cases, contests)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
