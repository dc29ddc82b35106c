"""What this machine is, what works on it, how fast it can be, and what would mend the rest: `lar doctor`.

`examine` finds out and `render` tells, so that a program can have the first without the second.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from lar import __version__, catalog, ceilings, isolation, machine, probe
from lar.errors import UnavailableError

_AT_ONCE = 4  # probes: each is a process that mostly waits for the disk
_FIRST_COLUMN = 18


def examine(*, refresh: bool = False) -> dict[str, Any]:
    """Examine this machine; takes seconds, most of them for opening array libraries and, once, measuring ceilings.

    Parameters
    ----------
    refresh : bool
        Measure the ceilings again, though they are known.

    Returns
    -------
    dict
        JSON-able: ``fingerprint`` (of the CPU), ``environment`` (see `lar.machine.environment`), ``backends`` (the
        answers of `lar.probe.probe`), ``ceilings`` (by device, see `lar.ceilings.Ceilings`), ``clock`` (see
        `lar.machine.clock_noise`), ``isolation`` (see `lar.isolation.Layer`), ``summary`` (str).
    """
    environment = machine.environment()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        backends = sorted(pool.map(probe.probe, catalog.backend_names()), key=_measured_first)
    # Only now that nothing else of ours runs.
    limits = {"cpu": asdict(ceilings.ceilings("cpu", refresh=refresh))}
    limits |= _accelerators(backends, refresh=refresh)
    return {
        "fingerprint": machine.device_fingerprint("cpu"),
        "environment": environment,
        "backends": backends,
        "ceilings": limits,
        "clock": machine.clock_noise(),
        "isolation": [asdict(layer) for layer in isolation.layers()],
        "summary": _summary(backends),
    }


def render(report: Mapping[str, Any]) -> str:
    """Return what `examine` found as plain text, a section each, with a summary at the end."""
    sections: list[tuple[str, Iterable[str]]] = [
        ("Machine", _machine(report)),
        ("Backends", _backends(report["backends"])),
        *((f"Ceilings of {device}", _ceilings(one)) for device, one in report["ceilings"].items()),
        ("Clock", _clock(report["clock"])),
        ("Isolation of a worker", _isolation(report["isolation"])),
    ]
    blocks = ["\n".join([title, *(f"  {line}".rstrip() for line in lines)]) for title, lines in sections]
    return "\n\n".join([*blocks, str(report["summary"])])


def _accelerators(backends: Sequence[Mapping[str, Any]], *, refresh: bool) -> dict[str, Any]:
    """Return the ceilings of each backend's first accelerator, measured in a process of that backend if need be."""
    found: dict[str, Any] = {}
    for one in backends:
        device = one["devices"][0] if one["available"] and one["purpose"] == "measure" else "cpu"
        if device == "cpu" or (device in found and not refresh):
            continue
        known = None if refresh else _known(device)
        measured = known or probe.probe(one["name"], with_ceilings=True).get("ceilings")
        if measured:
            found[device] = measured
    return found


def _known(device: str) -> dict[str, Any] | None:
    with contextlib.suppress(UnavailableError):
        return asdict(ceilings.ceilings(device))
    return None


def _measured_first(answer: Mapping[str, Any]) -> tuple[bool, str]:
    return (answer["purpose"] != "measure", answer["name"])


def _summary(backends: Sequence[Mapping[str, Any]]) -> str:
    measured = [one for one in backends if one["purpose"] == "measure"]
    working = [f"{one['name']} ({one['devices'][0]})" for one in measured if one["available"]]
    missing = [one["name"] for one in measured if not one["available"]]
    if not working:
        return "No backend works here; the reasons stand above."
    rest = f" Not here: {', '.join(missing)}; the reasons stand above." if missing else ""
    return f"Kernels can be checked and timed on {', '.join(working)}.{rest}"


def _row(name: str, *cells: str) -> str:
    return f"{name:<{_FIRST_COLUMN}}" + "  ".join(cells)


