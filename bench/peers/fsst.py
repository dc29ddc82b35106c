"""`fsst` against what users of Python have: Vortex's compressed strings, and NumPy, one thread, the same strings.

``python -m bench.peers.fsst [--scale standard] [--backend numpy] [--only urls] [--json FILE]``

Nothing is like for like. Vortex is given the text and compresses it as it thinks best (its FSST, or OnPair, a relative
of it, each with a table of its own for a page); decoding makes an Arrow array of views, which it allocates. Texts that
it leaves alone are timed against NumPy only: lengths repeated, and one look-up a byte. So the goal is no ratio, but
0.15 ns of CPU time for a byte of text, and a second table tells those.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import vortex
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest

from lar import catalog, simd
from lar.contracts import Case, Data, Query, Target
from lar.report.tables import table

NUMPY = "np.repeat and take"
BUFFER = "numpy tuned, into a buffer"
CALLS = 4  # distinct pages in rotation
GOAL = 0.15
"""Nanoseconds a byte of text."""
_FAMILY = ("vortex.fsst", "vortex.onpair")


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1,))


def compressed(text: Any, ends: Any) -> Any:
    """Return Vortex's own array of the strings; None where it does not compress them by a table."""
    try:
        text.tobytes().decode()
    except UnicodeDecodeError:
        return None
    strings = pa.Array.from_buffers(pa.string(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(text)])
    array = vortex.compress(vortex.array(strings))
    return array if array.id in _FAMILY else None


def by_repeating(symbols: Any, lengths: Any, query: Query) -> tuple[Any, Any]:
    """Decode as one would with NumPy alone: a number for each code, repeated, and a look-up for each byte."""
    codes, offsets = query["codes"][: query["offsets"][-1]], query["offsets"]
    place, full = np.arange(len(codes), dtype=np.int32), codes == 255
    escape = full & ((place - np.maximum.accumulate(np.where(full, np.int32(-1), place))) % 2 == 1)
    literal = np.zeros(len(codes), bool)
    literal[1:] = escape[:-1]
    names = codes + np.where(literal, np.int32(256), np.int32(0))
    widths = lengths[names]
    starts = np.zeros(len(codes) + 1, np.int32)
    np.cumsum(widths, out=starts[1:])
    sources = np.repeat(8 * names - starts[:-1], widths)
    sources += np.arange(len(sources), dtype=np.int32)
    return symbols[sources], starts[offsets]


def repeating_table(data: Data) -> tuple[Any, Any]:
    """Return 512 symbols end to end, those from 256 on for escaped bytes, and their lengths int32."""
    symbols, lengths = np.zeros((512, 8), np.uint8), np.zeros(512, np.int32)
    symbols[: len(data["lengths"])], lengths[: len(data["lengths"])] = data["symbols"], data["lengths"]
    symbols[256:, 0], lengths[256:] = np.arange(256), 1
    return symbols.reshape(-1), lengths


def into_a_buffer(case: Case, data: Data, queries: Sequence[Query]) -> Any:
    """Return a call of the tuned NumPy kernel that writes into the same arrays again and again."""
    kernel: Any = catalog.load_kernel("fsst", catalog.kernel_path("fsst", "tuned", "numpy"))
    state = kernel.prepare(np, data, **case.statics)
    text = simd.aligned((case.shape["capacity"] + kernel.SLACK,), np.uint8)
    ends = np.empty(case.shape["n"] + 1, np.int32)

    def call(i: int) -> tuple[Any, Any]:
        kernel.decode_into(state, queries[i % len(queries)], text, ends)
        return text[: -kernel.SLACK], ends

    return call


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, CALLS)
    truth: Any = target.audit(case, data, queries)
    texts, ends = truth.values
    arrays = [compressed(text[: end[-1]], end) for text, end in zip(texts, ends, strict=True)]
    flat = repeating_table(data)

    def agree(name: str, i: int, result: Any) -> None:
        if isinstance(result, pa.Array):
            _, offsets, text = result.cast(pa.string()).buffers()
            result = np.frombuffer(text, np.uint8), np.frombuffer(offsets, np.int32)
        total = ends[i][-1]
        if not np.array_equal(result[0][:total], texts[i][:total]) or not np.array_equal(result[1], ends[i]):
            raise ValueError(f"{name}: another text than the {total} bytes of page {i}, or other offsets")

    peers = {NUMPY: lambda i: by_repeating(*flat, queries[i % CALLS])}
    if all(array is not None for array in arrays):
        peers[arrays[0].id] = lambda i: arrays[i % CALLS].to_arrow_array()
    yield Contest(
        case,
        peers,
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        CALLS,
        beside={BUFFER: into_a_buffer(case, data, queries)},
    )


COMPARISON = Comparison(
    "fsst",
    ("vortex-data", "pyarrow"),
    cases,
    contests,
    rounds=9,
    begin=lambda: vortex.set_worker_threads(1),
)


def per_byte(figures: Iterable[dict[str, Any]]) -> str:
    """Return nanoseconds of CPU time for a byte of text, and whether the goal is met, for a person."""
    target = catalog.target("fsst")
    capacities = {c.name: c.shape["capacity"] for s in ("small", "standard", "large") for c in cases(target, s)}
    rows = []
    for one in figures:
        found = one["cpu_ns"] / capacities[one["case"]]
        held = one["name"] in {"numpy tuned", BUFFER}
        verdict = ("met" if found <= GOAL else "MISSED") if held else ""
        rows.append((one["case"], one["name"], f"{found:.4f}", verdict))
    return table(("case", "kernel", "ns/byte", f"goal {GOAL}"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--json", type=Path, default=None)
    chosen, rest = own.parse_known_args(given)
    with tempfile.TemporaryDirectory(prefix="lar-fsst-") as folder:
        path = chosen.json or Path(folder) / "figures.json"
        done = COMPARISON.main([*rest, "--json", str(path)])
        print(per_byte(json.loads(path.read_text(encoding="utf-8"))["figures"]))
    return done


if __name__ == "__main__":
    sys.exit(main())
