"""The mutation matrix: every mutant and every honest variant of a target, on every backend, against the battery.

``python -m tests.mutants.matrix [TARGET ...] [--backend NAME ...] [--full]`` prints it and ends with 1 if a mutant was
passed or an honest variant refused. A cell names the failure that refused the mutant and the case that showed it; with
``--full`` every case is run, and the cell says how many refused.
"""

import argparse
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.mutants.variants import Answers, Variant

from lar import catalog, oracle
from lar.contracts import Backend, Case, Data, Outputs, Query, Target, Truth, Verdict
from lar.errors import LarError
from lar.trees import tree_map

SEED = 0
BACKENDS = ("numpy", "strict", "jax", "torch", "cupy")


@dataclass(frozen=True)
class Exam:
    """A case of the battery, built, with the truth of two calls."""

    case: Case
    data: Data
    queries: tuple[Query, Query]
    truths: tuple[Truth, Truth]


class Court:
    """Runs the variants of one target on one backend and holds what comes back against the truth."""

    def __init__(self, target: str, backend: Backend) -> None:
        self.target = catalog.target(target)
        self.backend = backend
        self.exams = exams(target)
        self._portable = catalog.load_kernel(target, catalog.kernel_path(target, "portable", backend.name))
        self._answers: dict[int, tuple[Outputs, Outputs]] = {}

    def cannot_run(self, variant: Variant) -> str | None:
        """Say why the backend cannot run a variant; None if it can."""
        for dtype in variant.needs:
            try:
                self.backend.put(np.zeros(1, dtype))
            except LarError as error:
                return str(error)
        return None

    def verdict(self, variant: Variant, number: int) -> Verdict:
        """Judge a variant on one case."""
        exam = self.exams[number]
        outputs = self.run(variant.kernel, exam, exam.queries[0]) if variant.kernel else self._honest(number)[0]
        judged: Any = outputs
        if variant.spoil:
            other = _alike(self.exams, self.target, number)
            other_case = None if other is None else self._honest(other)[0]
            judged = variant.spoil(Answers(exam.case, outputs, self._honest(number)[1], other_case))
        return oracle.judge(exam.truths[0], self.target.outputs(exam.case), judged, exam.case.name)

    def verdicts(self, variant: Variant) -> Iterator[Verdict]:
        """Judge a variant on every case."""
        return (self.verdict(variant, number) for number in range(len(self.exams)))

    def _honest(self, number: int) -> tuple[Outputs, Outputs]:
        if number not in self._answers:
            exam = self.exams[number]
            one, other = (self.run(self._portable, exam, query) for query in exam.queries)
            self._answers[number] = (one, other)
        return self._answers[number]

    def run(self, kernel: Any, exam: Exam, query: Query) -> Outputs:
        """Run a kernel on one call of a case and bring its outputs to the host."""
        statics, put = dict(exam.case.statics), self.backend.put
        state = kernel.prepare(self.backend.xp, tree_map(put, exam.data), **statics)
        outputs = self.backend.compile(kernel.run, statics)(state, tree_map(put, query))
        return tuple(self.backend.get(array) for array in self.backend.ready(outputs))


@functools.cache
def exams(target: str) -> tuple[Exam, ...]:
    """Build the battery of a target."""
    this = catalog.target(target)
    return tuple(_exam(this, case) for case in this.battery(SEED))


def mutants(target: str) -> list[Variant]:
    """Return what the oracle must refuse: `MUTANTS` of the module named after the target's folder."""
    return list(_variants(target).MUTANTS)


def honest(target: str) -> list[Variant]:
    """Return what it must pass: `HONEST` of that module."""
    return list(_variants(target).HONEST)


def low_precision(target: str) -> list[Variant]:
    """Return the mutants between which and the honest variants the tolerance is calibrated."""
    return list(getattr(_variants(target), "LOW_PRECISION", []))


def has_mutants(target: str) -> bool:
    """Say whether a target has such a module."""
    return importlib.util.find_spec(_module(target)) is not None


def _module(target: str) -> str:
    return f"tests.mutants.{target.replace('-', '_')}"


def _variants(target: str) -> Any:
    return importlib.import_module(_module(target))


def _exam(target: Target, case: Case) -> Exam:
    data = target.data(case)
    one, other = target.queries(case, data, case.seed, 2)
    return Exam(case, data, (one, other), (target.reference(case, data, one), target.reference(case, data, other)))


def _alike(exams: Sequence[Exam], target: Target, number: int) -> int | None:
    """Return the next case, in a circle, of another data set whose outputs have the same specs."""
    mine = exams[number].case
    for i in range(number + 1, number + len(exams)):
        other = exams[i % len(exams)].case
        if other.data_key != mine.data_key and target.outputs(other) == target.outputs(mine):
            return i % len(exams)
    return None


# ---- the command ---------------------------------------------------------------------------------------------------


@dataclass
class _Printer:
    court: Court
    full: bool
    wrong: int = 0

    def cell(self, variant: Variant, expected: bool) -> str:
        """Run a variant and return its cell; counts what is not as `expected` (to be refused)."""
        if self.court.cannot_run(variant):
            return "n/a"
        refusals = []
        for verdict in self.court.verdicts(variant):
            refusals += [verdict.failure] if verdict.failure else []
            if refusals and not self.full:
                break
        kinds = {failure.kind for failure in refusals}
        self.wrong += (not refusals or not kinds <= variant.kinds) if expected else bool(refusals)
        if not refusals:
            return "passed"
        first = f"{', '.join(sorted(kinds))} · {refusals[0].case}"
        return f"{first} · {len(refusals)}/{len(self.court.exams)}" if self.full else first


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the matrix."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.matrix", description="Print the mutation matrix.")
    parser.add_argument("target", nargs="*", help="targets; all that have mutants by default")
    parser.add_argument("--backend", nargs="+", default=BACKENDS, help=f"backends; by default {' '.join(BACKENDS)}")
    parser.add_argument("--full", action="store_true", help="run every case and count the refusals")
    asked = parser.parse_args(arguments)
    write = sys.stdout.write
    wrong = 0
    for target in asked.target or filter(has_mutants, catalog.target_names()):
        printers = []
        for name in asked.backend:
            reason = catalog.backend(name).available()
            if reason:
                write(f"{name}: {reason}\n")
            else:
                printers.append(_Printer(Court(target, catalog.backend(name)()), asked.full))
        write(f"\n| {target} | " + " | ".join(p.court.backend.name for p in printers) + " |\n")
        write("|---|" + "---|" * len(printers) + "\n")
        for must_fail, variants in ((True, mutants(target)), (False, honest(target))):
            for variant in variants:
                cells = [printer.cell(variant, must_fail) for printer in printers]
                write(f"| {'' if must_fail else 'honest: '}{variant.name} | " + " | ".join(cells) + " |\n")
                sys.stdout.flush()
        wrong += sum(printer.wrong for printer in printers)
    write(f"\n{wrong} cells are not as they must be.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
