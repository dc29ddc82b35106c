"""`masked-squares`: the sum of squares of the values that a bitmap selects.

``bitmaps u8[nq, ceil(n/8)], values f32[n] -> sums f32[nq]``. Bit ``i % 8`` of byte ``i // 8`` selects value i, the
least significant bit first. Bits from n on mean nothing and may be set. A value that is not finite stands where there
is none (a null); no bitmap selects it, and it must not leak into a sum. Where nothing is selected the sum is 0. It
is what the variance of a filtered column is made of.
"""

import numpy as np

from lar.contracts import Case, Cost, Data, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the spec of the sums."""
    return (Spec((case.shape["nq"],), "float32"),)


def cost(case: Case) -> Cost:
    """Return the least work of one call: read every bitmap, and a float and an addition for each of its bytes.

    Not four bytes for each value: `prepare` may keep the sums of all 256 choices among eight neighbours, so a floor
    that counted every value would convict a kernel that does.
    """
    n, nq = case.shape["n"], case.shape["nq"]
    octets = -(-n // 8)
    return Cost(nq * octets + 4 * octets + 4 * nq, {"f32": nq * octets})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, or a finite value too large for sums of its square, with its place.
    """
    values, n = data["values"], case.shape["n"]
    if values.dtype != np.float32 or values.shape != (n,):
        raise BadInputError(f"{case.name}: values is {values.dtype}{list(values.shape)}, expected float32[{n}]")
    too_large = np.isfinite(values) & (np.abs(values) > inputs.LARGEST)
    if np.any(too_large):
        place = int(np.argmax(too_large))
        raise BadInputError(f"{case.name}: values[{place}] is {values[place]}, expected at most {inputs.LARGEST:g}")


TARGET = Target(
    name="masked-squares",
    summary="sum of squares of the values that a bitmap selects",
    source="ISO/IEC 9075-2:2003 (SQL), 10.9 aggregate functions: SUM(x * x) FILTER (WHERE ...)",
    operation="query",
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
)
