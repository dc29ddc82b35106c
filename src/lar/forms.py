"""What targets say of arrays, sizes and keywords that are not as their contract has them: where, what, what instead.

Arrays may be somebody's own (`lar.recorded`), so everything is held that a kernel relies on, in one line each.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lar.contracts import Case, HostArray
from lar.errors import BadInputError

LARGEST = 2**31 - 1
"""The largest size that an int32 counts."""


def hold(case: Case, name: str, array: HostArray, dtype: str, shape: tuple[int | str, ...]) -> None:
    """Hold an array against the dtype and the shape that it must have.

    Parameters
    ----------
    case : Case
    name : str
        What to call the array.
    array : array
    dtype : str
        In the machine's order of bytes.
    shape : tuple of int and str
        A word stands for any size, and says what it counts.

    Raises
    ------
    BadInputError
        With both forms.
    """
    fits = len(shape) == array.ndim and all(
        isinstance(wanted, str) or wanted == size for wanted, size in zip(shape, array.shape, strict=True)
    )
    if array.dtype != np.dtype(dtype) or not fits:
        found, expected = (", ".join(map(str, sizes)) for sizes in (array.shape, shape))
        raise BadInputError(f"{case.name}: {name} is {array.dtype}[{found}], expected {dtype}[{expected}]")


def hold_sizes(case: Case, **largest: int) -> None:
    """Hold sizes of a case against 1 and the largest that each may be.

    Raises
    ------
    BadInputError
        With the first that is out of range.
    """
    for name, most in largest.items():
        size = case.shape[name]
        if not 1 <= size <= most:
            raise BadInputError(f"{case.name}: {name} is {size}, expected 1 to {most}")


def first(wrong: HostArray) -> tuple[int, ...] | None:
    """Return the place of the first True of an array of bool, row by row; None if there is none."""
    if not wrong.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def whole(called: str, statics: Mapping[str, Any], keyword: str) -> int:
    """Return a keyword that somebody has typed and that must be a whole number.

    Parameters
    ----------
    called : str
        The name of the case that is being described.
    statics : mapping
        The keywords.
    keyword : str

    Raises
    ------
    BadInputError
        If it is anything else.
    """
    value = statics[keyword]
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInputError(f"{called}: {keyword} is {value!r}, expected a whole number")
    return value
