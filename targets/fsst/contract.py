"""What `fsst` takes and returns: the form of its data, of its pages and of its results, the least work, recorded pages.

``codes u8[bytes], offsets i32[n + 1], symbols u8[S, 8], lengths u8[S] -> text u8[capacity], offsets i32[n + 1]``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lar.contracts import Case, Cost, Data, HostArray, Query, Spec
from lar.errors import BadInputError

from .encoding import ESCAPE, LONGEST, MOST

LARGEST = 2**31 - 1
"""Bytes of text that offsets of int32 can number."""


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (text, offsets)."""
    return Spec((case.shape["capacity"],), "uint8"), Spec((case.shape["n"] + 1,), "int32")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read the offsets, write text and offsets, read a code for eight bytes.

    No symbol is longer than eight bytes; how many codes a page really has depends on its text.
    """
    n, capacity = case.shape["n"], case.shape["capacity"]
    return Cost(8 * (n + 1) + capacity + min(case.shape["bytes"], capacity // LONGEST), {})


def data_bytes(case: Case) -> int:
    """Return the most bytes that a symbol table takes."""
    del case
    return MOST * (LONGEST + 1)


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own table and pages."""
    del data
    n, room, capacity = len(query["offsets"]) - 1, len(query["codes"]), int(statics["capacity"])
    sizes = {"n": n, "bytes": room, "capacity": capacity}
    return Case(
        name, "recorded", sizes, 0, {"capacity": capacity}, max(capacity, 1), f"recorded/n{n}/{capacity}/{name}"
    )


def check(case: Case, data: Data) -> None:
    """Hold a symbol table against the contract.

    Raises
    ------
    BadInputError
        A wrong dtype or shape, more than 255 symbols, a symbol of no byte or of more than 8, with its code; a capacity
        out of range, or a static that is not that of the shape.
    """
    symbols, lengths = data["symbols"], data["lengths"]
    _form(case, "symbols", symbols, (np.uint8, "[S, 8]"), symbols.ndim == 2 and symbols.shape[1:] == (LONGEST,))
    if len(symbols) > MOST:
        raise BadInputError(
            f"{case.name}: {len(symbols)} symbols, expected at most {MOST}: code {ESCAPE} is the escape"
        )
    _form(case, "lengths", lengths, (np.uint8, f"[{len(symbols)}]"), lengths.shape == (len(symbols),))
    wrong = np.flatnonzero((lengths < 1) | (lengths > LONGEST))
    if wrong.size:
        raise BadInputError(
            f"{case.name}: lengths[{wrong[0]}] is {lengths[wrong[0]]}, expected symbols of 1 to {LONGEST} bytes"
        )
    capacity, static = case.shape["capacity"], case.statics["capacity"]
    if static != capacity:
        raise BadInputError(f"{case.name}: the static capacity is {static}, expected {capacity} as its shape")
    if not 1 <= capacity <= LARGEST:
        raise BadInputError(f"{case.name}: capacity is {capacity}, expected 1 to {LARGEST}")


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a page against the contract.

    Raises
    ------
    BadInputError
        A wrong dtype or shape, offsets that do not begin at 0, run backwards or past the codes; a string that ends in
        an escape; a code that has no symbol; with the place; more text than offsets can number.
    """
    codes, offsets = query["codes"], query["offsets"]
    n, room = case.shape["n"], case.shape["bytes"]
    _form(case, "codes", codes, (np.uint8, f"[{room}]"), codes.shape == (room,))
    _form(case, "offsets", offsets, (np.int32, f"[{n + 1}]"), offsets.shape == (n + 1,))
    if offsets[0] != 0:
        raise BadInputError(f"{case.name}: offsets[0] is {offsets[0]}, expected 0")
    falls = np.flatnonzero(offsets[1:] < offsets[:-1])
    if falls.size:
        raise BadInputError(
            f"{case.name}: offsets[{falls[0] + 1}] is {offsets[falls[0] + 1]} after {offsets[falls[0]]}, expected"
            " offsets that do not run backwards"
        )
    if offsets[-1] > room:
        past = int(np.argmax(offsets > room))
        raise BadInputError(f"{case.name}: offsets[{past}] is {offsets[past]}, past the {room} bytes of codes")
    _check_codes(case, data, codes[: offsets[-1]], offsets)


def _check_codes(case: Case, data: Data, codes: HostArray, offsets: HostArray) -> None:
    """Tell symbols, escapes and escaped bytes apart: in a run of 255, the first, third, ... are escapes."""
    place = np.arange(len(codes))
    escape = codes == ESCAPE
    last = np.maximum.accumulate(np.where(escape, -1, place)) if len(codes) else place
    escape &= (place - last) % 2 == 1
    full = np.flatnonzero(np.diff(offsets))
    cut = full[escape[offsets[full + 1] - 1]]
    if cut.size:
        end = offsets[cut[0] + 1] - 1
        raise BadInputError(f"{case.name}: string {cut[0]} ends in an escape, codes[{end}], expected a byte behind it")
    literal = np.zeros(len(codes), bool)
    literal[1:] = escape[:-1]
    symbols = len(data["lengths"])
    unknown = np.flatnonzero(~escape & ~literal & (codes >= symbols))
    if unknown.size:
        at = unknown[0]
        number = int(np.searchsorted(offsets, at, side="right")) - 1
        raise BadInputError(
            f"{case.name}: in string {number}, codes[{at}] is {codes[at]}, expected a code below {symbols}, the number"
            " of symbols"
        )
    widths = np.append(data["lengths"], np.zeros(ESCAPE + 1 - symbols, np.uint8)).astype(np.int64)
    total = int(np.where(literal, 1, widths[codes]).sum())
    if total > LARGEST:
        raise BadInputError(f"{case.name}: the strings have {total} bytes, expected at most {LARGEST}")


def _form(case: Case, name: str, array: HostArray, wanted: tuple[Any, str], shaped: bool) -> None:
    dtype, shape = wanted
    if array.dtype != dtype or not shaped:
        found = f"{array.dtype}{list(array.shape)}"
        raise BadInputError(f"{case.name}: {name} is {found}, expected {np.dtype(dtype)}{shape}")
