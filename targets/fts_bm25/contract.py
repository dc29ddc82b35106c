"""What `fts-bm25` promises: the form of its results, the least work, and what is wrong with inputs that break it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lar.contracts import Case, Cost, Data, HostArray, Query, Spec
from lar.errors import BadInputError

from . import sizes


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (scores, documents)."""
    shape = (case.shape["nq"], case.shape["k"])
    return Spec(shape, "float32"), Spec(shape, "uint32")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read the query, write the result, rule out the documents of the rarest term.

    Bounds spare reading most of the common terms' lists, and what is best in a single list can be prepared. But any
    document of the rarest list may be the best by what the other terms add, and no preparation of the size of an index
    knows that of every set of terms: so each costs a bit, and an operation.
    """
    s = case.shape
    ruled_out = s["nq"] * sizes.fewest(case)
    return Cost(s["nq"] * (4 * s["T"] + 8 * s["k"]) + ruled_out // 8, {"u8": ruled_out})


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set."""
    s = case.shape
    postings = int(sizes.counts(case.distribution, s["N"], s["V"]).sum())
    return 8 * postings + 4 * (s["N"] + 2 * s["V"] + 2)


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own arrays.

    Parameters
    ----------
    name : str
    data : Data
    query : array
    statics : mapping
        ``k``, ``k1``, ``b``, and ``capacity``: how many postings the lists of one query have together, at most.
    """
    nq, T = query.shape
    N, V = len(data["lengths"]), len(data["idf"])
    known = {"k": int(statics["k"]), "capacity": int(statics["capacity"])}
    shape = {"N": N, "V": V, "T": T, "nq": nq, **known}
    every = {**known, "k1": float(statics["k1"]), "b": float(statics["b"])}
    return Case(name, "recorded", shape, 0, every, nq, f"recorded/t{T}/n{N}/{name}")


def check(case: Case, data: Data) -> None:
    """Hold a data set, and the case's own numbers, against the contract.

    Raises
    ------
    BadInputError
        With what is wrong, and where.
    """
    _check_statics(case)
    _check_form(case, data)
    _check_offsets(case, data)
    _check_postings(case, data)
    _each(case, "frequencies", data["frequencies"], data["frequencies"] >= 1, "at least 1")
    _each(case, "lengths", data["lengths"], data["lengths"] >= 0, "at least 0")
    average, idf = data["average"], data["idf"]
    _each(case, "average", average, np.isfinite(average) & (average > 0), "a finite number above 0")
    _each(case, "idf", idf, np.isfinite(idf) & (idf >= 0), "a finite number of at least 0")


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, a term that the index lacks, or lists that are longer together than the case allows.
    """
    s = case.shape
    shape = (s["nq"], s["T"])
    if query.dtype != np.uint32 or query.shape != shape:
        raise _wrong(case, f"the query is {query.dtype}{list(query.shape)}, expected uint32{list(shape)}")
    _each(case, "query", query, query < s["V"], f"a term below V = {s['V']}")
    postings = np.sum(np.diff(data["offsets"].astype(np.int64))[query], axis=1)
    if np.any(postings > s["capacity"]):
        row = int(np.argmax(postings > s["capacity"]))
        found = f"the lists of query[{row}] have {postings[row]} postings"
        raise _wrong(case, f"{found}, expected at most capacity = {s['capacity']}")


def _check_statics(case: Case) -> None:
    known: Mapping[str, Any] = case.statics
    for name in ("k", "capacity"):
        if not 1 <= known[name] < 2**31:
            raise _wrong(case, f"{name} is {known[name]}, expected 1 to 2**31 - 1")
    if not (math.isfinite(known["k1"]) and known["k1"] >= 0):
        raise _wrong(case, f"k1 is {known['k1']}, expected a finite number of at least 0")
    if not 0 <= known["b"] <= 1:
        raise _wrong(case, f"b is {known['b']}, expected 0 to 1")


def _check_form(case: Case, data: Data) -> None:
    N, V, postings = case.shape["N"], case.shape["V"], data["documents"].size
    if N >= 2**31:
        raise _wrong(case, f"{N} documents, expected fewer than 2**31")
    for name, dtype, shape in (
        ("offsets", "int32", (V + 1,)),
        ("documents", "uint32", (postings,)),
        ("frequencies", "int32", (postings,)),
        ("lengths", "int32", (N,)),
        ("average", "float32", (1,)),
        ("idf", "float32", (V,)),
    ):
        array = data[name]
        if array.dtype != np.dtype(dtype) or array.shape != shape:
            raise _wrong(case, f"{name} is {array.dtype}{list(array.shape)}, expected {dtype}{list(shape)}")


def _check_offsets(case: Case, data: Data) -> None:
    offsets, postings = data["offsets"], data["documents"].size
    for place, expected in ((0, 0), (len(offsets) - 1, postings)):
        if offsets[place] != expected:
            raise _wrong(case, f"offsets[{place}] is {offsets[place]}, expected {expected}")
    backwards = offsets[1:] < offsets[:-1]
    if np.any(backwards):
        place = int(np.argmax(backwards)) + 1
        before = offsets[place - 1]
        raise _wrong(case, f"offsets[{place}] is {offsets[place]}, expected at least the {before} before it")


def _check_postings(case: Case, data: Data) -> None:
    documents, offsets = data["documents"], data["offsets"]
    _each(case, "documents", documents, documents < case.shape["N"], f"a document below N = {case.shape['N']}")
    begins = np.zeros(documents.size + 1, np.bool_)
    begins[offsets] = True
    ascending = (documents[1:] > documents[:-1]) | begins[1:-1]
    if not np.all(ascending):
        place = int(np.argmin(ascending)) + 1
        term = int(np.searchsorted(offsets, place, side="right")) - 1
        found = f"documents[{place}] is {documents[place]}, after {documents[place - 1]} in the list of term {term}"
        raise _wrong(case, f"{found}: expected ascending documents, each once")


def _each(case: Case, name: str, array: HostArray, right: HostArray, expected: str) -> None:
    if not np.all(right):
        place = tuple(int(i) for i in np.argwhere(~right)[0])
        raise _wrong(case, f"{name}{list(place)} is {array[place]}, expected {expected}")


def _wrong(case: Case, message: str) -> BadInputError:
    return BadInputError(f"{case.name}: {message}")
