"""`fts-bm25`: the k documents of an inverted index with the highest BM25 scores for a query of T terms.

``query u32[nq, T] -> scores f32[nq, k] descending, documents u32[nq, k]``. A document that holds none of the terms
scores 0 and is a result like any other: where fewer than k documents match, scores of 0 fill up. Where k exceeds the
number N of documents, the rest is padded with -inf and 2**32 - 1.

The index is data: ``offsets i32[V + 1]``, ``documents u32[P]`` and ``frequencies i32[P]`` (the posting list of term v
is ``offsets[v]`` to ``offsets[v + 1]``, ascending by document), ``lengths i32[N]``, and two statistics of the
collection that a store keeps beside it, ``average f32[1]`` (the mean length) and ``idf f32[V]``.
"""

from lar.contracts import Target

from . import contract, inputs, reference

TARGET = Target(
    name="fts-bm25",
    summary="k documents with the highest BM25 scores",
    source="Robertson, Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond, 2009, section 3.4",
    operation="query",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=contract.outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=contract.cost,
    check=contract.check,
    check_query=contract.check_query,
    recorded=contract.recorded,
    growth=inputs.growth,
    data_bytes=contract.data_bytes,
)
