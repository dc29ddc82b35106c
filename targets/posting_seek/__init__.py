"""`posting-seek`: of a compressed posting list, the first id that is not below a target, for each of many targets.

``targets u32[S], words u32[L], first u32[B], width i32[B], start i32[B], n -> ids u32[S], found bool[S]``. The list has
n ids in strictly ascending order, 128 a block, the last one perhaps fewer. Block b begins with the id ``first[b]``; the
gaps from each id to the next, the first of them 0, are packed in ``width[b]`` bits each, the least significant bit
first, from word ``start[b]`` on. What lies behind the last id is anything. Where no id is left, `found` is false and
the id is 2**32 - 1, which is also a legal id.
"""

import math

import numpy as np

from lar import forms
from lar.contracts import Case, Cost, Data, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, shapes
from .reference import BEHIND, BLOCK, ids_in, length_of

LARGEST = 2**31 - BLOCK
"""Ids of a list: int32 counts them, and the places of a last block that is not whole."""


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (ids, found)."""
    shape = (case.shape["S"],)
    return Spec(shape, "uint32"), Spec(shape, "bool")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read every target, write an answer for each, read every answer once.

    Seeks that lead anywhere in n ids have about ``n (1 - exp(-S / n))`` different answers; a fifth less is counted, and
    nothing where nobody knows where they lead. How they are found is left open: a kernel may keep the list decoded, or
    an index of its own.
    """
    n, seeks = max(length_of(case), 1), case.shape["S"]
    answers = 0 if case.recorded else int(0.8 * n * -math.expm1(-seeks / n))
    return Cost(9 * seeks + 4 * answers, {})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, a width that is none, an offset that does not follow from the widths before it, or ids
        that do not ascend within uint32; with its place.
    """
    n, blocks = length_of(case), case.shape["B"]
    if not 0 <= n <= LARGEST:
        raise BadInputError(f"{case.name}: n is {n}, expected 0 to {LARGEST}")
    forms.hold_sizes(case, S=forms.LARGEST)
    if blocks != max(1, -(-n // BLOCK)):
        raise BadInputError(f"{case.name}: B is {blocks}, expected {max(1, -(-n // BLOCK))} blocks of {n} ids")
    for name, dtype in (("first", "uint32"), ("width", "int32"), ("start", "int32")):
        forms.hold(case, name, data[name], dtype, (blocks,))
    forms.hold(case, "words", data["words"], "uint32", ("words",))
    _check_blocks(case, data)
    ids = ids_in(case, data)
    place = forms.first((ids[1:] <= ids[:-1]) | (ids[1:] >= 2**32))
    if place:
        i = place[0] + 1
        raise BadInputError(f"{case.name}: ids[{i}] is {ids[i]} after {ids[i - 1]}, expected more, and below 2**32")


def _check_blocks(case: Case, data: Data) -> None:
    width, start = data["width"].astype(np.int64), data["start"]
    place = forms.first((width < 0) | (width > 32))
    if place:
        raise BadInputError(f"{case.name}: width{list(place)} is {width[place]}, expected 0 to 32 bits")
    ends = np.cumsum(4 * width)
    expected = ends - 4 * width
    place = forms.first(start != expected)
    if place:
        found = f"start{list(place)} is {start[place]}, expected {expected[place]}"
        raise BadInputError(f"{case.name}: {found}: behind the block before it")
    forms.hold(case, "words", data["words"], "uint32", (int(ends[-1]) + BEHIND,))


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a call's targets against the contract; every number is a legal one.

    Raises
    ------
    BadInputError
        Wrong dtype or shape.
    """
    del data
    forms.hold(case, "the query", query, "uint32", (case.shape["S"],))


TARGET = Target(
    name="posting-seek",
    summary="the first id of a compressed posting list that is not below a target, for many targets",
    source="Zobel, Moffat: Inverted files for text search engines, ACM Computing Surveys 38(2), 2006, sections 5 and 6",
    operation="seek",
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
