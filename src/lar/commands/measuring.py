"""What `bench`, `targets`, `backends` and `doctor` do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lar import arrays, catalog, footprint, machine, probe, recorded
from lar import bench as measuring
from lar.commands.common import measured_backends, mount, only_measured, queries_a_call, remark, say
from lar.contracts import Exit, Outcome, Status
from lar.datasets import Datasets
from lar.errors import LarError, UnavailableError
from lar.progress import Progress
from lar.report import document, tables

_PREFERENCE = ("cupy", "jax", "torch", "numpy")


@dataclass(frozen=True)
class BenchWords:
    """The words of `lar bench`, as typed."""

    targets: tuple[str, ...]
    backend: str
    device: str | None
    kernel: str
    scale: str
    nq: str
    threads: int
    seed: int
    mode: str
    time_budget: float
    fallback: bool
    recorded: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Choice:
    backend: str
    requested: str
    kernel: str


def bench(words: BenchWords, *, as_json: bool, out: Path | None, roots: Sequence[Path]) -> Exit:
    """Measure every target on every chosen backend, print a block each and a comparison; return the worst code."""
    mount(roots)
    names = catalog.target_names() if words.targets == ("all",) else list(dict.fromkeys(words.targets))
    for name in names:
        catalog.target(name)
    choices = _choose(words)
    if out is not None and not out.resolve().parent.is_dir():
        raise LarError(f"--out {out}: the folder {out.resolve().parent} does not exist")
    outcomes: list[Outcome] = []
    if words.recorded and len(names) != 1:
        raise LarError("--workload: a recorded workload is one target's. Name that target alone")
    for name in names:
        datasets = _datasets(name, words)
        found: list[Outcome] = []
        for choice in _with_baseline(name, choices):
            request = _request(words, name, choice)
            measuring.validate(request)
            with Progress(f"{name} on {choice.backend}, {choice.kernel}") as progress:
                found.append(measuring.measure(request, datasets, progress.tell))
            if not as_json:
                _print_outcome(found[-1])
        if len(found) > 1 and not as_json:
            say(f"comparison of {name}\n{tables.comparison(found)}\n")
        outcomes += found
    text = document.dumps(document.document(outcomes, machine.environment()))
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        say(text)
    return _worst(outcomes, asked_for_all=words.backend == "all")


def _datasets(name: str, words: BenchWords) -> Datasets:
    """Return a target's data sets, none of them built; say what memory they take where that is much."""
    target = catalog.target(name)
    cases = (
        target.workloads(words.seed, words.scale, queries_a_call(words.nq)) if words.scale in measuring.SCALES else ()
    )
    size = footprint.footprint(target, cases, workers=1)
    if size is not None and words.scale == "large":
        remark(f"{name} at scale large: {size}")
        footprint.refuse_what_does_not_fit(size, f"{name} at scale large")
    if not words.recorded:
        return Datasets(target)
    return recorded.WithRecordings(target, [recorded.read(path, target) for path in words.recorded])


def capture(
    name: str, files: Sequence[Path], statics: Sequence[str], called: str, out: Path, roots: Sequence[Path]
) -> Exit:
    """Make a recorded workload of a user's own arrays."""
    mount(roots)
    target = catalog.target(name)
    recording = recorded.record(target, called, arrays.read(files), _statics(statics))
    recorded.write(out, target, recording)
    sizes = " ".join(f"{size}={value}" for size, value in recording.case.shape.items())
    say(f"{out}: {recording.case.name} of {name}, {recording.calls} calls, {sizes}")
    say(f"next: lar bench {name} --workload {out}")
    return Exit.DONE


