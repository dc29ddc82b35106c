"""`posting-seek`: of a compressed posting list, the first id that is not below a target, for each of many targets.

``targets u32[S], words u32[L], first u32[B], width i32[B], start i32[B], n -> ids u32[S], found bool[S]``. The list has
n ids in strictly ascending order, 128 a block, the last one perhaps fewer. Block b begins with the id ``first[b]``; the
gaps from each id to the next, the first of them 0, are packed in ``width[b]`` bits each, the least significant bit
first, from word ``start[b]`` on. What lies behind the last id is anything. Where no id is left, `found` is false and
the id is 2**32 - 1, which is also a legal id.
"""

import math

import numpy as np

from lar.contracts import Case, Cost, Data, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference
from .reference import BEHIND, BLOCK, ids_in, length_of


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (ids, found)."""
    shape = (case.shape["S"],)
    return Spec(shape, "uint32"), Spec(shape, "bool")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read every target, write an answer for each, read every answer once.

    Seeks that lead anywhere in n ids have about ``n (1 - exp(-S / n))`` different answers; a fifth less is counted. How
    they are found is left open: a kernel may keep the list decoded, or an index of its own.
    """
    n, seeks = max(length_of(case), 1), case.shape["S"]
    return Cost(9 * seeks + 4 * int(0.8 * n * -math.expm1(-seeks / n)), {})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, a width that is none, an offset that does not follow from the widths before it, or ids
        that do not ascend within uint32; with its place.
    """
    n, blocks = length_of(case), case.shape["B"]
    if blocks != max(1, -(-n // BLOCK)):
        raise BadInputError(f"{case.name}: B is {blocks}, expected {max(1, -(-n // BLOCK))} blocks of {n} ids")
    for name, dtype in (("first", np.uint32), ("width", np.int32), ("start", np.int32), ("words", np.uint32)):
        array, shape = data[name], data[name].shape if name == "words" and data[name].ndim == 1 else (blocks,)
        if array.dtype != dtype or array.shape != shape:
            raise BadInputError(
                f"{case.name}: {name} is {array.dtype}{list(array.shape)}, expected {np.dtype(dtype)}{list(shape)}"
            )
    width, start = data["width"].astype(np.int64), data["start"]
    wrong = (width < 0) | (width > 32)
    if np.any(wrong):
        b = int(np.argmax(wrong))
        raise BadInputError(f"{case.name}: width[{b}] is {width[b]}, expected 0 to 32 bits")
    ends = np.cumsum(4 * width)
    wrong = start != ends - 4 * width
    if np.any(wrong):
        b = int(np.argmax(wrong))
        raise BadInputError(
            f"{case.name}: start[{b}] is {start[b]}, expected {ends[b] - 4 * width[b]}: behind the block before it"
        )
    if len(data["words"]) != ends[-1] + BEHIND:
        raise BadInputError(f"{case.name}: words is uint32[{len(data['words'])}], expected uint32[{ends[-1] + BEHIND}]")
    ids = ids_in(case, data)
    wrong = (ids[1:] <= ids[:-1]) | (ids[1:] >= 2**32)
    if np.any(wrong):
        i = int(np.argmax(wrong)) + 1
        raise BadInputError(f"{case.name}: ids[{i}] is {ids[i]} after {ids[i - 1]}, expected more, and below 2**32")


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
)