def _machine(report: Mapping[str, Any]) -> Iterable[str]:
    facts = report["environment"]
    cpu, memory = facts["processor"], facts["memory"]
    cores = " of ".join(str(cpu[name]) for name in ("cores_physical", "cores_logical") if name in cpu)
    yield _row("processor", f"{cpu.get('model', cpu.get('part', 'not told'))}, {cpu['architecture']}")
    if cores:
        yield _row("cores", f"{cores} (physical of logical), usable: {_ranges(facts.get('affinity')) or 'all'}")
    if cpu["caches"]:
        yield _row("caches", ", ".join(f"{name} {_size(size)}" for name, size in cpu["caches"].items()))
    yield from _wrapped("features", cpu["features"])
    if "governor" in cpu:
        yield _row("governor", cpu["governor"])
    if "load_average" in facts:
        yield _row("load", " ".join(f"{load:.2f}" for load in facts["load_average"]) + " (1, 5, 15 minutes)")
    yield _row("memory", f"{_size(memory['total_bytes'])}, {_size(memory['available_bytes'])} available")
    for gpu in facts.get("nvidia", {}).get("gpus", []):
        yield _row(f"GPU {gpu['index']}", _gpu(gpu, facts["nvidia"]))
    yield _row("system", f"{facts['system']['os']} {facts['system']['release']}")
    yield _row("Python", f"{facts['python']['version']} ({facts['python']['implementation']})")
    yield from _wrapped("libraries", [f"{name} {version}," for name, version in facts["libraries"].items()])
    if "blas" in facts:
        yield _row("BLAS", facts["blas"])
    yield _row("lar", f"{__version__}{_checkout(facts.get('git'))}")
    yield _row("fingerprint", report["fingerprint"])


def _gpu(gpu: Mapping[str, Any], nvidia: Mapping[str, Any]) -> str:
    parts = [gpu["name"]]
    parts += [_size(gpu["memory_bytes"])] if "memory_bytes" in gpu else []
    parts += [f"compute capability {gpu['compute_capability']}"] if "compute_capability" in gpu else []
    parts += [f"{name} {mhz} MHz" for name, mhz in gpu.get("clocks_mhz", {}).items()]
    parts += [f"driver {nvidia['driver']}"] if "driver" in nvidia else []
    slowed = [reason for reason in gpu.get("throttle_reasons", []) if reason != "gpu_idle"]
    parts += [f"slowed by {' '.join(slowed)}"] if slowed else []
    return ", ".join(parts)


def _checkout(git: Mapping[str, Any] | None) -> str:
    if git is None:
        return ""
    return f", a checkout{' at ' + git['commit'][:12] if 'commit' in git else ''}{', changed' if git['dirty'] else ''}"


def _backends(backends: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for one in backends:
        only = "" if one["purpose"] == "measure" else f", for {one['purpose']} only"
        if one["available"]:
            versions = ", ".join(f"{name} {version}" for name, version in one["about"].items())
            yield _row(one["name"], f"works on {' '.join(one['devices'])}{only} ({versions})")
        else:
            yield _row(one["name"], f"does not work{only}: {one['reason']}")


def _ceilings(limits: Mapping[str, Any]) -> Iterable[str]:
    threads = limits["threads"]
    yield _row("threads", "the device's own" if threads == ceilings.ACCELERATOR else str(threads))
    if not limits["quiet"]:
        yield _row("", "measured while the machine was busy: too low, above all for large working sets. They will be")
        yield _row("", "measured again, and only rise; a quiet moment serves best")
    yield _row("float32", f"{_giga(limits['rates']['f32'])} Gop/s")
    yield _row("bytes", f"{_giga(limits['rates']['u8'])} Gop/s")
    reads, traffic = dict(limits["reads"]), dict(limits["traffic"])
    yield _row("working set", "reading GB/s", "reading and writing GB/s")
    for size in sorted({*reads, *traffic}):
        cells = (f"{_giga(curve[size]) if size in curve else '-':>12}" for curve in (reads, traffic))
        yield _row(_size(size), *cells)


def _clock(clock: Mapping[str, Any]) -> Iterable[str]:
    yield _row("resolution", f"{clock['resolution_ns']} ns, {clock['overhead_ns']:.0f} ns a reading")
    for name, spread in (("wall time", clock["wall"]), ("CPU time", clock["cpu"])):
        yield _row(
            name,
            f"a piece of {clock['spin_ns'] / 1e6:.1f} ms takes {spread['median']:.1%} longer than its fastest "
            f"in the median, {spread['p95']:.1%} in the 95th percentile",
        )


def _isolation(walls: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for wall in walls:
        state = ("raised" if wall["raised"] else "not raised yet") if wall["available"] else "not here"
        yield _row(wall["name"], f"{state:<14}", wall["detail"])


def _wrapped(name: str, words: Sequence[str], width: int = 90) -> Iterable[str]:
    line = ""
    for word in words:
        if line and len(line) + len(word) >= width:
            yield _row(name, line)
            name, line = "", ""
        line += f" {word}" if line else word
    if line:
        yield _row(name, line.rstrip(","))


def _ranges(processors: Sequence[int] | None) -> str:
    """Write 0 1 2 3 6 as ``0-3,6``."""
    runs: list[list[int]] = []
    for number in processors or ():
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _size(size: int) -> str:
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.3g} {unit}"
    return f"{size} bytes"


def _giga(rate: float) -> str:
    return f"{rate / 1e9:.3g}" if rate < 1e12 else f"{rate / 1e9:.0f}"
