"""What this machine is, and what a process on it has used: the facts that stand beside every measured figure.

A figure without its machine cannot be compared, so `environment` goes with every outcome; it must be quick (it imports
no array library) and honest (what a system does not tell is absent). What decides *whether* two figures are comparable
is the `device_fingerprint`: the model of the device, which does not change with load, clocks or versions.
"""

import contextlib
import hashlib
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from lar import nvidia, processor

LIBRARIES = (
    "lar",
    "numpy",
    "numba",
    "llvmlite",
    "jax",
    "jaxlib",
    "cupy",
    "torch",
    "array-api-compat",
    "array-api-extra",
    "array-api-strict",
)
"""The libraries whose versions can move a figure. CuPy's wheels are called by their CUDA; see `_version`."""

_CUPY_WHEELS = ("cupy", "cupy-cuda13x", "cupy-cuda12x", "cupy-cuda11x")
_ROOT = Path(__file__).parents[2]
_PROC = Path("/proc")
_CPUCLOCK_SCHED = 2  # include/linux/posix-timers.h: the clock that counts what the scheduler gave a whole process


def environment() -> dict[str, Any]:
    """Describe the machine as it is now.

    Returns
    -------
    dict
        JSON-able. ``processor`` (see `processor.describe`), ``load_average`` (3 floats), ``affinity`` (processors this
        process may run on), ``memory`` (``total_bytes available_bytes``), ``huge_pages`` (how the kernel gives them),
        ``system`` (``os release version``), ``python`` (``version implementation``), ``libraries`` (versions of the
        installed members of `LIBRARIES`), ``blas`` (NumPy's, where NumPy is imported already), ``nvidia`` (see
        `nvidia.describe`), ``git`` (``commit dirty`` of the checkout lar runs from). What is not known is absent.
    """
    import psutil

    memory = psutil.virtual_memory()
    facts: dict[str, Any] = {
        "processor": processor.describe(),
        "affinity": processor.affinity(),
        "memory": {"total_bytes": memory.total, "available_bytes": memory.available},
        "huge_pages": _huge_pages(),
        "system": {"os": platform.system(), "release": platform.release(), "version": platform.version()},
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "blas": _blas(),
        "nvidia": nvidia.describe(),
        "git": _git(_ROOT),
    }
    if hasattr(os, "getloadavg"):
        facts["load_average"] = list(os.getloadavg())
    return {name: fact for name, fact in facts.items() if fact}


def device_fingerprint(device: str) -> str:
    """Name the model of a device: what keys results, champions and measured ceilings.

    Parameters
    ----------
    device : str
        ``cpu``, or an accelerator (``cuda:0``).

    Returns
    -------
    str
        A short text for people and a hash, ``amd-epyc-25.17-3f0c9a1be2``: letters, digits, dots and dashes only. The
        hash covers what tells two models apart (for a CPU name, family, features, caches; for a GPU name, memory,
        compute capability), and nothing that changes from day to day. An accelerator that NVIDIA's driver does not
        know is named after its kind and the CPU beside it.
    """
    kind, _, index = device.partition(":")
    facts = _cpu_model()
    if kind == "cuda":
        gpus = nvidia.visible(nvidia.describe().get("gpus", []))
        if int(index or 0) < len(gpus):
            gpu = gpus[int(index or 0)]
            size = round(gpu.get("memory_bytes", 0) / 2**30)
            return _fingerprint(gpu["name"], {"gpu": gpu["name"], "gib": size, "cc": gpu.get("compute_capability")})
    name = str(facts.get("model") or facts.get("part") or facts["architecture"])
    if "family" in facts:
        name += f"-{facts['family']}.{facts['model_number']}"
    return _fingerprint(name, facts) if kind == "cpu" else _fingerprint(f"{kind}-{name}", {"kind": kind, **facts})