def _statics(words: Sequence[str]) -> dict[str, Any]:
    """Read ``k=10``: whole numbers where they are ones, text else."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise LarError(f"--set {word}: expect NAME=VALUE")
        found[name] = int(value) if value.lstrip("-").isdigit() else value
    return found


def _print_outcome(one: Outcome) -> None:
    if one.status is Status.UNAVAILABLE and one.failure is not None:
        remark(f"backend {one.backend} is not available: {one.failure.message}")
        return
    say(tables.block(one))
    say(f"\n{tables.workloads(one)}\n" if one.workloads else "")


def _request(words: BenchWords, name: str, choice: _Choice) -> measuring.Request:
    return measuring.Request(
        target=name,
        backend=choice.backend,
        requested_backend=choice.requested,
        device=words.device if choice.backend == choice.requested else None,
        kernel=choice.kernel,
        scale=words.scale,
        nq=queries_a_call(words.nq),
        threads=words.threads,
        seed=words.seed,
        mode=words.mode,
        time_budget=words.time_budget,
    )


def _choose(words: BenchWords) -> list[_Choice]:
    """Turn `--backend` into what is run: names, the best one here, or all that work."""
    asked = list(dict.fromkeys(words.backend.split(",")))
    if asked == ["auto"]:
        best = next(name for name in _PREFERENCE if name == "numpy" or _works(name, accelerated=name != "cupy"))
        return [_Choice(best, best, words.kernel)]
    if asked == ["all"]:
        working = [name for name in measured_backends() if name == "numpy" or _works(name)]
        asked = ["numpy", *(name for name in working if name != "numpy")]
    for name in asked:
        only_measured(name)
    return [_with_fallback(name, words) for name in asked]


def _with_baseline(target: str, choices: list[_Choice]) -> list[_Choice]:
    """Add what several backends are compared with, the portable kernel on NumPy, where it is not among them."""
    baseline = _Choice("numpy", "numpy", "portable")
    paths = {catalog.kernel_path(target, one.kernel, one.backend) for one in choices if one.backend == "numpy"}
    there = catalog.kernel_path(target, "portable", "numpy") in paths
    return choices if len(choices) < 2 or there else [*choices, baseline]


def _with_fallback(name: str, words: BenchWords) -> _Choice:
    if words.fallback and name != "numpy":
        answer = probe.probe(name)
        if not answer["available"] or (words.device and words.device not in answer["devices"]):
            return _Choice("numpy", name, words.kernel)
    return _Choice(name, name, words.kernel)


def _works(name: str, *, accelerated: bool = False) -> bool:
    answer = probe.probe(name)
    return bool(answer["available"]) and (not accelerated or any(d != "cpu" for d in answer["devices"]))


def _worst(outcomes: Sequence[Outcome], *, asked_for_all: bool) -> Exit:
    """Return the code of the gravest outcome; a backend that is missing counts only where it was asked for by name."""
    order = (Status.CHEAT, Status.INCORRECT, Status.CRASH, Status.TIMEOUT, Status.UNAVAILABLE)
    present = {one.status for one in outcomes}
    for status in order:
        if status in present and not (status is Status.UNAVAILABLE and asked_for_all):
            return status.exit_code
    return Exit.DONE


def targets(*, as_json: bool, roots: Sequence[Path]) -> Exit:
    """Print the targets: name, kernels, what it computes."""
    mount(roots)
    found = [_target_row(name) for name in catalog.target_names()]
    rows = [(one["name"], " ".join(one["kernels"]), one["summary"]) for one in found]
    say(found if as_json else tables.table(("target", "kernels", "computes"), rows))
    return Exit.DONE


def _target_row(name: str) -> dict[str, Any]:
    target, home = catalog.target(name), catalog.folder(name)
    tuned = sorted(f"tuned/{path.stem}" for path in (home / "tuned").glob("*.py") if not path.stem.startswith("_"))
    return {"name": name, "summary": target.summary, "source": target.source, "kernels": ["portable", *tuned]}


def backends(*, as_json: bool) -> Exit:
    """Print the backends: name, whether it works here, its devices or the reason."""
    found = [probe.probe(name) for name in catalog.backend_names()]
    rows = [(one["name"], *_state(one), catalog.backend(one["name"]).purpose) for one in found]
    say(found if as_json else tables.table(("backend", "works", "devices or what is missing", "for"), rows))
    return Exit.DONE


def _state(answer: dict[str, Any]) -> tuple[str, str]:
    return ("yes", " ".join(answer["devices"])) if answer["available"] else ("no", str(answer["reason"]))


def doctor(*, as_json: bool, refresh: bool) -> Exit:
    """Print what this machine is and what works on it."""
    from lar import doctor as physician

    found = physician.examine(refresh=refresh)
    say(found if as_json else physician.render(found))
    if not any(one["available"] for one in found["backends"]):
        raise UnavailableError("no backend works here")
    return Exit.DONE
