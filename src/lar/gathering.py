"""What `run` returned: copied out first, then held against its specs. The worker's side of the oracle.

Only plain tuples or lists of plain arrays are copied: a type that merely behaves like one could compute while it is
looked at, which is off the clock. The copying is kept short, since a kernel that has got at the worker's own code could
work in it, and what it may take is known; whatever takes longer to look at is looked at afterwards, when the outputs
are out of the kernel's reach. What is asked of NumPy here was captured before any kernel was imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lar.complaints import WrongOutputError
from lar.contracts import Backend, HostArray, Tree
from lar.trees import leaves

_dtype, _array_equal, _ndarray = np.dtype, np.array_equal, np.ndarray

_KEPT_BYTES = 4 << 20


def copy_out(backend: Backend, slots: Sequence[Sequence[HostArray]], outputs: Sequence[Any]) -> None:
    """Copy the outputs of one batch, call by call; the first that has not the form of an output ends it.

    Parameters
    ----------
    backend : Backend
        On which they were computed.
    slots : sequence of sequence of HostArray
        Where the outputs of each call go.
    outputs : sequence
        What the calls returned. What is wrong with them `Gatherer.hold` says.
    """
    get, native = backend.get, backend.native
    for slot, value in zip(slots, outputs, strict=False):  # the slots may be more
        if type(value) not in {tuple, list} or len(value) != len(slot):
            return
        for ours, one in zip(slot, value, strict=True):
            plain = type(one) is _ndarray
            if not plain and not native(one):
                return
            try:
                ours[...] = one if plain else get(one)  # 0.3 us; copyto takes 0.7
            except (TypeError, ValueError):  # another shape, a dtype that does not convert
                return


class Gatherer:
    """Checks outputs, and keeps the earliest ones of each form alive: no later one may lie where they do.

    Parameters
    ----------
    backend : Backend
        On which they were computed.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._overlap = getattr(backend.xp, "may_share_memory", _same_address)
        self._earlier: dict[Any, _Kept] = {}

    def hold(
        self, specs: Sequence[tuple[tuple[int, ...], str]], outputs: Sequence[Any], state: Tree, queries: Sequence[Tree]
    ) -> None:
        """Hold the outputs of one batch against what they must be.

        Parameters
        ----------
        specs : sequence of (shape, dtype)
            Of each output.
        outputs : sequence
            What the calls returned.
        state : tree of arrays
        queries : sequence of trees of arrays
            Whose memory the outputs may not share.

        Raises
        ------
        WrongOutputError
            With the kind ``type``, ``count``, ``shape``, ``dtype`` or ``alias``.
        """
        earlier = self._earlier.setdefault(tuple(specs), _Kept())
        seen: dict[int, int] = {}
        for slot, (value, query) in enumerate(zip(outputs, queries, strict=False)):  # the queries may be more
            self._form(specs, value)
            self._own_memory(value, (state, query, outputs[slot - 1] if slot else ()))
            for index, one in enumerate(value):
                address = _address(one)
                if address is not None and (address in earlier.arrays or seen.setdefault(address, slot) != slot):
                    raise WrongOutputError("alias", f"output {index} is the memory of an earlier output")
                self._typed(one, specs[index][1], index)
        earlier.keep(outputs)

    def forget(self) -> None:
        """Let go of the outputs of earlier batches."""
        self._earlier = {}

    def untouched(self, query: Tree, given: Tree) -> None:
        """Hold a query against what was given, after its call.

        Raises
        ------
        WrongOutputError
            With the kind ``mutated``.
        """
        for one, original in zip(leaves(query), leaves(given), strict=True):
            now, then = (np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in (self._backend.get(one), original))
            if not _array_equal(now, then):
                raise WrongOutputError("mutated", "run has changed its query")

    def _form(self, specs: Sequence[tuple[tuple[int, ...], str]], value: Any) -> None:
        if type(value) not in {tuple, list}:
            raise WrongOutputError("type", f"run returned a {type(value).__name__}, expected a tuple of arrays")
        if len(value) != len(specs):
            raise WrongOutputError("count", f"run returned {len(value)} outputs, expected {len(specs)}")
        for index, (one, (shape, _)) in enumerate(zip(value, specs, strict=True)):
            if not self._backend.native(one):
                kind, name = f"{type(one).__module__}.{type(one).__name__}", self._backend.name
                raise WrongOutputError("type", f"output {index} is a {kind}, expected an array of {name}")
            if tuple(one.shape) != shape:
                raise WrongOutputError("shape", f"output {index} has shape {list(one.shape)}, expected {list(shape)}")

    def _own_memory(self, value: Sequence[Any], foreign: Tree) -> None:
        for index, one in enumerate(value):
            if any(self._overlap(one, leaf) for leaf in leaves(foreign)):
                raise WrongOutputError("alias", f"output {index} shares memory with an input or an earlier output")

    def _typed(self, one: Any, dtype: str, index: int) -> None:
        found, expected = self._backend.get(one).dtype, _dtype(dtype)
        if found != expected:
            raise WrongOutputError("dtype", f"output {index} is {found}, expected {expected.name}")


@dataclass
class _Kept:
    """Arrays by their address: as long as they are kept, nobody can be given their memory by an allocator."""

    arrays: dict[int, Any] = field(default_factory=dict)
    size: int = 0

    def keep(self, outputs: Sequence[Any]) -> None:
        """Keep what there is room for."""
        for one in leaves(list(outputs)):
            address = _address(one)
            if self.size >= _KEPT_BYTES or address is None:
                return
            self.arrays[address] = one
            self.size += one.nbytes


def _same_address(one: Any, other: Any) -> bool:
    address = _address(one)
    return address is not None and address == _address(other)


def _address(array: Any) -> int | None:
    """Return where an array's memory begins; None for an empty one, and for JAX's, which cannot be written."""
    if not getattr(array, "nbytes", 0):  # the strict namespaces' arrays do not tell, and are never timed
        return None
    if hasattr(array, "__array_interface__"):
        return int(array.__array_interface__["data"][0])
    if hasattr(array, "data_ptr"):
        return int(array.data_ptr())  # torch
    return getattr(array.data, "ptr", None) if hasattr(array, "data") else None  # CuPy