def rss_peak(pid: int) -> int:
    """Return the most bytes of memory that a process has had resident at once.

    Read from ``VmHWM``. Never from ``VmPeak``, which counts address space: a process that reserves and does not touch
    would look as large as its reservation. Without `/proc` (macOS), what is resident now.

    Raises
    ------
    ProcessLookupError
        If there is no such process, or it has ended and holds no memory any more.
    """
    if (_PROC / "self").exists():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in (_PROC / str(pid) / "status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise ProcessLookupError(f"process {pid} has ended")
    import psutil

    try:
        info = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        raise ProcessLookupError(f"process {pid} has ended") from None
    return int(getattr(info, "peak_wset", info.rss))  # Windows keeps a peak under this name


def process_cpu_ns(pid: int) -> int:
    """Return the processor time that all threads of another process have used, in nanoseconds.

    On Linux by the kernel's own clock of that process, which nothing inside the process can set or slow, at about a
    microsecond a read. Elsewhere from psutil, at the system's coarser resolution.

    Raises
    ------
    ProcessLookupError
        If there is no such process.
    """
    if sys.platform == "linux":
        try:
            return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
        except OSError:
            raise ProcessLookupError(f"process {pid} has ended") from None
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        raise ProcessLookupError(f"process {pid} has ended") from None
    return int((times.user + times.system) * 1e9)


def tasks(pid: int) -> list[int]:
    """Return the threads of a process by their numbers; none of a process that is gone. Linux."""
    try:
        return sorted(int(path.name) for path in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def run_delay_ns(pid: int) -> int:
    """Return how long the threads of a process were ready to run while another had the core, in nanoseconds, summed.

    From ``/proc/<pid>/task/*/schedstat``, its second figure. 0 where the system does not tell.

    Raises
    ------
    ProcessLookupError
        If there is no such process.
    """
    tasks = Path(f"/proc/{pid}/task")
    if sys.platform == "linux" and not tasks.exists():
        raise ProcessLookupError(f"process {pid} has ended")
    total = 0
    for path in tasks.glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread that ended since
            total += int(path.read_text().split()[1])
    return total


def own_run_delay_ns() -> int:
    """Return how long this thread was ready to run while another had its core, in nanoseconds; 0 if nothing tells."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    except (OSError, IndexError):
        return 0


def clock_noise(repeats: int = 100, spin_ns: int = 1_000_000) -> dict[str, Any]:
    """Measure how finely and how steadily time can be told here, in about `repeats` times `spin_ns`.

    Parameters
    ----------
    repeats : int
        How often the same fixed piece of work is timed.
    spin_ns : int
        About how long that piece takes, in nanoseconds.

    Returns
    -------
    dict
        ``resolution_ns`` (smallest step seen between two readings), ``overhead_ns`` (median cost of a reading),
        ``spin_ns`` (fastest time of the piece), and ``wall`` and ``cpu``, each with ``median`` and ``p95``: how far
        above its fastest time the piece ran, as a fraction of that time.
    """
    now, used = time.perf_counter_ns, time.process_time_ns
    readings = [now() for _ in range(10_001)]
    steps = [after - before for before, after in itertools.pairwise(readings)]
    spins = 1000
    while _spin(spins) < spin_ns:
        spins *= 2
    spins = max(1, round(spins * spin_ns / min(_spin(spins) for _ in range(3))))
    wall, cpu = [], []
    for _ in range(repeats):
        wall_began, cpu_began = now(), used()
        _spin(spins)
        cpu.append(used() - cpu_began)
        wall.append(now() - wall_began)
    return {
        "resolution_ns": min(step for step in steps if step > 0),
        "overhead_ns": statistics.median(steps),
        "spin_ns": min(wall),
        "wall": _spread(wall),
        "cpu": _spread(cpu),
    }


def _spin(count: int) -> int:
    began = time.perf_counter_ns()
    total = 0
    for i in range(count):
        total ^= i
    return time.perf_counter_ns() - began


def _spread(times: list[int]) -> dict[str, float]:
    fastest = max(1, min(times))
    above = sorted(t / fastest - 1 for t in times)
    return {"median": statistics.median(above), "p95": above[int(0.95 * (len(above) - 1))]}


def _cpu_model() -> dict[str, Any]:
    """Keep of the processor's facts those that its model decides."""
    facts = processor.describe()
    return {name: fact for name, fact in facts.items() if name not in {"governor", "cores_physical", "cores_logical"}}


def _fingerprint(name: str, facts: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:10]
    words = "".join(c if c.isascii() and (c.isalnum() or c == ".") else " " for c in name.lower()).split()
    return "-".join([*words, digest])


def _version(name: str) -> str | None:
    for candidate in _CUPY_WHEELS if name == "cupy" else (name,):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(candidate)
    return None


def _blas() -> str | None:
    """Name NumPy's linear algebra by its own build record, if NumPy is here already; importing it would take longer."""
    config = getattr(sys.modules.get("numpy"), "__config__", None)
    record = getattr(config, "CONFIG", {}).get("Build Dependencies", {}).get("blas", {})
    return f"{record['name']} {record['version']}" if {"name", "version"} <= record.keys() else None


def _huge_pages() -> str | None:
    """Return the chosen one of ``always [madvise] never``."""
    text = processor.read_text(Path("/sys/kernel/mm/transparent_hugepage/enabled")) or ""
    return text.partition("[")[2].partition("]")[0] or None


def _git(root: Path) -> dict[str, Any] | None:
    """Return the commit of a checkout and whether its files differ from it; None for a wheel or without git."""
    if not (root / "HARNESS.md").is_file() or not (root / ".git").exists():
        return None
    # No locks and no monitor: looking must not write into a user's checkout, nor start a program it configures.
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(root), "status"]
    command += ["--porcelain=v2", "--branch"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # as inside a git hook
    try:
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=5, env=plain)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    dirty = any(not line.startswith("#") for line in lines)
    return {"dirty": dirty} if commit == "(initial)" else {"commit": commit, "dirty": dirty}
