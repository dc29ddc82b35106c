"""One text for one value: what an entry's hash covers must be written the same way whoever writes it.

Canonical JSON: keys sorted, no spaces, Unicode as it is, the shortest digits that give a number back. JSON has neither
NaN nor infinity, and a trial that ran into one must still be journaled, so they become null. Lone surrogates (the bytes
of a file name that is not UTF-8, as Python holds them) stay escaped, since UTF-8 cannot say them.
"""

import dataclasses
import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def canonical(value: Any) -> str:
    """Return a value as canonical JSON.

    Parameters
    ----------
    value
        Mappings with texts for keys, sequences, sets, texts, numbers, booleans and None; dataclasses, enumerations,
        paths, times, and NumPy's arrays and scalars as what they hold.

    Raises
    ------
    TypeError
        For anything else. Bytes belong in a blob.
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def link(seq: int, at: str, kind: str, slot: str, trial: int | None, body: str, previous: str) -> str:
    """Return the hash of an entry: SHA-256 of its columns, as a canonical JSON object by column name."""
    columns = {"seq": seq, "at": at, "kind": kind, "slot": slot, "trial": trial, "body": body, "previous": previous}
    return digest(canonical(columns).encode())


def digest(content: bytes) -> str:
    """Return the SHA-256 of some content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def pack(content: bytes) -> bytes:
    """Return the content compressed, or as it is where that is not longer."""
    packed = zlib.compress(content, 6)
    return packed if len(packed) < len(content) else content


def unpack(packed: bytes, size: int, name: str) -> bytes:
    """Return a content that was packed, by its size and its digest.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    content = packed
    if len(packed) != size:
        try:
            content = zlib.decompressobj().decompress(packed, size + 1)  # damage must not unfold into all of memory
        except zlib.error as error:
            raise ValueError(str(error)) from None
    if digest(content) != name:
        raise ValueError(f"is not the content {name}")
    return content


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, (bool, int)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return _plain_compound(value)


def _plain_compound(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(one) for one in value), key=canonical)
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written into the journal")


def _key(key: Any) -> str:
    plain = _plain(key)
    if not isinstance(plain, str):
        raise TypeError(f"{key!r} is not a text: JSON has no other keys")
    return plain
