"""The variants of `ivf-partition`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from tests.mutants import ivf_partition_mutants, topk
from tests.mutants.ivf_partition_honest import HONEST
from tests.mutants.ivf_partition_mutants import LOW_PRECISION
from tests.mutants.ivf_partition_steps import METRICS, ByMetric, Steps
from tests.mutants.variants import Variant


def _of_any_top_k() -> list[Variant]:
    """Return the mutants of any top-k; their kernels know k alone, so there is one for each metric."""
    pairs = zip(*(topk.mutants(Steps(metric)) for metric in METRICS), strict=True)
    return [
        Variant(one.name, one.kernel and ByMetric(one.kernel, other.kernel), one.spoil, one.kinds, one.needs)
        for one, other in pairs
    ]


MUTANTS: list[Variant] = [*_of_any_top_k(), *ivf_partition_mutants.MUTANTS]

__all__ = ["HONEST", "LOW_PRECISION", "MUTANTS"]
