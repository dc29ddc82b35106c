"""The variants of `dictionary`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from typing import Any

from tests.mutants.dictionary_mutants import COMPUTED, at_nulls, bits_of
from tests.mutants.dictionary_spoilt import SPOILT
from tests.mutants.dictionary_steps import Steps, nulls_behind
from tests.mutants.variants import Answers, Variant, honest

from lar.contracts import Array, HostArray


def _frozen(answers: Answers) -> tuple[HostArray, ...]:
    found = tuple(array.copy() for array in answers.outputs)
    for array in found:
        array.setflags(write=False)
    return found


def by_multiplication(xp: Any, codes: Array, valid: Array, K: int) -> Array:
    """Choose by arithmetic and not by a condition."""
    kept = xp.astype(valid, xp.int32)
    return codes * kept + K * (1 - kept)


def sorted_first(xp: Any, codes: Array, valid: Array, K: int) -> Array:
    """Sort the entries and put them back."""
    entries = nulls_behind(xp, codes, valid, K)
    order = xp.astype(xp.argsort(entries, stable=True), xp.int32)
    return xp.take(xp.take(entries, order), xp.astype(xp.argsort(order, stable=True), xp.int32))


MUTANTS: list[Variant] = [*COMPUTED, *SPOILT]
HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("read-only", spoil=_frozen),
    honest("step by step", Steps()),
    honest("bit by bit", Steps(lambda xp, bitmap, n: bits_of(bitmap, lambda i: i, xp, n))),
    honest("nulls chosen by arithmetic", Steps(entries=by_multiplication)),
    honest("nulls overwritten in the end", Steps(words=at_nulls(0))),
    honest("entries sorted, then put back", Steps(entries=sorted_first)),
]
