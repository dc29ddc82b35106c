"""`fts-bm25` once, against the array API: weights made in `prepare`, added up by document, the k largest taken.

The postings of a query's lists are as many as the data has it, so a stated number of slots is shared out among the
lists; what is left over names a posting behind all others, of no document.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data, *, k: int, k1: float, b: float, capacity: int) -> Tree:
    """Compute what each posting adds to the score of its document.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``offsets`` int32 (V + 1,), ``documents`` uint32 (P,), ``frequencies`` int32 (P,), ``lengths`` int32 (N,),
        ``average`` float32 (1,), ``idf`` float32 (V,).
    k, capacity : int
        Not used here; statics are given alike to `prepare` and `run`.
    k1, b : float
        How soon the frequency of a term saturates, and how much the length of a document counts.

    Returns
    -------
    dict of arrays
        ``offsets`` and ``lengths`` as given; ``documents`` int32 (P + 1,) and ``weights`` float32 (P + 1,), whose last
        posting is of document N and adds nothing.
    """
    del k, capacity
    documents, offsets, lengths = ops.bitcast(xp, data["documents"], xp.int32), data["offsets"], data["lengths"]
    device = ops.device_of(documents)
    norms = k1 * ((1.0 - b) + b * (xp.astype(lengths, xp.float32) / data["average"]))
    terms = ops.expand(xp, offsets[1:] - offsets[:-1], documents.shape[0])
    frequencies = xp.astype(data["frequencies"], xp.float32)
    weights = xp.take(data["idf"], terms) * (frequencies / (xp.take(norms, documents) + frequencies))
    nobody = xp.full((1,), lengths.shape[0], dtype=xp.int32, device=device)
    return {
        "offsets": offsets,
        "lengths": lengths,
        "documents": xp.concat([documents, nobody]),
        "weights": xp.concat([weights, xp.zeros((1,), dtype=xp.float32, device=device)]),
    }


def run(xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int) -> tuple[Array, Array]:
    """Find the k documents with the highest scores for each query.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        uint32 (nq, T), each below V. A term that is named twice counts twice.
    k : int
        How many documents to return; what exceeds N is padded.
    k1, b : float
        Not used here.
    capacity : int
        How many postings the lists of one query have together, at most.

    Returns
    -------
    scores : array
        float32 (nq, k), descending, padded with -inf.
    documents : array
        uint32 (nq, k), padded with 2**32 - 1; of equal scores the lower ones.
    """
    del k1, b
    offsets, documents, weights = state["offsets"], state["documents"], state["weights"]
    N, last = state["lengths"].shape[0], documents.shape[0] - 1
    slots = ops.iota(xp, capacity, documents)

    def best(terms: Array) -> tuple[Array, Array]:
        begins = xp.take(offsets, terms)
        counts = xp.take(offsets, terms + 1) - begins
        ends = ops.cumsum32(xp, counts)
        shift = begins - (ends - counts)
        places = slots + xp.take(shift, ops.expand(xp, counts, capacity))
        places = xp.where(slots < ends[-1], places, last)
        scores = ops.segment_sum(xp, xp.take(weights, places), xp.take(documents, places), N)
        return ops.top_k(xp, scores, k, largest=True)

    scores, found = ops.map_rows(xp, best, ops.bitcast(xp, query, xp.int32))
    return scores, ops.bitcast(xp, found, xp.uint32)
