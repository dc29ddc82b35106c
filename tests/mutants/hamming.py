"""The variants of `hamming`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from tests.mutants import hamming_mutants, hamming_spoilt
from tests.mutants.hamming_honest import HONEST
from tests.mutants.variants import Variant

MUTANTS: list[Variant] = [*hamming_spoilt.MUTANTS, *hamming_mutants.MUTANTS]

__all__ = ["HONEST", "MUTANTS"]
