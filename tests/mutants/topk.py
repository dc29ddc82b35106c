"""Mutants of any top-k target whose outputs are (scores float32, ids uint32), smallest score best."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.mutants.variants import Answers, Kernel, Spoiler, Variant, spoiled, wrong

from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree

MAX_FLOAT32 = float(np.finfo(np.float32).max)


def mutants(kernel: Kernel) -> list[Variant]:
    """Return the mutants; `kernel` is the honest one that some of them run with another k."""
    return [*_CONTENT, *_ORDER, *_IDS, *_PADDING, *_FORM, *_of_a_larger_k(kernel)]


def scores(function: Any) -> Spoiler:
    """Spoil the scores alone."""
    return lambda a: (function(a.outputs[0]).astype(np.float32), a.outputs[1])


def ids(function: Any) -> Spoiler:
    """Spoil the ids alone; `function` computes in int64."""
    return lambda a: (a.outputs[0], function(a.outputs[1].astype(np.int64)).astype(np.uint32))


def each(function: Any) -> Spoiler:
    """Spoil scores and ids alike."""
    return lambda a: tuple(np.ascontiguousarray(function(array)) for array in a.outputs)


def _put(array: HostArray, value: float, place: Any = ...) -> HostArray:
    out = array.copy()
    out[place] = value
    return out


def _bytes(array: HostArray, byte: int) -> HostArray:
    return np.full(array.nbytes, byte, np.uint8).view(array.dtype).reshape(array.shape)


def _root(array: HostArray) -> HostArray:
    with np.errstate(invalid="ignore"):
        root: HostArray = np.sqrt(array)
    return root


def _as_honest(outputs: Any, answers: Answers) -> Any:
    return answers.outputs if outputs is None else outputs


_CONTENT = [
    spoiled("zeros", each(np.zeros_like), "duplicate", "padding"),
    spoiled("zero scores", scores(np.zeros_like), "value", "padding"),
    spoiled("constant scores", scores(lambda s: _put(s, 1.0)), "value", "padding"),
    spoiled("NaN scores", scores(lambda s: _put(s, np.nan)), "nan"),
    spoiled("one NaN, the last score", scores(lambda s: _put(s, np.nan, (-1, -1))), "nan", "padding"),
    spoiled("infinite scores", scores(lambda s: _put(s, np.inf)), "nan"),
    spoiled("memory poisoned with 0xCD", each(lambda x: _bytes(x, 0xCD)), "range"),
    spoiled("memory poisoned with 0xFF", each(lambda x: _bytes(x, 0xFF)), "nan"),
    spoiled("one poisoned row, the last", each(lambda x: np.concatenate([x[:-1], _bytes(x[-1:], 0xCD)])), "range"),
    spoiled("the answer to another case", lambda a: _as_honest(a.other_case, a), "value", "range", "padding", "nan"),
    spoiled("the answer to the call before", lambda a: a.other_query, "value"),
    spoiled("the first query's answer to all", each(lambda x: np.repeat(x[:1], len(x), axis=0)), "value"),
    spoiled("answers in the order of other queries", each(lambda x: np.roll(x, 1, axis=0)), "value"),
    spoiled("square roots of the scores", scores(_root), "value", "nan"),  # of negative ones there is none
    spoiled("half the scores", scores(lambda s: s * 0.5), "value"),
    spoiled("negative scores", scores(np.negative), "order", "value", "padding"),
    spoiled("scores off by one part in 100,000", scores(lambda s: s * np.float32(1.00001)), "value"),
    spoiled("swapped bytes in the scores", scores(lambda s: s.byteswap()), "nan", "order", "value", "padding"),
]

_ORDER = [
    spoiled("worst first", each(lambda x: x[:, ::-1]), "order", "nan"),
    spoiled("two neighbours swapped", each(lambda x: x[:, [1, 0, *range(2, x.shape[1])]]), "order", "nan"),
    spoiled("sorted by id", lambda a: _by_id(*a.outputs), "order"),
    spoiled("scores sorted, ids not", ids(lambda i: np.sort(i, axis=1)), "value"),
    spoiled("ids reversed under right scores", ids(lambda i: i[:, ::-1]), "value", "range"),
    spoiled(
        "the best one again", each(lambda x: np.concatenate([x[:, :1], x[:, :-1]], axis=1)), "duplicate", "padding"
    ),
    spoiled("last result missing", lambda a: _last_missing(*a.outputs), "nan"),
]

_IDS = [
    spoiled("ids one too high", ids(lambda i: i + 1), "value", "range"),
    spoiled("ids one too low", ids(lambda i: i - 1), "value", "range"),
    spoiled(
        "garbage ids under right scores",
        ids(lambda i: np.broadcast_to(np.arange(i.shape[1]), i.shape)),
        "value",
        "padding",
    ),
    spoiled("ids cut to a byte", ids(lambda i: i & 0xFF), "value", "duplicate", "padding"),
    spoiled("ids cut to eleven bits", ids(lambda i: i & 0x7FF), "value", "duplicate", "padding"),
    spoiled("ids all zero", ids(np.zeros_like), "duplicate", "padding"),
    spoiled("ids never written", ids(lambda i: _put(i, NO_ID)), "range"),
    spoiled("swapped bytes in the ids", ids(lambda i: i.astype(np.uint32).byteswap()), "range", "value"),
]

_PADDING = [
    spoiled("padding of zeros", lambda a: _padded(a, 0.0, 0), "padding"),
    spoiled("padding scores of the largest float32", lambda a: _padded(a, MAX_FLOAT32, NO_ID), "padding"),
    spoiled("padding ids of zero", lambda a: _padded(a, np.inf, 0), "padding"),
    spoiled("padding ids of N", lambda a: _padded(a, np.inf, int(np.sum(a.outputs[1][0] != NO_ID))), "padding"),
    spoiled("padding of NaN", lambda a: _padded(a, np.nan, NO_ID), "padding"),
]


class Subclass(np.ndarray[Any, Any]):
    """Equal to its own type only by looks."""


_FORM = [
    spoiled("float64 scores", lambda a: (a.outputs[0].astype(np.float64), a.outputs[1]), "dtype"),
    spoiled("float16 scores", lambda a: (a.outputs[0].astype(np.float16), a.outputs[1]), "dtype"),
    spoiled("big-endian scores", lambda a: (a.outputs[0].astype(">f4"), a.outputs[1]), "dtype"),
    spoiled("int64 ids", lambda a: (a.outputs[0], a.outputs[1].astype(np.int64)), "dtype"),
    spoiled("int32 ids", lambda a: (a.outputs[0], a.outputs[1].view(np.int32)), "dtype"),
    spoiled("ids and scores swapped", lambda a: a.outputs[::-1], "dtype"),
    spoiled("one row to be broadcast", each(lambda x: x[:1]), "shape"),
    spoiled("a scalar to be broadcast", each(lambda x: x[0, 0]), "shape"),
    spoiled("transposed", each(lambda x: x.T), "shape"),
    spoiled("flattened", each(lambda x: x.reshape(-1)), "shape"),
    spoiled("one axis more", each(lambda x: x[None]), "shape"),
    spoiled("one result fewer", each(lambda x: x[:, :-1]), "shape"),
    spoiled("no ids", lambda a: a.outputs[:1], "count"),
    spoiled("an output more", lambda a: (*a.outputs, a.outputs[0]), "count"),
    spoiled("nothing", lambda a: None, "type"),
    spoiled("lists", lambda a: tuple(array.tolist() for array in a.outputs), "type"),
    spoiled("a subclass of array", lambda a: tuple(array.view(Subclass) for array in a.outputs), "type"),
    spoiled("one array of both", lambda a: np.stack(a.outputs), "type"),
]


def _by_id(scores: HostArray, ids: HostArray) -> tuple[HostArray, HostArray]:
    order = np.argsort(ids, axis=1)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


def _last_missing(scores: HostArray, ids: HostArray) -> tuple[HostArray, HostArray]:
    last = (slice(None), int(np.sum(ids[0] != NO_ID)) - 1)
    return _put(scores, np.inf, last), _put(ids, NO_ID, last)


def _padded(answers: Answers, score: float, row: int) -> tuple[HostArray, HostArray]:
    scores, ids = answers.outputs
    padding = ids == NO_ID
    return np.where(padding, np.float32(score), scores), np.where(padding, np.uint32(row), ids)


@dataclass(frozen=True)
class _OneMore:
    """The honest kernel asked for k + 1; `scores` and `ids` say which k of them are returned."""

    kernel: Kernel
    scores: Any
    ids: Any

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        return self.kernel.prepare(xp, data, k=k + 1)

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        scores, ids = self.kernel.run(xp, state, query, k=k + 1)
        return self.scores(xp, scores), self.ids(xp, ids)


def _of_a_larger_k(kernel: Kernel) -> list[Variant]:
    def skip_kth(xp: Any, x: Array) -> Array:
        return xp.concat([x[:, :-2], x[:, -1:]], axis=1)

    def first(xp: Any, x: Array) -> Array:
        return x[:, :-1]

    def second(xp: Any, x: Array) -> Array:
        return x[:, 1:]

    return [
        wrong("k-th and (k+1)-th swapped", _OneMore(kernel, skip_kth, skip_kth), "value", "nan"),
        wrong("the best one missed", _OneMore(kernel, second, second), "value", "nan"),
        wrong("right ids, the next ones' scores", _OneMore(kernel, second, first), "value", "nan"),
        wrong("right scores, the next ones' ids", _OneMore(kernel, first, second), "value", "range"),
    ]
