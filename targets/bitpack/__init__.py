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

from lar import forms
from lar.contracts import Case, Cost, Data, HostArray, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, shapes

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
    forms.hold_sizes(case, width=32, n=LARGEST)
    for name, size in (("width", width), ("n", n)):
        if case.statics[name] != size:
            raise BadInputError(f"{case.name}: the static {name} is {case.statics[name]}, expected {size} as its shape")
    _hold(case, "packed", data["packed"])


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold the page of a call against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, or another number of words than the page that is the data.
    """
    del data
    _hold(case, "the query", query)


def _hold(case: Case, name: str, page: HostArray) -> None:
    layout, n, width = str(case.statics["layout"]), case.shape["n"], case.shape["width"]
    needed = inputs.words_needed(layout, width, n)
    forms.hold(case, name, page, "uint32", ("words",))
    if page.size < needed:
        raise BadInputError(
            f"{case.name}: {name} ends after word {page.size - 1}, expected at least {needed} words for {n} values of"
            f" {width} bits ({layout})"
        )
    if page.size != case.shape["words"]:
        raise BadInputError(f"{case.name}: {name} has {page.size} words, expected {case.shape['words']}")


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
    check_query=check_query,
    recorded=shapes.recorded,
    growth=shapes.growth,
    data_bytes=shapes.data_bytes,
)
