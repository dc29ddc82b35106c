"""The variants of `pq-l2`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

`LOW_PRECISION` are those mutants whose error is nothing but rounding: the tolerance is calibrated between them and the
honest ones.
"""

from tests.mutants import pq_l2_mutants, topk
from tests.mutants.pq_l2_honest import HONEST
from tests.mutants.pq_l2_steps import Steps
from tests.mutants.variants import Variant

LOW_PRECISION = pq_l2_mutants.LOW_PRECISION
MUTANTS: list[Variant] = [*topk.mutants(Steps()), *pq_l2_mutants.MUTANTS]

__all__ = ["HONEST", "LOW_PRECISION", "MUTANTS"]
