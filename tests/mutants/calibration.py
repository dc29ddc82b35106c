"""How far honest variants and low precision lie from the truth, in units of the oracle's rounding budget.

``python -m tests.mutants.calibration [TARGET] [--backend NAME]`` prints, for each distribution of the battery, the
largest error over its cases in units of ``sqrt(n) u max(S, 0.01)``: what `lar.oracle.MARGIN` has to separate. Only
variants that stay comparable are shown: those that return ids of rows and finite scores on every case.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from tests.mutants.matrix import Court, Exam, honest, mutants
from tests.mutants.variants import Variant

from lar import catalog, oracle
from lar.contracts import NO_ID, Outputs, Ranked


def units(exam: Exam, outputs: Outputs) -> float | None:
    """Return the largest error of one call in units of the budget, by own score and by rank; None if incomparable."""
    truth = exam.truths[0]
    if not isinstance(truth, Ranked) or truth.best is None or truth.magnitudes is None:
        return None
    kept = truth.best.shape[-1]
    scores, ids = outputs[0][..., :kept], outputs[1][..., :kept].astype(np.int64)
    if not np.all(np.isfinite(scores)) or not np.all((ids < truth.rows) & (ids != NO_ID)):
        return None
    own, magnitude = truth.score_of(ids)
    of_own = oracle.errors(scores, own) / oracle.tolerance(magnitude, truth.terms)
    of_rank = oracle.errors(own, truth.best) / oracle.tolerance(truth.magnitudes, truth.terms)
    return float(np.max(np.maximum(of_own, of_rank), initial=0.0)) * oracle.MARGIN


def by_distribution(court: Court, variant: Variant) -> dict[str, float] | None:
    """Return the largest error for each distribution; None if some case is incomparable."""
    largest: dict[str, float] = {}
    for exam in court.exams:
        error = units(exam, court.run(variant.kernel, exam, exam.queries[0]))
        if error is None:
            return None
        largest[exam.case.distribution] = max(error, largest.get(exam.case.distribution, 0.0))
    return largest


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.calibration", description="Print the calibration.")
    parser.add_argument("target", nargs="?", default="pq-l2")
    parser.add_argument("--backend", default="numpy")
    asked = parser.parse_args(arguments)
    court = Court(asked.target, catalog.backend(asked.backend)())
    names = list(dict.fromkeys(exam.case.distribution for exam in court.exams))
    sys.stdout.write(
        f"| {asked.target}, {asked.backend} | " + " | ".join(names) + " |\n|---" + "|--:" * len(names) + "|\n"
    )
    for variant in [*honest(asked.target), *mutants(asked.target)]:
        runs = variant.kernel is not None and not court.cannot_run(variant)
        row = by_distribution(court, variant) if runs else None
        if row is not None:
            cells = " | ".join(f"{row[name]:.2f}" if row[name] < 10 else f"{row[name]:.3g}" for name in names)
            sys.stdout.write(f"| {variant.name} | {cells} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
