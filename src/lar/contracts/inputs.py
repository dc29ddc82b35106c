"""What a case is, what it costs, and what a reference says of it: frozen values, nothing that computes."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

MAX_ABS_ERR = 1e-4
"""Outer bound of an absolute error at unit scale; the rounding budget in `lar.oracle` is tighter nearly everywhere."""

NO_ID = 2**32 - 1
"""The id that pads a result. It is also a legal id, so validity is told by a count, never by this value."""

Array: TypeAlias = Any
"""An array of whichever namespace is at work."""

HostArray: TypeAlias = npt.NDArray[Any]
Tree: TypeAlias = Any
"""Arrays in nested dicts and tuples."""

Statics: TypeAlias = Mapping[str, Hashable]
Data: TypeAlias = Mapping[str, Any]
"""What `prepare` is given: a dict of NumPy arrays (or of dicts of them), by name."""

Query: TypeAlias = Tree
"""What one call of `run` is given besides the state: one array, or a tree of them."""

Outputs: TypeAlias = tuple[HostArray, ...]


@dataclass(frozen=True)
class Spec:
    """Shape and dtype of one output."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int:
        """Bytes of one such array."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Case:
    """One generated input, described and not yet built: shape x distribution x seed.

    Attributes
    ----------
    name : str
        Unique within its battery or its workloads; starts with the distribution.
    distribution : str
        The name of the generator's distribution.
    shape : mapping of str to int
        Every size the generator needs, by the field's letters (``dim m K N nq``).
    seed : int
        Seeds the data set and the pinned queries.
    statics : mapping
        Hashable keywords given alike to `prepare` and `run`.
    operations : int
        Operations in one call (queries, values, seeks): the divisor of every time per operation.
    data_key : str
        Cases with one key share one data set, which is built and prepared once.
    recorded : bool
        Whether its inputs are a user's own and not generated.
    """

    name: str
    distribution: str
    shape: Mapping[str, int]
    seed: int
    statics: Statics
    operations: int
    data_key: str
    recorded: bool = False


@dataclass(frozen=True)
class Cost:
    """The least that one call must do on any machine.

    Attributes
    ----------
    bytes : int
        Bytes that must move between memory and the processor.
    operations : mapping of str to int
        Arithmetic that must happen, by class: ``f32`` (additions and multiplications of float32) or ``u8`` (operations
        on bytes, the cheapest a vector unit has).
    """

    bytes: int
    operations: Mapping[str, int]


@dataclass(frozen=True)
class Growth:
    """How the time of a call may grow along one size.

    Attributes
    ----------
    cases : tuple of Case
        Of growing ``shape[size]``, all else alike.
    exponent : float
        The stated complexity: time grows no faster than the size to this power.
    """

    cases: tuple[Case, ...]
    exponent: float = 1.0


# ---- what a reference returns; the oracle compares by its type -------------------------------------------------------


@dataclass(frozen=True)
class Exact:
    """Outputs must be equal, bit for bit (integers and bytes)."""

    values: tuple[HostArray, ...]


@dataclass(frozen=True)
class Bounded:
    """Float outputs must lie within the rounding budget of the float64 values.

    Attributes
    ----------
    values : tuple of float64 arrays
    magnitudes : tuple of float64 arrays
        Sum of the absolute terms behind each value (S in the budget), same shapes.
    terms : int
        Length of the longest reduction behind a value.
    """

    values: tuple[HostArray, ...]
    magnitudes: tuple[HostArray, ...]
    terms: int


@dataclass(frozen=True)
class Ranked:
    """Outputs are (scores, ids) of the k best rows: right scores, of the right rows, in the right order, ties free.

    Attributes
    ----------
    best : float64 array (..., k') or None
        The reference's own k best scores, best first, with k' = min(k, rows). None: the ranks are not known, and only
        each returned id's score is checked.
    magnitudes : float64 array (..., k') or None
        S of each of `best`.
    score_of : callable
        ``ids int64 (..., k') -> (scores float64, magnitudes float64)`` of the same shape: the score of each id.
    rows : int
        Ids are below it.
    terms : int
        Length of the longest reduction behind a score.
    largest : bool
        Whether the best score is the largest one.
    score_bits : bool
        Whether scores are integers that must match exactly.
    """

    best: HostArray | None
    magnitudes: HostArray | None
    score_of: Callable[[HostArray], tuple[HostArray, HostArray]]
    rows: int
    terms: int
    largest: bool = False
    score_bits: bool = False


Truth: TypeAlias = Exact | Bounded | Ranked
