"""The variants of `ivf-partition`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from typing import Any

from tests.mutants import ivf_partition_mutants, topk
from tests.mutants.ivf_partition_honest import HONEST
from tests.mutants.ivf_partition_mutants import LOW_PRECISION
from tests.mutants.ivf_partition_steps import METRICS, ByMetric, Steps
from tests.mutants.variants import Answers, Spoiler, Variant


def _of_several(spoil: Spoiler) -> Spoiler:
    """Spoil nothing where there is one result a query: it can be neither twice there nor out of order."""

    def spoiled(answers: Answers) -> Any:
        return answers.outputs if answers.outputs[0].shape[1] == 1 else spoil(answers)

    return spoiled


def _of_any_top_k() -> list[Variant]:
    """Return the mutants of any top-k; their kernels know k alone, so there is one for each metric."""
    found = []
    for one, other in zip(*(topk.mutants(Steps(metric)) for metric in METRICS), strict=True):
        spoil, needs_two = one.spoil, one.kinds & {"duplicate", "order"} and "value" not in one.kinds
        if spoil and needs_two:
            spoil = _of_several(spoil)
        found.append(Variant(one.name, one.kernel and ByMetric(one.kernel, other.kernel), spoil, one.kinds, one.needs))
    return found


MUTANTS: list[Variant] = [*_of_any_top_k(), *ivf_partition_mutants.MUTANTS]

__all__ = ["HONEST", "LOW_PRECISION", "MUTANTS"]
