"""`bitpack`: numbers of a fixed width in bits, packed without gaps into 32-bit words, back to one number a word.

``packed u32[words] -> values u32[n]``, for a width w of 1 to 32 bits, the least significant bit first. Two layouts:

- ``plain``: value i is bits ``i w .. i w + w - 1`` of the stream, and bit b of the stream is bit ``b % 32`` of word
  ``b // 32``. n values take ``ceil(n w / 32)`` words.
- ``fastlanes``: blocks of 1,024 values, 32 w words each, in 32 lanes: word j of lane l is word ``32 j + l`` of the
  block. A lane is a plain stream of 32 values; its r-th stands in the block at ``128 (r % 8) + 32 q + l``, where q is
  0, 2, 1, 3 for ``r // 8`` = 0, 1, 2, 3. The last block is always whole.

The packed words are the query, since unpacking depends on nothing else: what `prepare` is given is another page of the
same column, packed alike. Bits behind value n - 1, and words behind those needed, are there and mean nothing.
"""

import numpy as np

from lar.contracts import Case, Cost, Data, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference

LARGEST = 2**29 - 1
"""Values of one call: an output stays under 2 GiB."""


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the spec of the values."""
    return (Spec((case.shape["n"],), "uint32"),)


def cost(case: Case) -> Cost:
    """Return the least work of one call: read the words that hold values, write every value.

    No arithmetic is counted: at widths of 8, 16 and 32 bits a kernel may do without.
    """
    n, width = case.shape["n"], case.shape["width"]
    return Cost(4 * inputs.words_needed(str(case.statics["layout"]), width, n) + 4 * n, {})


def check(case: Case, data: Data) -> None:
    """Hold a page against the contract.

    Raises
    ------
    BadInputError
        An unknown layout, a width or a number of values out of range, statics that are not those of the shape, packed
        words of a wrong dtype or shape, or too few of them.
    """
    layout, n, width = str(case.statics["layout"]), case.shape["n"], case.shape["width"]
    if layout not in inputs.LAYOUTS:
        raise BadInputError(f"{case.name}: the layout is {layout!r}, expected one of {', '.join(inputs.LAYOUTS)}")
    for name, size, largest in (("width", width, 32), ("n", n, LARGEST)):
        if not 1 <= size <= largest:
            raise BadInputError(f"{case.name}: {name} is {size}, expected 1 to {largest}")
        if case.statics[name] != size:
            raise BadInputError(f"{case.name}: the static {name} is {case.statics[name]}, expected {size} as its shape")
    packed, needed = data["packed"], inputs.words_needed(layout, width, n)
    if packed.dtype != np.uint32 or packed.ndim != 1:
        raise BadInputError(f"{case.name}: packed is {packed.dtype}{list(packed.shape)}, expected uint32[words]")
    if packed.size < needed:
        raise BadInputError(
            f"{case.name}: packed ends after word {packed.size - 1}, expected at least {needed} words for {n} values of"
            f" {width} bits ({layout})"
        )
    if packed.size != case.shape["words"]:
        raise BadInputError(f"{case.name}: packed has {packed.size} words, expected {case.shape['words']}")


TARGET = Target(
    name="bitpack",
    summary="numbers of a fixed width in bits, unpacked to 32-bit words",
    source=(
        "Lemire, Boytsov: Decoding billions of integers per second through vectorization, Software: Practice and"
        " Experience 45(1), 2015; Afroozeh, Boncz: The FastLanes compression layout, PVLDB 16(9), 2023"
    ),
    operation="block",
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
