"""Mutants of any target: what can be done to right outputs that the oracle must refuse on some case of the battery.

A mutant is given the right outputs and what else there is, and returns wrong ones; None where it has nothing to spoil.
Those of a target's computation (low precision, a cancelling rewrite) are its own, under ``tests/mutants``; these need
nothing but outputs, so that a target of one's own is held against them from its first day.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lar.contracts import NO_ID, HostArray, Outputs, Ranked, Spec, Truth


@dataclass(frozen=True)
class Answers:
    """What a mutant may draw on.

    Attributes
    ----------
    outputs : tuple of arrays
        The right ones.
    truth : Truth
        What they are held against.
    specs : tuple of Spec
        Of the outputs.
    other_call : tuple of arrays
        What the same case returned for another query.
    other_case : tuple of arrays or None
        What another case with outputs of the same specs returned.
    """

    outputs: Outputs
    truth: Truth
    specs: tuple[Spec, ...]
    other_call: Outputs
    other_case: Outputs | None


Mutant = Callable[[Answers], Any]
_Change = Callable[[HostArray], HostArray | None]


class Subclass(np.ndarray[Any, Any]):
    """Equal to its own type only by looks."""


def _each(change: _Change) -> Mutant:
    """Spoil every output alike."""

    def spoil(answers: Answers) -> Any:
        changed = [change(array) for array in answers.outputs]
        return None if any(array is None for array in changed) else tuple(changed)

    return spoil


def _some(kinds: str, change: _Change) -> Mutant:
    """Spoil the outputs whose dtype is of these kinds, where there are any."""

    def spoil(answers: Answers) -> Any:
        changed = [change(array) if array.dtype.kind in kinds and array.size else None for array in answers.outputs]
        if all(array is None for array in changed):
            return None
        return tuple(old if new is None else new for old, new in zip(answers.outputs, changed, strict=True))

    return spoil


def _ids(change: _Change) -> Mutant:
    """Spoil the ids of a top-k; `change` computes in int64."""

    def spoil(answers: Answers) -> Any:
        if not isinstance(answers.truth, Ranked):
            return None
        scores, ids = answers.outputs
        changed = change(ids.astype(np.int64))
        return None if changed is None else (scores, np.asarray(changed).astype(ids.dtype))

    return spoil


def _set(array: HostArray, place: Any, value: Any) -> HostArray:
    out = array.copy()
    out[place] = value
    return out


def _flat(array: HostArray, place: int, value: Any) -> HostArray:
    out = array.copy()
    out.reshape(-1)[place] = value
    return out


def _bytes(byte: int) -> _Change:
    return lambda x: np.full(x.nbytes, byte, np.uint8).view(x.dtype).reshape(x.shape)


def _kept_bits(bits: int) -> _Change:
    """Round float32 to so many explicit bits of mantissa, ties to even."""

    def rounded(array: HostArray) -> HostArray | None:
        if array.dtype != np.float32:
            return None
        drop = 23 - bits
        word = np.ascontiguousarray(array).view(np.uint32).astype(np.uint64)
        word = (word + ((1 << (drop - 1)) - 1) + ((word >> np.uint64(drop)) & np.uint64(1))) >> np.uint64(drop)
        out = (word << np.uint64(drop)).astype(np.uint32).view(np.float32)
        return np.where(np.isfinite(array), out, array)

    return rounded


def _sign_flipped(array: HostArray) -> HostArray | None:
    places = np.flatnonzero(np.isfinite(array.reshape(-1)) & (array.reshape(-1) != 0))
    return _flat(array, places[len(places) // 2], -array.reshape(-1)[places[len(places) // 2]]) if len(places) else None


def _wider(array: HostArray) -> HostArray:
    return array.astype({"f": np.float64, "i": np.int64, "u": np.int64}.get(array.dtype.kind, np.uint8))


def _along(change: _Change) -> _Change:
    """Do it along the last axis, where that is longer than one."""
    return lambda x: change(x) if x.ndim and x.shape[-1] > 1 else None


def _rows(change: _Change) -> _Change:
    """Do it along the first of several axes or of several operations, where that is longer than one."""
    return lambda x: change(x) if x.ndim and x.shape[0] > 1 else None


def _half(array: HostArray) -> HostArray:
    return _set(array, slice(len(array) // 2, None), 0)


def _best_missed(answers: Answers) -> Any:
    """Return ranks 2 to k and the last of them once more, with another row: one that is worse than all."""
    truth = answers.truth
    if not isinstance(truth, Ranked) or answers.outputs[1].shape[-1] >= truth.rows:
        return None
    scores, ids = answers.outputs
    taken = ids.reshape(-1, ids.shape[-1])
    fresh = np.array([np.setdiff1d(np.arange(len(row) + 1), row)[0] for row in taken]).reshape(ids.shape[:-1])
    chosen = np.concatenate([ids[..., 1:].astype(np.int64), fresh[..., None]], axis=-1)
    own, _ = truth.score_of(np.ascontiguousarray(chosen))
    order = np.argsort(-own if truth.largest else own, axis=-1, kind="stable")
    best = np.take_along_axis(own, order, axis=-1).astype(scores.dtype)
    return best, np.take_along_axis(chosen, order, axis=-1).astype(ids.dtype)


def _swapped(array: HostArray) -> HostArray:
    return np.ascontiguousarray(array[..., [1, 0, *range(2, array.shape[-1])]])


def _padding_of_zeros(answers: Answers) -> Any:
    if not isinstance(answers.truth, Ranked) or not np.any(answers.outputs[1] == NO_ID):
        return None
    padding = answers.outputs[1] == NO_ID
    return tuple(np.where(padding, x.dtype.type(0), x) for x in answers.outputs)


MUTANTS: dict[str, Mutant] = {
    # the form
    "nothing": lambda _: (),
    "one output fewer": lambda a: a.outputs[:-1],
    "one output more": lambda a: (*a.outputs, a.outputs[0]),
    "lists": lambda a: [array.tolist() for array in a.outputs],
    "a subclass of array": lambda a: tuple(array.view(Subclass) for array in a.outputs),
    "a wider dtype that compares equal": _each(_wider),
    "the other byte order": _each(lambda x: x.astype(x.dtype.newbyteorder(">")) if x.itemsize > 1 else None),
    "a scalar to be broadcast": _each(lambda x: x.reshape(-1)[0] + np.zeros((), x.dtype) if x.size else None),
    "one axis more": _each(lambda x: x[None]),
    "the last element dropped": _each(lambda x: x[..., :-1] if x.ndim else None),
    # the content
    "zeros": _each(np.zeros_like),
    "constants": _each(np.ones_like),
    "NaN": _some("f", lambda x: np.full_like(x, np.nan)),
    "one NaN, the last": _some("f", lambda x: _flat(x, -1, np.nan)),
    "infinity": _some("f", lambda x: np.full_like(x, np.inf)),
    "memory poisoned with 0xCD": _each(_bytes(0xCD)),
    "memory never written, 0xFF": _each(_bytes(0xFF)),
    "another case's output": lambda a: a.other_case,
    "an earlier call's output": lambda a: a.other_call,
    "the last element never computed": _each(lambda x: _flat(x, -1, 0) if x.size else None),
    "the first element never computed": _each(lambda x: _flat(x, 0, 0) if x.size else None),
    "shifted by one": _each(_along(lambda x: np.roll(x, 1, axis=-1))),
    "reversed": _each(_along(lambda x: np.ascontiguousarray(x[..., ::-1]))),
    "two neighbours swapped": _each(_along(_swapped)),
    "the first element everywhere": _each(_along(lambda x: np.repeat(x[..., :1], x.shape[-1], axis=-1))),
    "right for the first row only": _each(_rows(lambda x: np.repeat(x[:1], len(x), axis=0))),
    "right for the first half only": _each(_rows(_half)),
    # numbers
    "one sign flipped": _some("f", _sign_flipped),
    "one part in a thousand off": _some("f", lambda x: x * x.dtype.type(1.001)),
    "rounded to ten bits, as float16": _some("f", _kept_bits(10)),
    "rounded to seven bits, as bfloat16": _some("f", _kept_bits(7)),
    "swapped bytes": _each(lambda x: x.byteswap() if x.itemsize > 1 else None),
    "integers one too high": _some("iu", lambda x: x + x.dtype.type(1)),
    "one integer one too high, the last": _some("iu", lambda x: _flat(x, -1, x.reshape(-1)[-1] ^ x.dtype.type(1))),
    "integers cut to a byte": _some("iu", lambda x: x & x.dtype.type(0x7F)),
    "integers of 32 bits overflown": _some(
        "iu", lambda x: (x.view(np.uint32) ^ np.uint32(1 << 31)).view(x.dtype) if x.itemsize == 4 else None
    ),
    # a top-k
    "ids one too low": _ids(lambda i: i - 1),
    "ids duplicated": _ids(_along(lambda i: np.repeat(i[..., :1], i.shape[-1], axis=-1))),
    "ids all zero": _ids(np.zeros_like),
    "ids reversed under right scores": _ids(_along(lambda i: i[..., ::-1])),
    "the best one missed": _best_missed,
    "padding of zeros": _padding_of_zeros,
}
"""By name, in the order they are reported."""
