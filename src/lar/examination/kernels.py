"""Sections 6 and 7: the portable kernel is right on every backend; tuned ones are right, called alike, documented."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lar import catalog, checking
from lar.contracts import Target
from lar.datasets import Datasets
from lar.examination import sources
from lar.examination.exhibits import SEED
from lar.examination.report import Grade, Notes, Tell, told
from lar.examination.rooms import Rooms
from lar.supervisor import KernelFailedError

PORTABLE, PORTABLE_TITLE = "portable", "The portable kernel is right on every backend"
KERNELS, KERNELS_TITLE = "kernels", "The tuned kernels are right, and the program says what is asked"
PROGRAM = ("What is asked", "Call site", "Priors")
"""Headings that `program.md` has; under the last, one for each backend that has a tuned kernel."""

_IN_PROGRAM = {"numpy": "NumPy", "jax": "JAX", "cupy": "CuPy", "torch": "torch"}
Probes = Mapping[str, Mapping[str, Any]]
"""What `lar.probe.probe` answered, by backend."""


def examine_portable(rooms: Rooms, datasets: Datasets, probes: Probes, notes: Notes, tell: Tell) -> None:
    """Hold the portable kernel against the battery on every backend that works here."""
    path = catalog.folder(datasets.target.name) / "portable.py"
    if not path.is_file():
        notes.add(Grade.FAIL, "portable.py", "there is none")
        return
    asks = notes.attempt("no backend test", lambda: sources.backend_tests(path))
    if asks is None:
        return
    notes.settle("no backend test", "it does not ask which library it runs on", asks)
    for name, answer in probes.items():
        if not answer["available"]:
            notes.add(Grade.SKIPPED, name, str(answer["reason"]))
        else:
            _hold(rooms, datasets, (name, path, name), notes, tell)


def examine_tuned(rooms: Rooms, datasets: Datasets, probes: Probes, notes: Notes, tell: Tell) -> None:
    """Hold tuned kernels against the battery where their backend works, and all of them against the portable one."""
    home = catalog.folder(datasets.target.name)
    found = sorted(path for path in (home / "tuned").glob("*.py") if not path.stem.startswith("_"))
    if not found:
        notes.add(Grade.SKIPPED, "tuned", "no kernel is tuned for a backend yet")
    for path in found:
        what = f"tuned/{path.name}"
        if path.stem not in catalog.backend_names():
            notes.add(Grade.FAIL, what, f"there is no backend {path.stem!r}. Expect {catalog.backend_names()}")
            continue
        faults = notes.attempt(what, partial(_unlike, path, home / "portable.py"))
        if faults is None:
            continue
        if faults:
            notes.settle(what, "", faults)
        elif path.stem not in probes:
            notes.add(Grade.SKIPPED, what, "called as the portable kernel; its backend was not asked for")
        elif not probes[path.stem]["available"]:
            reason = probes[path.stem]["reason"]
            notes.add(Grade.SKIPPED, what, f"called as the portable kernel; not run: {reason}")
        else:
            _hold(rooms, datasets, (path.stem, path, what), notes, tell)
    _program(datasets.target, home / "program.md", [path.stem for path in found], notes)


def _hold(rooms: Rooms, datasets: Datasets, which: tuple[str, Path, str], notes: Notes, tell: Tell) -> None:
    """Hold a kernel against the battery, and against secret inputs; `which`: backend, file, and what it is called."""
    backend, path, what = which

    def progress(done: int, of: int) -> None:
        tell(f"{path.stem} on {backend}", done, of)

    try:
        with rooms.opened(backend, path) as worker:
            checked = checking.check(worker, datasets, list(datasets.target.battery(SEED)), progress)
    except KernelFailedError as error:
        case = f"{error.failure.case}: " if error.failure.case else ""
        notes.add(Grade.FAIL, what, f"{error.status}: {case}{error.failure.kind}: {error.failure.message}")
    except Exception as error:  # noqa: BLE001 - of the target's own functions any may raise, and anything
        notes.add(Grade.FAIL, what, told(error))
    else:
        notes.add(Grade.PASS, what, f"{checked.cases} cases, max_abs_err {checked.max_abs_err:.3g}")


def _unlike(path: Path, portable: Path) -> list[str]:
    """Return how a kernel is called differently from the portable one; options with defaults are its own."""
    bound = sources.names(path)
    faults = [f"it has no function {name!r}" for name in ("prepare", "run") if name not in bound]
    for name in ("prepare", "run"):
        mine, asked = sources.signature(path, name), sources.signature(portable, name)
        if mine is None or asked is None:
            continue
        if len(mine.positional) != len(asked.positional):
            faults.append(f"{name} takes {', '.join(mine.positional)}, the portable one {', '.join(asked.positional)}")
        unknown, missing = mine.needed - asked.needed - asked.optional, asked.needed - mine.needed - mine.optional
        faults += [f"{name} needs {word!r}, which the portable one does not have" for word in sorted(unknown)]
        faults += [f"{name} does not take {word!r}, which the portable one needs" for word in sorted(missing)]
    return faults


def _program(target: Target, path: Path, backends: Sequence[str], notes: Notes) -> None:
    if not path.is_file():
        grade = Grade.FAIL if backends else Grade.WARNING
        notes.add(grade, "program.md", "there is none: an agent is not told what is asked")
        return
    text = path.read_text(encoding="utf-8")
    headings = {match.strip() for match in re.findall(r"^#{2,3} (.*)$", text, flags=re.MULTILINE)}
    faults = [f"no section '## {name}'" for name in PROGRAM if name not in headings]
    if text.splitlines()[:1] != [f"# Program: {target.name}"]:
        faults.append(f"its first line is not '# Program: {target.name}'")
    known = " ".join(headings).lower()
    faults += [
        f"no section '### {_IN_PROGRAM.get(name, name)}' of what is known about its tuned kernel"
        for name in backends
        if _IN_PROGRAM.get(name, name).lower() not in known
    ]
    notes.settle("program.md", ", ".join(PROGRAM), faults)
