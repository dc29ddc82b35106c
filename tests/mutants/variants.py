"""What a mutant is: a wrong computation, or a right one whose result is spoilt; and what an honest variant is.

A `Variant` either brings a kernel of its own, written against the array API so that it runs on every backend, or
spoils, on the host, what an honest kernel returned. A mutant names the kinds of failure it may be refused for: one that
is refused for another reason is refused by luck.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar.contracts import Case, Outputs

Kernel = Any
"""A module or an object with `prepare` and `run`; a `lar.contracts.Kernel` whose statics are named one by one."""


@dataclass(frozen=True)
class Answers:
    """What a spoiler may draw on.

    Attributes
    ----------
    case : Case
        The case at hand.
    outputs : tuple of arrays
        What the honest kernel returned for it.
    other_query : tuple of arrays
        What it returned for other queries of the same case.
    other_case : tuple of arrays or None
        What it returned for another case with outputs of the same shapes; None where the battery has no such case.
    """

    case: Case
    outputs: Outputs
    other_query: Outputs
    other_case: Outputs | None


Spoiler = Callable[[Answers], Any]


@dataclass(frozen=True)
class Variant:
    """A mutant, or an honest variant.

    Attributes
    ----------
    name : str
        What is wrong, or different, in a few words.
    kernel : Kernel or None
        What is run; None for the target's portable kernel.
    spoil : callable or None
        What is done to the outputs on the host; None for nothing.
    kinds : frozenset of str
        The kinds of failure that may refuse it; empty for an honest variant, which none may.
    needs : tuple of str
        Dtypes that a backend must have to run it (``float64``).
    """

    name: str
    kernel: Kernel | None = None
    spoil: Spoiler | None = None
    kinds: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()


def spoiled(name: str, spoil: Spoiler, *kinds: str) -> Variant:
    """Return a mutant that spoils an honest kernel's outputs."""
    return Variant(name, spoil=spoil, kinds=frozenset(kinds))


def wrong(name: str, kernel: Kernel, *kinds: str, needs: tuple[str, ...] = ()) -> Variant:
    """Return a mutant that computes something wrong."""
    return Variant(name, kernel, kinds=frozenset(kinds or ("value",)), needs=needs)


def honest(name: str, kernel: Kernel, needs: tuple[str, ...] = ()) -> Variant:
    """Return a variant that computes the right thing in another way."""
    return Variant(name, kernel, needs=needs)
