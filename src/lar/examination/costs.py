"""Section 5: the cost model is a floor: above nothing, below what the data holds, and no kernel beats it."""

from collections.abc import Sequence

from lar import ceilings, figures
from lar.contracts import Case, Cost, Target
from lar.datasets import Datasets
from lar.examination.battery import growing
from lar.examination.contract import NQ, SCALES
from lar.examination.exhibits import SEED
from lar.examination.report import Grade, Notes
from lar.examination.rooms import Timing
from lar.trees import leaves

NAME, TITLE = "cost", "The cost model is plausible"
_SLACK = 1.01


def examine(target: Target, datasets: Datasets, timings: Sequence[tuple[str, Timing]], notes: Notes) -> None:
    """Hold the costs of all workloads against each other, the small ones against their data and against the clock.

    Parameters
    ----------
    target : Target
    datasets : Datasets
    timings : sequence of (kernel, Timing)
        What kernels took on NumPy for the small workloads.
    notes : Notes
    """
    timed = {scale: list(target.workloads(SEED, scale, NQ)) for scale in SCALES}
    costs = notes.attempt("cost", lambda: {s: [target.cost(case) for case in cases] for s, cases in timed.items()})
    if costs is None:
        return
    faults = []
    for scale in SCALES:
        faults += [f for case, cost in zip(timed[scale], costs[scale], strict=True) for f in _unsound(case, cost)]
    notes.settle("positive", f"{sum(map(len, costs.values()))} workloads, in known classes of operations", faults)
    if faults:
        return
    _grows(timed, costs, notes)
    _moves(target, datasets, list(zip(timed["small"], costs["small"], strict=True)), notes)
    _beaten(target, timings, notes)


def _unsound(case: Case, cost: Cost) -> list[str]:
    faults = []
    if cost.bytes <= 0:
        faults.append(f"{case.name}: {cost.bytes} bytes, expected some")
    for kind, count in cost.operations.items():
        if kind not in ceilings.RATES:
            faults.append(f"{case.name}: operations of {kind!r} have no rate, expected {sorted(ceilings.RATES)}")
        if count < 0:
            faults.append(f"{case.name}: {count} operations of {kind!r}")
    return faults


def _grows(timed: dict[str, list[Case]], costs: dict[str, list[Cost]], notes: Notes) -> None:
    """See that a cost grows with the scale, and not much faster than the sizes multiplied."""
    letters, faults = growing(timed), []
    for small, large, before, after in zip(
        timed["small"], timed["large"], costs["small"], costs["large"], strict=False
    ):
        factor = 1.0
        for letter in letters:
            factor *= large.shape[letter] / small.shape[letter]
        work, more = before.bytes + sum(before.operations.values()), after.bytes + sum(after.operations.values())
        if factor > 1 and not work < more <= work * factor**2 * _SLACK:
            faults.append(f"{small.name} to {large.name}: work times {more / work:.3g} for {factor:.3g} times the size")
    notes.settle("grows", f"with {', '.join(letters)}", faults)


def _moves(target: Target, datasets: Datasets, found: list[tuple[Case, Cost]], notes: Notes) -> None:
    """Hold the bytes against those of the outputs, and against all bytes there are."""
    low, meagre, high = [], [], []
    for case, cost in found:
        data = datasets.data(case)
        read = sum(leaf.nbytes for leaf in leaves(data))
        asked = sum(leaf.nbytes for leaf in leaves(target.queries(case, data, SEED, 1)[0]))
        written = sum(spec.nbytes for spec in target.outputs(case))
        if cost.bytes < written:
            low.append(f"{case.name}: {cost.bytes} bytes, and the outputs alone are {written}")
        if cost.bytes < written + asked:
            meagre.append(f"{case.name}: {cost.bytes} bytes, fewer than queries and outputs hold ({asked + written})")
        if cost.bytes > _SLACK * (read + asked + written):
            high.append(
                f"{case.name}: {cost.bytes} bytes, more than data, queries and outputs hold ({read + asked + written}):"
                " a kernel that reads each byte once would be called a cheat"
            )
    notes.settle("outputs written", "no fewer bytes than the outputs hold", low)
    notes.settle("queries read", "no fewer bytes than queries and outputs hold", meagre, otherwise=Grade.WARNING)
    notes.settle("no byte twice", "no more bytes than data, queries and outputs hold", high)


def _beaten(target: Target, timings: Sequence[tuple[str, Timing]], notes: Notes) -> None:
    if not timings:
        notes.add(Grade.SKIPPED, "below the clock", "no kernel of it was timed on NumPy")
        return
    limits = figures.limits_of("numpy", "cpu", 1)
    if limits is None:
        notes.add(Grade.SKIPPED, "below the clock", "the limits of this machine are not known")
        return
    beaten, close, shares = [], [], []
    for kernel, timing in timings:
        cost = target.cost(timing.case)
        written = sum(spec.nbytes for spec in target.outputs(timing.case))
        limit = ceilings.limit_ns(cost, limits, cost.bytes, written)
        share = limit / timing.ns
        shares.append(share)
        line = f"{timing.case.name}: {kernel} took {timing.ns:.0f} ns, and the floor says {limit:.0f} ns at least"
        if figures.PHYSICS_MARGIN * share > 1:
            beaten.append(line)
        elif share > 1:
            close.append(line)
    seen = f"at most {100 * max(shares):.3g} % of what {len({kernel for kernel, _ in timings})} kernels took"
    notes.settle("below the clock", seen, beaten)
    if close:
        notes.settle("near the clock", "", close, otherwise=Grade.WARNING)
