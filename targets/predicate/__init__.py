"""`predicate`: the rows of a scan for which a condition on one or two columns is true.

``columns with validity bitmaps, constants -> mask u8[ceil(n / 8)], ids u32[n], count i32``. The form of the condition
is the static ``predicate`` (``form.py``: a comparison, a list, a set of dictionary codes, ``is null``, or two of them
joined by ``and``), its constants are the query. Logic is SQL's, of three truth values: what is asked of a row without a
value is unknown, and a row is selected if the condition is true. Numbers compare as IEEE 754 says: a NaN is not equal
to anything, not even itself, so that ``<>`` is true of it and nothing else; -0.0 equals 0.0.

The mask has a bit a row, as the bitmaps have, so that masks and bitmaps combine a word at a time and a mask takes a
thirty-second of what ids may take. The ids are those rows, ascending, padded with 2**32 - 1; ``count`` says how many.
"""

import numpy as np

from lar.contracts import Case, Cost, Data, HostArray, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, sizes
from .form import CODES, Term, terms

_DTYPES = {"i32": np.int32, "i64": np.int32, "f32": np.float32, "u8": np.uint8, "u16": np.uint16}


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (mask, ids, count)."""
    n = case.shape["n"]
    return Spec(((n + 7) // 8,), "uint8"), Spec((n,), "uint32"), Spec((), "int32")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read the constants, write the mask, the ids and their padding, and the count.

    Of the columns nothing is counted. How much of them has to be read depends on how they are kept: the extremes of a
    block, or the upper bits of its values, may answer for all of it.
    """
    written = sum(spec.nbytes for spec in outputs(case))
    asked = terms(str(case.statics["predicate"]))
    return Cost(written + sum(4 * int(np.prod(_constants(case, term))) * _item(term) // 4 for term in asked), {})


def _item(term: Term) -> int:
    return 1 if term.kind in CODES and term.operator == "in" else 4


def _constants(case: Case, term: Term) -> tuple[int, ...]:
    """Return the shape of a term's constants."""
    if term.operator == "is null":
        return (1,)
    if term.kind in CODES:
        return ((case.shape["K"] + 7) // 8,)
    length = case.shape["L"] if term.operator == "in" else 1
    return (length, 2) if term.kind == "i64" else (length,)


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        A predicate that cannot be read, an IN list that is empty or too long, more rows than an int32 counts; a column
        of a wrong dtype or shape, columns of unequal length, a bitmap that is too short, or a code that is not in the
        dictionary where there is a value, with its place.
    """
    asked, n = _terms(case), case.shape["n"]
    _check_sizes(case, asked)
    for term in asked:
        values, bitmap = data[term.column], data[term.bitmap]
        shape = (n, 2) if term.kind == "i64" else (n,)
        dtype = np.dtype(_DTYPES[term.kind])
        found = f"{values.dtype}{list(values.shape)}"
        if values.dtype != dtype or values.ndim != len(shape) or values.shape[1:] != shape[1:]:
            raise BadInputError(f"{case.name}: {term.column} is {found}, expected {dtype}{list(shape)} for {term.kind}")
        if len(values) != n:
            raise BadInputError(f"{case.name}: {term.column} has {len(values)} rows, expected n = {n} in every column")
        if bitmap.dtype != np.uint8 or bitmap.ndim != 1:
            found = f"{bitmap.dtype}{list(bitmap.shape)}"
            raise BadInputError(f"{case.name}: {term.bitmap} is {found}, expected uint8 in one dimension")
        if 8 * len(bitmap) < n:
            raise BadInputError(
                f"{case.name}: {term.bitmap} has {len(bitmap)} bytes, expected at least {(n + 7) // 8} for {n} rows"
            )
        if term.kind in CODES:
            _check_codes(case, term, values, bitmap)


def _terms(case: Case) -> tuple[Term, ...]:
    try:
        return terms(str(case.statics["predicate"]))
    except BadInputError as error:
        raise BadInputError(f"{case.name}: {error}") from None


def _check_sizes(case: Case, asked: tuple[Term, ...]) -> None:
    n = case.shape["n"]
    if not 1 <= n < 2**31:
        raise BadInputError(f"{case.name}: n is {n}, expected 1 to 2**31 - 1 rows")
    length = case.shape.get("L", 1)
    if length < 1:
        raise BadInputError(f"{case.name}: the IN list is empty, expected 1 to {inputs.LONGEST} constants")
    if length > inputs.LONGEST:
        raise BadInputError(f"{case.name}: the IN list has {length} constants, expected 1 to {inputs.LONGEST}")
    for term in asked:
        most = 256 if term.kind == "u8" else 65_536
        if term.kind in CODES and not 1 <= case.shape["K"] <= most:
            raise BadInputError(
                f"{case.name}: the dictionary has {case.shape['K']} entries, expected 1 to {most} for {term.kind}"
            )


def _check_codes(case: Case, term: Term, codes: HostArray, bitmap: HostArray) -> None:
    beyond = codes >= case.shape["K"]
    if beyond.any():
        places = np.flatnonzero(beyond & np.unpackbits(bitmap, count=len(codes), bitorder="little").astype(bool))
        if places.size:
            raise BadInputError(
                f"{case.name}: {term.column}[{places[0]}] is {codes[places[0]]}, expected a code below K ="
                f" {case.shape['K']} where there is a value"
            )


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Constants that are missing, or of a wrong dtype or shape: an IN list that is empty or too long among them.
    """
    del data
    for term in _terms(case):
        if term.column not in query:
            raise BadInputError(f"{case.name}: the query has no constants for {term.column}")
        found, shape = query[term.column], _constants(case, term)
        dtype = np.dtype(np.int32 if term.operator == "is null" else _DTYPES[term.kind])
        if term.kind in CODES and term.operator == "in":
            dtype = np.dtype(np.uint8)
        if term.operator == "in" and term.kind not in CODES and found.ndim and not 1 <= len(found) <= inputs.LONGEST:
            what = f"has {len(found)} constants" if len(found) else "is empty"
            raise BadInputError(f"{case.name}: the IN list {what}, expected 1 to {inputs.LONGEST} constants")
        if found.dtype != dtype or found.shape != shape:
            raise BadInputError(
                f"{case.name}: the constants for {term.column} are {found.dtype}{list(found.shape)}, expected"
                f" {dtype}{list(shape)}"
            )
        if term.operator == "is null" and found[0] not in {0, 1}:
            raise BadInputError(f"{case.name}: the constant for {term.column} is {found[0]}, expected 0 or 1")


TARGET = Target(
    name="predicate",
    summary="rows of a scan for which a condition on one or two columns is true, as a mask and as ids",
    source="ISO/IEC 9075-2:2016 (SQL), 6.39, 7.12 and 8.2; IEEE 754-2019, 5.11; the Apache Arrow columnar format",
    operation="row",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=cost,
    check=check,
    check_query=check_query,
    recorded=sizes.recorded,
    growth=sizes.growth,
    data_bytes=sizes.data_bytes,
)
