"""The inputs of `fsst`: symbol tables, and pages of strings encoded with them; generated, seeded, the same everywhere.

A page's strings are cut from one text (`texts.py`) and encoded with a table trained on another of the same kind
(`encoding.py`). What lies behind the last code of a page, and behind the end of a symbol, is random.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, Growth, HostArray, Query

from . import encoding, texts
from .encoding import LONGEST, MOST

_STREAM = "fsst"
TEXT = {"small": 1 << 16, "standard": 1 << 22, "large": 1 << 26}
"""Bytes of text in a page."""
_MEANS = (12, 100, 2_000)
"""Mean bytes of a timed string: a field, a line, a document."""
_TIMED = ("urls", "logs", "words")
_REARRANGED = 1 << 14  # pages of so much text are the same strings in another order, not drawn anew for every call
_FEWEST = 16


class _Kind(NamedTuple):
    """What a distribution is made of.

    `text` is what `texts.text` calls it, `table` what the table is trained on, or one of ``none``, ``eights``,
    ``bytes``, ``zeros`` and ``lone``. A page has room for `codes` codes a byte of its capacity and, since the end of a
    string cuts a symbol short, `cut` more a string; it holds `fill` bytes of text a byte of its capacity. Strings are
    ``even`` in length, or ``sparse``: seven in eight are empty.
    """

    text: str
    table: str
    codes: float = 2.0
    cut: float = 0.0
    fill: float = 1.0
    lengths: str = "even"


_KINDS = {
    "urls": _Kind("urls", "urls", 0.33, 3.0),
    "logs": _Kind("logs", "logs", 0.25, 3.5),
    "words": _Kind("words", "words", 0.51, 0.5),
    "hex": _Kind("hex", "hex", 0.57, 0.5),
    "escapes": _Kind("high", "urls"),
    "mixed": _Kind("mixed", "words"),
    "runs": _Kind("runs", "urls"),
    "random": _Kind("random", "random"),
    "no-symbols": _Kind("random", "none"),
    "lone-symbol": _Kind("mixed", "lone"),
    "eights": _Kind("eights", "eights", 0.14),
    "bytes": _Kind("random", "bytes", 1.1),
    "zeros": _Kind("zeros", "zeros", 0.5),
    "empty": _Kind("urls", "urls", fill=0.0),
    "sparse": _Kind("words", "words", 0.51, 0.5, lengths="sparse"),
    "roomy": _Kind("words", "words", fill=0.5),
    "overflow": _Kind("logs", "logs", 0.5, 7.0, fill=2.0),
}


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, sizes round those of vectors and blocks, one giant string.

    ``runs`` has runs of 255 of every length, in which each byte is an escape or escaped by its place alone; ``zeros``
    has symbols that only their lengths tell from padding; ``eights`` grows eightfold; ``overflow`` has twice the text
    that there is room for; ``roomy`` leaves half of the room empty.
    """
    cases = [_case(distribution, 200, 8_193, seed) for distribution in _KINDS]
    cases += [_case(distribution, 1, 4_097, seed) for distribution in ("urls", "runs", "mixed", "eights", "overflow")]
    cases += [_case(distribution, 65, size, seed) for distribution in ("runs", "words") for size in (63, 64, 65, 1_000)]
    cases += [_case("zeros", 1, 1, seed, room=1), _case("no-symbols", 1, 2, seed), _case("bytes", 7, 15, seed)]
    cases += [_case("empty", 17, 1, seed, room=65), _case("runs", 40, 2_049, seed, room=2_049)]
    cases += [_case("urls", 1, 100_001, seed), _case("mixed", 9_001, 70_000, seed)]
    cases += [_case("sparse", 2_049, 20_000, seed), _case("logs", 100, 20_000, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three lengths of strings x three texts, and lines of two more; a page a call."""
    del nq
    chosen = [(kind, mean) for mean in _MEANS for kind in _TIMED] + [(kind, _MEANS[1]) for kind in ("hex", "escapes")]
    return tuple(_case(kind, TEXT[scale] // mean, TEXT[scale], seed) for kind, mean in chosen)


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along the text of as many strings, and along the strings of a line each; time is linear in both."""
    sizes = [size for size in (4_096 * 4**i for i in range(9)) if size <= most]
    return {
        "capacity": Growth(tuple(_case("urls", 1_024, size, seed) for size in sizes)),
        "n": Growth(tuple(_case("urls", size // _MEANS[1], size, seed) for size in sizes)),
    }


def data(case: Case) -> Data:
    """Build the symbol table of a case: ``symbols`` uint8 (S, 8) and ``lengths`` uint8 (S,)."""
    symbols, lengths = encoding.table_of(_symbols(case), sampling.key(case.seed, _STREAM, "behind", case.distribution))
    return {"symbols": symbols, "lengths": lengths}


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same symbols under secret codes."""
    key = sampling.key(seed, _STREAM, "disguise", case.distribution)
    symbols, lengths = encoding.renumbered((data["symbols"], data["lengths"]), key)
    return {"symbols": symbols, "lengths": lengths}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' pages, each ``codes`` uint8 (bytes,) and ``offsets`` int32 (n + 1,).

    Small ones are drawn anew; a large one's strings come in another order.
    """
    own = sampling.key(seed, _STREAM, "queries", case.distribution, case.shape["n"], case.shape["capacity"])
    table = data["symbols"], data["lengths"]
    if _text_size(case) < _REARRANGED or case.shape["n"] < _FEWEST:
        return [_laid_out(case, *_strings(case, table, sampling.key(own, i)), own) for i in range(count)]
    codes, offsets = _strings(case, table, own)
    orders = (sampling.permutation(sampling.key(own, "order", i), case.shape["n"]) for i in range(count))
    return [_laid_out(case, *encoding.rearranged(codes, offsets, order), own) for order in orders]


def _case(distribution: str, n: int, capacity: int, seed: int, room: int = 0) -> Case:
    kind = _KINDS[distribution]
    # Twice the text is always enough; of small pages, whose texts differ from seed to seed, most may need it.
    room = room or min(2 * capacity, round(kind.codes * capacity + kind.cut * n) + 64)
    group = f"{distribution}/{capacity // n}bytes/n{n}/c{capacity}/b{room}"
    sizes = {"n": n, "bytes": room, "capacity": capacity}
    return Case(group, distribution, sizes, seed, {"capacity": capacity}, capacity, f"{group}/s{seed}")


def _text_size(case: Case) -> int:
    return int(_KINDS[case.distribution].fill * case.shape["capacity"])


def _symbols(case: Case) -> tuple[bytes, ...]:
    """Return the symbols of a case's table, which depend on its distribution and seed alone."""
    key = sampling.key(case.seed, _STREAM, "symbols", _KINDS[case.distribution].table)
    match _KINDS[case.distribution].table:
        case "none":
            symbols: tuple[bytes, ...] = ()
        case "lone":
            symbols = (b"the ",)
        case "zeros":
            symbols = tuple(bytes(length) for length in range(1, LONGEST + 1))
        case "bytes":  # of one byte each, all but one
            symbols = tuple(bytes([number]) for number in sampling.permutation(key, MOST + 1)[:MOST].tolist())
        case "eights":
            drawn = texts.drawn_bytes(key, LONGEST * MOST)
            drawn[::LONGEST] = np.arange(MOST)  # no two alike
            symbols = tuple(drawn[at : at + LONGEST].tobytes() for at in range(0, drawn.size, LONGEST))
        case kind:
            symbols = encoding.trained(kind, key)
    return symbols


def _strings(case: Case, table: encoding.Table, key: int) -> tuple[HostArray, HostArray]:
    """Draw a text, cut it into strings and encode them."""
    kind, size = _KINDS[case.distribution], _text_size(case)
    if kind.text == "eights":
        numbers = sampling.integers(sampling.key(key, "symbols"), (-(-size // LONGEST),), MOST)
        text = table[0][numbers].reshape(-1)[:size]
    else:
        text = texts.text(kind.text, sampling.key(key, "text"), size)
    codes, offsets = encoding.encode(text, _bounds(case, sampling.key(key, "lengths"), size), table)
    return codes, offsets


def _bounds(case: Case, key: int, size: int) -> HostArray:
    """Cut a text into strings from half to three halves of the mean length; the last one takes what is left."""
    n, kind = case.shape["n"], _KINDS[case.distribution]
    mean = max(size // n, 1)
    lengths = mean // 2 + sampling.integers(sampling.key(key, "lengths"), (n,), mean + 1)
    if kind.text == "eights":
        lengths = lengths // LONGEST * LONGEST
    if kind.lengths == "sparse":
        lengths = np.where(sampling.integers(sampling.key(key, "full"), (n,), 8) == 0, 8 * lengths, 0)
    bounds = np.zeros(n + 1, np.int64)
    np.minimum(np.cumsum(lengths), size, out=bounds[1:])
    bounds[-1] = size
    return bounds


def _laid_out(case: Case, codes: HostArray, offsets: HostArray, key: int) -> Query:
    """Put encoded strings into a page. From the first on that does not fit, they are empty."""
    room = case.shape["bytes"]
    page = texts.drawn_bytes(sampling.key(key, "behind"), room)
    offsets = np.minimum(offsets, offsets[np.searchsorted(offsets, room, side="right") - 1])
    page[: offsets[-1]] = codes[: offsets[-1]]
    return {"codes": page, "offsets": offsets.astype(np.int32)}
