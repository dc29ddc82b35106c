"""Section 4: every mutant that applies is refused on some case of the battery, and what is honest passes on all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lar.contracts import Bounded, HostArray, Outputs, Ranked
from lar.examination.exhibits import Exhibit, ideal, ranked, refusal, same
from lar.examination.mutants import MUTANTS, Answers, Mutant
from lar.examination.report import Grade, Notes

NAME, TITLE = "mutants", "Wrong outputs are refused, honest ones pass"


def examine(exhibits: Sequence[Exhibit], right: Sequence[Sequence[Outputs]], notes: Notes) -> None:
    """Hold mutants of the portable kernel's outputs, and honest variants, against the truth.

    Parameters
    ----------
    exhibits : sequence of Exhibit
        The battery.
    right : sequence of sequences of outputs
        What the portable kernel answered on NumPy: of each exhibit, each call.
    notes : Notes
    """
    material = [
        Answers(outputs[0], one.truths[0], one.specs, outputs[-1], _of_another(exhibits, right, number))
        for number, (one, outputs) in enumerate(zip(exhibits, right, strict=True))
    ]
    for name, variant in HONEST.items():
        made = [(one, variant(answers)) for one, answers in zip(exhibits, material, strict=True)]
        tried = [(one, outputs) for one, outputs in made if outputs is not None]
        if tried:
            notes.settle(f"honest: {name}", f"passes on {len(tried)} cases", _refusals(tried))
    if notes.failed:
        notes.add(Grade.SKIPPED, "mutants", "refusals mean nothing where what is honest does not pass")
        return
    killed, idle = 0, []
    for name, mutant in MUTANTS.items():
        made = [(one, mutant(answers)) for one, answers in zip(exhibits, material, strict=True)]
        tried = [
            (one, wrong)
            for (one, wrong), answers in zip(made, material, strict=True)
            if wrong is not None and not (_is_plain(wrong) and same(wrong, answers.outputs))
        ]
        if not tried:
            idle.append(name)
        elif _refusals(tried):
            killed += 1
        else:
            reason = f"accepted on all {len(tried)} cases it changes: no case of the battery refuses it"
            notes.add(Grade.FAIL, f"survivor: {name}", reason)
    notes.add(Grade.PASS, "mutants", f"{killed} refused, each on at least one of {len(exhibits)} cases")
    if idle:
        notes.add(Grade.SKIPPED, "do not apply", ", ".join(idle))


def _refusals(made: Sequence[tuple[Exhibit, Any]]) -> list[str]:
    """Return why the oracle refuses outputs, for each that it does."""
    reasons = (refusal(one.truths[0], one, outputs) for one, outputs in made)
    return [reason for reason in reasons if reason is not None]


def _is_plain(made: Any) -> bool:
    return isinstance(made, tuple) and all(type(array) is np.ndarray for array in made)


def _of_another(exhibits: Sequence[Exhibit], right: Sequence[Sequence[Outputs]], number: int) -> Outputs | None:
    """Return the outputs of the next case, in a circle, of another data set whose outputs have the same specs."""
    mine = exhibits[number]
    for i in range(number + 1, number + len(exhibits)):
        other = exhibits[i % len(exhibits)]
        if other.case.data_key != mine.case.data_key and other.specs == mine.specs:
            return right[i % len(exhibits)][0]
    return None


# ---- honest variants -------------------------------------------------------------------------------------------------


def _ideal(answers: Answers) -> Outputs:
    return ideal(answers.truth, answers.specs)


def _neighbours(direction: float) -> Mutant:
    """Return each float's next one: rounded the other way, where it was rounded at all."""

    def move(answers: Answers) -> Any:
        if not isinstance(answers.truth, Bounded):
            return None
        return tuple(_moved(array, direction) for array in _ideal(answers))

    return move


def _moved(array: HostArray, direction: float) -> HostArray:
    if array.dtype.kind != "f":
        return array
    return np.where(np.isfinite(array), np.nextafter(array, array.dtype.type(direction)), array)


def _other_order_of_ties(answers: Answers) -> Any:
    truth = answers.truth
    return ranked(truth, answers.specs, last_first=True) if isinstance(truth, Ranked) else None


def _frozen(answers: Answers) -> Any:
    def turned(array: HostArray) -> HostArray:
        out = np.asfortranarray(array).reshape(array.shape, order="A")
        out.setflags(write=False)
        return out

    return tuple(turned(array) for array in answers.outputs)


HONEST: dict[str, Mutant] = {
    "the portable kernel": lambda answers: answers.outputs,
    "the reference in float64, rounded once": _ideal,
    "floats one unit in the last place up": _neighbours(np.inf),
    "floats one unit in the last place down": _neighbours(-np.inf),
    "ties in the other order": _other_order_of_ties,
    "outputs in Fortran order, read-only": _frozen,
}
"""By name: what is right in another way, and must pass on every case that it applies to."""
