"""`lar check`: is this target well made? Each section asks one question, and says what it saw in one line an answer.

1. What is certain to be a fault fails; what most targets need, and some rightly do without, is a warning.
2. Whatever the target's own code raises is a finding, never this command's end.
3. Kernels run in workers, limited in time; nothing here imports one.
4. A section that builds on another which failed is skipped, and says so: one fault is told once.
"""

import time
from collections.abc import Callable, Sequence

from lar import catalog, probe
from lar.contracts import Target
from lar.datasets import Datasets
from lar.errors import LarError
from lar.examination import battery, contract, costs, kernels, mutation, references, sources
from lar.examination.exhibits import Exhibit
from lar.examination.kernels import Probes
from lar.examination.report import Finding, Grade, Notes, Report, Section, Tell, render, told
from lar.examination.rooms import OnNumpy, Rooms, on_numpy

__all__ = ["Finding", "Grade", "Report", "Section", "examine", "render"]

_SECTIONS = 7


def examine(name: str, backends: Sequence[str] | None = None, tell: Tell = lambda *_: None) -> Report:
    """Examine a target.

    Parameters
    ----------
    name : str
        The target.
    backends : sequence of str, optional
        On which to run its kernels; by default on all there are, those that exist to be unkind to kernels included.
    tell : callable
        ``(what, done, of)``: told what is going on, for a progress bar.

    Raises
    ------
    LarError
        If there is no such target or backend.
    """
    chosen = _in_order(backends)
    try:
        target = catalog.target(name)
    except LarError:
        raise
    except Exception as error:  # noqa: BLE001 - importing a target runs its code, which may raise anything
        return _without_target(name, f"importing it {told(error)}")
    if target.name != name:
        return _without_target(name, f"TARGET.name is {target.name!r}, expected {name!r} as its folder is called")
    with Rooms(name) as rooms:
        return Report(name, tuple(_sections(target, rooms, chosen, tell)))


def _sections(target: Target, rooms: Rooms, chosen: Sequence[str], tell: Tell) -> list[Section]:
    datasets = Datasets(target)
    sections: list[Section] = []
    exhibits: list[Exhibit] = []

    def section(name: str, title: str, examiner: Callable[[Notes], None], without: str = "") -> None:
        tell(title.lower(), len(sections), _SECTIONS)
        notes, began = Notes(), time.monotonic()
        if without:
            notes.add(Grade.SKIPPED, name, without)
        else:
            notes.attempt(name, lambda: examiner(notes))
        sections.append(Section(name, title, tuple(notes.findings), time.monotonic() - began))

    section(contract.NAME, contract.TITLE, lambda notes: exhibits.extend(contract.examine(target, datasets, notes)))
    unbuilt = "" if exhibits else "the battery could not be built: see the contract"
    section(references.NAME, references.TITLE, lambda notes: references.examine(target, exhibits, notes), unbuilt)
    unsound = unbuilt or ("" if sections[-1].grade is not Grade.FAIL else "the reference cannot be relied on")
    section(
        battery.NAME,
        battery.TITLE,
        lambda notes: battery.examine(target, exhibits, notes, uses_ops=_uses_ops(target)),
        unbuilt,
    )
    seen = OnNumpy()

    def mutants(notes: Notes) -> None:
        nonlocal seen
        seen = on_numpy(rooms, datasets, exhibits, tell, tuned="numpy" in chosen)
        if seen.outputs:
            mutation.examine(exhibits, seen.outputs, notes)
        else:
            notes.add(Grade.SKIPPED, mutation.NAME, "the portable kernel has no outputs on NumPy")

    section(mutation.NAME, mutation.TITLE, mutants, unsound)
    section(costs.NAME, costs.TITLE, lambda notes: costs.examine(target, datasets, seen.timings, notes), unbuilt)
    probes = {} if unsound else _probed(chosen, tell)
    section(
        kernels.PORTABLE,
        kernels.PORTABLE_TITLE,
        lambda notes: kernels.examine_portable(rooms, datasets, probes, notes, tell),
        unsound,
    )
    section(
        kernels.KERNELS,
        kernels.KERNELS_TITLE,
        lambda notes: kernels.examine_tuned(rooms, datasets, probes, notes, tell),
        unsound,
    )
    return sections


def _without_target(name: str, reason: str) -> Report:
    """Return the report of a target that there is nothing to examine of."""
    return Report(name, (Section(contract.NAME, contract.TITLE, (Finding(Grade.FAIL, "target", reason),), 0.0),))


def _in_order(backends: Sequence[str] | None) -> list[str]:
    """Return the backends asked for: NumPy first, those that are measured before those that are unkind."""
    asked = catalog.backend_names() if backends is None else list(dict.fromkeys(backends))
    return sorted(asked, key=lambda one: (catalog.backend(one).purpose != "measure", one != "numpy", one))


def _uses_ops(target: Target) -> bool:
    path = catalog.folder(target.name) / "portable.py"
    return path.is_file() and sources.uses(path, "lar.ops")


def _probed(chosen: Sequence[str], tell: Tell) -> Probes:
    found = {}
    for number, one in enumerate(chosen):
        tell(f"opening {one}", number, len(chosen))
        found[one] = probe.probe(one)
    return found
