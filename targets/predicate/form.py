"""The form of a predicate, as text: ``f32 > ? and i32 <= ?``. What stands for ``?`` is the query.

One or two terms, joined by ``and``. The first is about column ``a``, the second about column ``b``. A term is the type
of its column and what is asked of it:

- ``= <> < <= > >= ?``: a comparison with a constant, of numbers.
- ``in ?``: of numbers, a list of constants; of dictionary codes (``u8``, ``u16``), a set of codes as a bitmap.
- ``is null ?``: whether there is a value; with 1 the rows without one are asked for, with 0 the others.

The kernels read it as well, since it is all that they are compiled for.
"""

import functools
from dataclasses import dataclass

from lar.errors import BadInputError

NUMBERS = ("i32", "i64", "f32")
CODES = ("u8", "u16")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
OPERATORS = (*COMPARISONS, "in", "is null")
COLUMNS = ("a", "b")


@dataclass(frozen=True)
class Term:
    """One condition on one column.

    Attributes
    ----------
    column : str
        ``a`` or ``b``; its bitmap is ``a_valid`` or ``b_valid``.
    kind : str
        The type of the column: ``i32 i64 f32 u8 u16``.
    operator : str
        One of `OPERATORS`.
    """

    column: str
    kind: str
    operator: str

    @property
    def bitmap(self) -> str:
        """The name of the column's validity bitmap."""
        return f"{self.column}_valid"


@functools.cache
def terms(predicate: str) -> tuple[Term, ...]:
    """Return the terms of a predicate.

    Raises
    ------
    BadInputError
        If there are more than two, or one has an unknown type or operator or no ``?`` at its end.
    """
    parts = predicate.split(" and ")
    if len(parts) > len(COLUMNS):
        raise BadInputError(f"the predicate {predicate!r} has {len(parts)} terms, expected one or two")
    return tuple(_term(column, part, predicate) for column, part in zip(COLUMNS, parts, strict=False))


def _term(column: str, text: str, predicate: str) -> Term:
    kind, _, rest = text.strip().partition(" ")
    if kind not in NUMBERS + CODES:
        known = ", ".join(NUMBERS + CODES)
        raise BadInputError(f"the predicate {predicate!r} has a column of type {kind!r}, expected one of {known}")
    operator, _, constant = rest.rpartition(" ")
    if constant != "?":
        raise BadInputError(f"the predicate {predicate!r} has the term {text!r}, expected 'type operator ?'")
    if operator not in OPERATORS:
        known = ", ".join(OPERATORS)
        raise BadInputError(f"the predicate {predicate!r} has the operator {operator!r}, expected one of {known}")
    if kind in CODES and operator in COMPARISONS:
        raise BadInputError(
            f"the predicate {predicate!r} compares codes by {operator!r}, expected 'in': what holds for a dictionary's"
            " values is a set of its codes"
        )
    return Term(column, kind, operator)
