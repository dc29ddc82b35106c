"""`fts-bm25` against what a user would pick instead: bm25s with its numba backend, one thread, the same index.

``python -m bench.peers.fts_bm25 [--scale standard|large] [--backend numpy] [--only rare] [--json FILE]``

bm25s keeps a weight for each posting as this kernel does (method ``lucene``). Its index is filled from the posting
lists, since it makes one of lists of tokens alone.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import bm25s
import numpy as np
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest

from lar.contracts import Case, Data, Target

PEER = "bm25s, numba"
CALLS = 16  # distinct queries in rotation
GOALS = {"mixed": 4.0, "common": 2.8, "rare": 100.0}


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1, 32))


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case. Documents are not compared, since equal scores leave their choice open."""
    data, k = target.data(case), int(case.shape["k"])
    queries = target.queries(case, data, SEED, CALLS if case.shape["nq"] == 1 else 2)
    model, asked = _model(case, data), [query.astype(int).tolist() for query in queries]

    def retrieve(i: int) -> Any:
        return model.retrieve(asked[i % len(asked)], k=k, show_progress=False, n_threads=1)

    truth = [retrieve(i).scores for i in range(len(queries))]

    def agree(name: str, i: int, result: Any) -> None:
        scores = result.scores if name == PEER else result[0]
        if not np.allclose(scores, truth[i], rtol=1e-5, atol=1e-6):
            raise ValueError(f"{name}: scores {scores[0]} where bm25s has {truth[i][0]}")

    yield Contest(
        case,
        {PEER: retrieve},
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        len(queries),
        GOALS[case.distribution],
    )


def _model(case: Case, data: Data) -> Any:
    """Return the index that bm25s would make of documents with these postings."""
    k1, b = float(str(case.statics["k1"])), float(str(case.statics["b"]))
    model = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numba")
    model.index(([[0]], {"0": 0}), show_progress=False)  # sets what is not part of the index
    lengths, frequencies = data["lengths"][data["documents"]], data["frequencies"]
    saturation = frequencies / (k1 * ((1 - b) + b * lengths / float(data["average"][0])) + frequencies)
    idf = np.repeat(data["idf"], np.diff(data["offsets"]))
    model.scores = {
        "data": (idf * saturation).astype(np.float32),
        "indices": data["documents"].astype(np.int32),
        "indptr": data["offsets"].astype(np.int64),
        "num_docs": len(data["lengths"]),
    }
    model.vocab_dict = {str(term): term for term in range(len(data["idf"]))}
    model.unique_token_ids_set = set(model.vocab_dict.values())
    return model


COMPARISON = Comparison("fts-bm25", ("bm25s",), cases, contests)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
