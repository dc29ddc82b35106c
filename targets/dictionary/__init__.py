"""`dictionary`: a page of codes and a validity bitmap, decoded by a dictionary of fixed-width values or of strings.

``codes u8|u16|u32[n], validity u8[(n + 7) // 8 or more]`` and

- ``fixed``: ``values i32[K, W] -> values i32[n, W]``. An entry is W words of 32 bits that nobody reads as numbers: a
  float32 is one, an int64 two, the lower first.
- ``utf8``: ``offsets i32[K + 1], bytes u8[S] -> bytes u8[capacity], offsets i32[n + 1], total i32``. Entry k is the
  bytes from ``offsets[k]`` up to ``offsets[k + 1]``, which are UTF-8. Zeros stand behind byte ``total``. Where the
  total exceeds `capacity`, the first `capacity` bytes are returned; offsets and total are those of all.

Place i is null where bit ``i % 8`` of ``validity[i // 8]`` is 0, as in Arrow. A null gives zeros, or the empty string,
and its code may be anything; every other code is below K. Bits from n on mean nothing.

Codes and bitmap are the query, since every page has its own; the dictionary is the data.
"""

from lar.contracts import Case, Cost, Spec, Target

from . import checks, inputs, reference, sizes
from .lengths import capacity_of, share_of_valid


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of the values, or of (bytes, offsets, total)."""
    n = case.shape["n"]
    if case.statics["kind"] == "fixed":
        return (Spec((n, case.shape["W"]), "int32"),)
    return Spec((capacity_of(case),), "uint8"), Spec((n + 1,), "int32"), Spec((), "int32")


def cost(case: Case) -> Cost:
    """Return the least work of one call: read the bitmap and the codes, write the outputs.

    Where nearly every place is null, a kernel may leave out the codes. The dictionary may lie in a cache.
    """
    n = case.shape["n"]
    codes = n * case.shape["code"] if share_of_valid(case.distribution) else 0
    return Cost(-(-n // 8) + codes + sum(spec.nbytes for spec in outputs(case)), {})


TARGET = Target(
    name="dictionary",
    summary="codes with nulls, decoded by a dictionary of fixed-width values or of strings",
    source="Apache Arrow columnar format 1.5, sections Validity bitmaps, Variable-size Binary and Dictionary-encoded",
    operation="value",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=cost,
    check=checks.check,
    check_query=checks.check_query,
    recorded=sizes.recorded,
    growth=sizes.growth,
    data_bytes=sizes.data_bytes,
)
