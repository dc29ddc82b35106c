"""What breaks the contract of `dictionary`, in one line that says where."""

import numpy as np

from lar.contracts import Case, Data, HostArray, Query
from lar.errors import BadInputError

from .lengths import capacity_of

KINDS = ("fixed", "utf8")
LARGEST = 2**31 - 1
"""Offsets are int32."""


def check(case: Case, data: Data) -> None:
    """Hold a dictionary against the contract.

    Raises
    ------
    BadInputError
        An unknown kind of value, a capacity out of range, a wrong dtype or shape, offsets that run backwards or past
        the bytes, or an entry that is no UTF-8; with its place.
    """
    kind, K, room = case.statics["kind"], case.shape["K"], capacity_of(case)
    if kind not in KINDS:
        raise BadInputError(f"{case.name}: the kind is {kind!r}, expected one of {', '.join(KINDS)}")
    lowest, highest = (0, 0) if kind == "fixed" else (1, LARGEST)
    if not lowest <= room <= highest:
        raise BadInputError(f"{case.name}: the capacity is {room}, expected {lowest} to {highest} for {kind} values")
    wanted: dict[str, tuple[type, tuple[int | None, ...]]] = {"values": (np.int32, (K, case.shape.get("W")))}
    if kind == "utf8":
        wanted = {"offsets": (np.int32, (K + 1,)), "bytes": (np.uint8, (None,))}
    for name, (dtype, shape) in wanted.items():
        _of_form(case, name, data[name], dtype, shape)
    if kind == "utf8":
        _strings(case, data["offsets"], data["bytes"])


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a page against the contract.

    Raises
    ------
    BadInputError
        A wrong dtype or shape, a bitmap that is too short, a code at a place that is not null and beyond the
        dictionary, with its place, or strings of more bytes than int32 offsets reach.
    """
    codes, validity = query["codes"], query["validity"]
    n, K = case.shape["n"], case.shape["K"]
    _of_form(case, "codes", codes, np.dtype(f"u{case.shape['code']}").type, (n,))
    _of_form(case, "validity", validity, np.uint8, (None,))
    if validity.size < -(-n // 8):
        raise BadInputError(
            f"{case.name}: validity has {validity.size} bytes, expected at least {-(-n // 8)} for {n} places"
        )
    valid = np.unpackbits(validity, count=n, bitorder="little") == 1
    beyond = valid & (codes >= K)
    if beyond.any():
        place = int(np.argmax(beyond))
        raise BadInputError(
            f"{case.name}: codes[{place}] is {codes[place]} and not null, expected a code below K = {K}"
        )
    if case.statics["kind"] == "utf8":
        total = int(np.diff(data["offsets"].astype(np.int64))[codes[valid]].sum())
        if total > LARGEST:
            raise BadInputError(f"{case.name}: the strings take {total} bytes, expected at most {LARGEST}")


def _of_form(case: Case, name: str, array: HostArray, dtype: type, shape: tuple[int | None, ...]) -> None:
    """Refuse an array of another dtype or shape; a dimension that is None may have any size."""
    found = tuple(None if wanted is None else size for size, wanted in zip(array.shape, shape, strict=False))
    if array.dtype != dtype or array.ndim != len(shape) or found != shape:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise BadInputError(
            f"{case.name}: {name} is {array.dtype}{list(array.shape)}, expected {np.dtype(dtype)}[{wanted}]"
        )


def _strings(case: Case, offsets: HostArray, octets: HostArray) -> None:
    """Refuse offsets that are none, and entries that are no UTF-8 each by itself."""
    if offsets[0] < 0:
        raise BadInputError(f"{case.name}: offsets[0] is {offsets[0]}, expected 0 or more")
    backwards = offsets[1:] < offsets[:-1]
    if backwards.any():
        k = int(np.argmax(backwards))
        raise BadInputError(
            f"{case.name}: offsets[{k + 1}] is {offsets[k + 1]}, expected at least offsets[{k}] = {offsets[k]}"
        )
    if offsets[-1] > octets.size:
        k = int(np.argmax(offsets > octets.size))
        raise BadInputError(
            f"{case.name}: offsets[{k}] is {offsets[k]}, expected at most the {octets.size} bytes there are"
        )
    first, place, reason = int(offsets[0]), -1, ""
    try:
        octets[first : offsets[-1]].tobytes().decode()
    except UnicodeDecodeError as error:
        place, reason = first + error.start, error.reason
    # What is UTF-8 as a whole may still be cut within a character, whose bytes but the first are 10xxxxxx.
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    cut = starts[(octets[starts] & 0xC0) == 0x80]
    if cut.size and not 0 <= place < cut[0]:
        place, reason = int(cut[0]), "it begins within a character"
    if place >= 0:
        k = int(np.searchsorted(offsets, place, side="right")) - 1
        raise BadInputError(f"{case.name}: entry {k} is no UTF-8 at bytes[{place}], {octets[place]:#04x}: {reason}")
