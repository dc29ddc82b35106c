"""What supervisor and worker say to each other: frames over one socket, arrays in sealed shared memory.

The worker runs code that nobody trusts, so: inputs lie in memory that the worker can map but never write (the seal is
the kernel's, not ours); every frame has a kind byte and a size limit; the frames of the timed path are fixed binary
records with a nonce, so that a stale or invented answer is told from the one asked for; nothing is ever unpickled.
Linux only: sealed memory and sequenced packets are what makes it safe.
"""

import fcntl
import math
import mmap
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from os import close
from typing import Any

import numpy as np

from lar.contracts import HostArray, Tree
from lar.trees import leaves

ALIGN = 64
FRAME_LIMIT = 180_000
RUN = struct.Struct("<8sIIII")
"""nonce, case, first slot, calls, mode (one of the two below)."""
DONE = struct.Struct("<8sIQQ")
"""nonce, calls, nanoseconds the worker claims, nanoseconds by device events (0 where there are none)."""
LATENCY, THROUGHPUT = 0, 1

# What the worker calls after a kernel was imported is captured here, before that.
_frombuffer, _copyto, _dtype, _prod = np.frombuffer, np.copyto, np.dtype, math.prod

_SEAL_SEAL, _SEAL_SHRINK, _SEAL_GROW, _SEAL_FUTURE_WRITE = 0x1, 0x2, 0x4, 0x10  # linux/fcntl.h
_ADD_SEALS = 1033


class Segment:
    """Shared memory that this process can write; `fd` is what the other side maps.

    Parameters
    ----------
    size : int
        Bytes.
    readonly : bool
        Whether everyone else is kept from writing, by a seal the operating system holds.
    """

    def __init__(self, size: int, *, readonly: bool) -> None:
        self.size = max(size, 1)
        self.fd = os.memfd_create("lar", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, self.size)
        self._map = mmap.mmap(self.fd, self.size)
        seals = _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEAL | (_SEAL_FUTURE_WRITE if readonly else 0)
        fcntl.fcntl(self.fd, _ADD_SEALS, seals)
        self.bytes: HostArray = np.frombuffer(self._map, np.uint8)

    def close(self) -> None:
        """Close the descriptor; the memory goes when the last view of it does."""
        os.close(self.fd)


def attach(fd: int, size: int, *, writable: bool) -> HostArray:
    """Map a segment of the other side and close `fd`; uint8 (size,), read-only unless asked otherwise."""
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    mapped = mmap.mmap(fd, max(size, 1), mmap.MAP_SHARED, protection)
    close(fd)
    return _frombuffer(mapped, np.uint8)


# ---- trees of arrays in a segment ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the leaves of a tree lie, from an origin.

    Attributes
    ----------
    form : JSON value
        The tree with each leaf replaced by its number.
    fields : tuple
        (offset, dtype, shape) of each leaf.
    size : int
        Bytes, a multiple of `ALIGN`.
    """

    form: Any
    fields: tuple[tuple[int, str, tuple[int, ...]], ...]
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"form": self.form, "fields": self.fields, "size": self.size}

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Layout":
        """Read what `to_json` wrote."""
        return Layout(value["form"], tuple((o, d, tuple(s)) for o, d, s in value["fields"]), value["size"])


def layout_of(tree: Tree) -> Layout:
    """Lay out a tree of NumPy arrays, or of anything with a shape and a dtype."""
    fields: list[tuple[int, str, tuple[int, ...]]] = []
    offset = 0
    for leaf in leaves(tree):
        dtype = np.dtype(leaf.dtype)
        fields.append((offset, dtype.str, tuple(int(n) for n in leaf.shape)))
        size = int(np.prod(leaf.shape, dtype=np.int64)) * dtype.itemsize
        offset += -(-size // ALIGN) * ALIGN
    return Layout(_form(tree, iter(range(len(fields)))), tuple(fields), max(offset, ALIGN))


def _form(tree: Tree, numbers: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _form(value, numbers) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return [_form(value, numbers) for value in tree]
    return next(numbers)


def view(memory: HostArray, layout: Layout, origin: int = 0) -> Tree:
    """Return the tree as arrays that look into `memory`."""
    arrays = []
    for offset, dtype, shape in layout.fields:
        start = origin + offset
        size = _prod(shape) * _dtype(dtype).itemsize
        arrays.append(memory[start : start + size].view(dtype).reshape(shape))
    return _fill(layout.form, arrays)


def _fill(form: Any, arrays: Sequence[HostArray]) -> Tree:
    if isinstance(form, dict):
        return {key: _fill(value, arrays) for key, value in form.items()}
    if isinstance(form, list):
        return tuple(_fill(value, arrays) for value in form)
    return arrays[form]


def write(memory: HostArray, layout: Layout, tree: Tree, origin: int = 0) -> None:
    """Copy a tree of NumPy arrays to where the layout puts it."""
    for target, source in zip(leaves(view(memory, layout, origin)), leaves(tree), strict=True):
        _copyto(target, source, casting="no")


# ---- frames --------------------------------------------------------------------------------------------------------


def send_json(channel: socket.socket, kind: bytes, value: Any, descriptors: Sequence[int] = ()) -> None:
    """Send one frame of JSON, with descriptors to share."""
    frame = kind + dumps(value, separators=(",", ":")).encode()
    if descriptors:
        socket.send_fds(channel, [frame], list(descriptors))
    else:
        channel.sendall(frame)
