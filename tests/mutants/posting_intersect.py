"""The variants of `posting-intersect`: `HONEST` ones, which the oracle must pass; `MUTANTS`, which it must refuse."""

from tests.mutants import posting_intersect_mutants, posting_intersect_spoiled
from tests.mutants.posting_intersect_honest import HONEST
from tests.mutants.variants import Variant

MUTANTS: list[Variant] = [*posting_intersect_spoiled.MUTANTS, *posting_intersect_mutants.MUTANTS]

__all__ = ["HONEST", "MUTANTS"]
