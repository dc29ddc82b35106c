"""Cases along one size at a time, as many as there is memory for: what a target's `growth` is made of."""

from collections.abc import Callable, Iterable, Mapping

from lar.contracts import Case, Growth

_LEAST = 3
"""Fewer points have no upper half to fit a line to."""


def along(
    most: int, data_bytes: Callable[[Case], int], lines: Mapping[str, tuple[Iterable[Case], float]]
) -> dict[str, Growth]:
    """Return the cases of each size whose data sets fit, in ascending order of that size.

    Parameters
    ----------
    most : int
        Bytes that a data set may have.
    data_bytes : callable
        ``case -> bytes`` of its data set.
    lines : mapping of str to (cases, exponent)
        Cases along each size, and the complexity that is stated.

    Returns
    -------
    dict of str to Growth
        Without the sizes of which fewer than three cases fit.
    """
    fitting = {size: [case for case in cases if data_bytes(case) <= most] for size, (cases, _) in lines.items()}
    return {
        size: Growth(tuple(sorted(cases, key=lambda case: case.shape[size])), lines[size][1])
        for size, cases in fitting.items()
        if len(cases) >= _LEAST
    }
