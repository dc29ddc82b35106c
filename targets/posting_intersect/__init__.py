"""`posting-intersect`: the ids that K sorted posting lists have in common, and how many there are.

``query i32[nq, K], ids u32[P], offsets i32[lists + 1] -> ids u32[nq, capacity] ascending, counts i32[nq]``.
A store of posting lists lies end to end in ``ids``: list l is ``ids[offsets[l] : offsets[l + 1]]``, ascending and
without repeats. A query names K of them, in any order; a list may be named twice. Validity is told by the count, since
2**32 - 1 is a legal id and also what pads the rest. A count above the capacity tells of an overflow: the first ids
were kept.
"""

import numpy as np

from lar import forms
from lar.contracts import Case, Cost, Data, HostArray, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, shapes


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (ids, counts)."""
    nq = case.shape["nq"]
    return Spec((nq, case.shape["capacity"]), "uint32"), Spec((nq,), "int32")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read the query, write the ids, the padding and the counts.

    Of the lists nothing is counted. How much of them has to be read depends on how they are kept and on what they hold:
    two lists in far-apart ranges are told by two numbers, bitmaps of coarse blocks rule out most of a random pair.
    """
    nq = case.shape["nq"]
    return Cost(4 * nq * (case.shape["K"] + case.shape["capacity"] + 1), {})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, offsets that run backwards or past the ids, a list that is not ascending or that repeats
        an id, a list longer than ``longest``, or none as short as ``shortest``, with its place.
    """
    ids, offsets = data["ids"], data["offsets"]
    sizes = ("lists", "K", "nq", "capacity", "shortest", "longest")
    forms.hold_sizes(case, **dict.fromkeys(sizes, forms.LARGEST))
    forms.hold(case, "offsets", offsets, "int32", (case.shape["lists"] + 1,))
    forms.hold(case, "ids", ids, "uint32", ("ids",))
    _check_offsets(case, offsets, len(ids))
    # The first id of a list may be below the last one of the list before it.
    falls = np.flatnonzero(ids[1:] <= ids[:-1]) + 1
    inside = falls[~np.isin(falls, offsets)]
    if inside.size:
        place = int(inside[0])
        number = int(np.searchsorted(offsets, place, side="right")) - 1
        raise BadInputError(
            f"{case.name}: in list {number}, ids[{place}] is {ids[place]} after {ids[place - 1]}, expected ascending"
            " ids without repeats"
        )


def _check_offsets(case: Case, offsets: HostArray, count: int) -> None:
    if offsets[0] != 0 or offsets[-1] != count:
        raise BadInputError(
            f"{case.name}: offsets go from {offsets[0]} to {offsets[-1]}, expected from 0 to {count}, the number of ids"
        )
    lengths = np.diff(offsets.astype(np.int64))
    if np.any(lengths < 0):
        number = int(np.argmax(lengths < 0))
        raise BadInputError(
            f"{case.name}: offsets[{number + 1}] is {offsets[number + 1]} after {offsets[number]}, expected offsets"
            " that do not run backwards"
        )
    shortest, longest = case.shape["shortest"], case.shape["longest"]
    if np.any(lengths > longest):
        number = int(np.argmax(lengths > longest))
        raise BadInputError(
            f"{case.name}: list {number} has {lengths[number]} ids, expected at most longest = {longest}"
        )
    if not np.any(lengths <= shortest):
        raise BadInputError(
            f"{case.name}: the shortest list has {lengths.min()} ids, expected one of at most shortest = {shortest}"
        )


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, a number that is no list's, or no list as short as ``shortest`` in a row, with its place.
    """
    lists, shortest = case.shape["lists"], case.shape["shortest"]
    forms.hold(case, "the query", query, "int32", (case.shape["nq"], case.shape["K"]))
    place = forms.first((query < 0) | (query >= lists))
    if place:
        raise BadInputError(f"{case.name}: query{list(place)} is {query[place]}, expected a list below {lists}")
    least = np.diff(data["offsets"])[query].min(axis=1)
    place = forms.first(least > shortest)
    if place:
        raise BadInputError(
            f"{case.name}: the shortest list of query{list(place)} has {least[place]} ids, expected one of at most"
            f" shortest = {shortest}"
        )


TARGET = Target(
    name="posting-intersect",
    summary="the ids that K sorted posting lists have in common",
    source="Manning, Raghavan, Schuetze: Introduction to Information Retrieval, 2008, figures 1.6 and 1.7",
    operation="query",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=cost,
    check=check,
    check_query=check_query,
    recorded=shapes.recorded,
    growth=shapes.growth,
    data_bytes=shapes.data_bytes,
)
