"""What a worker is started with: limits, a bare environment, a home of its own, its cores, the walls round it."""

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psutil

import lar.targets
from lar import cache, journal
from lar.errors import LarError
from lar.walls import Plan, basics, bubblewrap, paths

T = TypeVar("T")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PASSED_ON = (
    *("PATH", "LANG", "LD_LIBRARY_PATH", "CUDA_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES"),
    *("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"),  # how a user hides instructions from numba
)
FILE_BYTES = 256 << 20
"""The largest file a worker can write."""
_PAGE = 4096


@dataclass(frozen=True)
class Launch:
    """What a worker is started with.

    Attributes
    ----------
    target, backend : str
        Names.
    device : str or None
        None for the backend's preferred one.
    kernel : Path
        The kernel's file.
    threads : int
        Cores the worker may use, held by affinity.
    deadline : float
        `time.monotonic` at which the whole run's budget is spent.
    patience : float
        Seconds after which a single step counts as a hang.
    memory : int
        Bytes of private memory the worker may have.
    compile_cache : Path
        Where compiled code may be kept; shared by the workers of one run, for one kernel.
    roots : tuple of Path
        Folders of targets to mount ahead of those the supervisor has mounted.
    cores : frozenset of int
        Where to start; none: on those that are idle then.
    filler : int
        Bytes of an argument that nobody reads. What a process allocates first decides where in a page all that follows
        lies, and that alone makes the same code 1 % faster or slower.
    """

    target: str
    backend: str
    device: str | None
    kernel: Path
    threads: int
    deadline: float
    patience: float
    memory: int
    compile_cache: Path
    roots: tuple[Path, ...] = ()
    cores: frozenset[int] = frozenset()
    filler: int = 0

    def limits(self) -> dict[str, int]:
        """Return the worker's resource limits by their names in `resource`, in bytes, seconds and numbers."""
        cores = os.cpu_count() or 1
        return {
            "data": self.memory,  # not the address space, of which JAX and CUDA reserve far more than they use
            "fsize": FILE_BYTES,
            "cpu": max(1, int(self.deadline - time.monotonic())) * cores + 60,
            "nofile": 512,
            # Counted over all processes of a user, hence from what all users have; libraries start threads per core.
            "nproc": basics.loadavg_tasks() + 512 + 16 * cores,
            **dict.fromkeys(("core", "nice", "rtprio", "msgqueue"), 0),
        }

    def environment(self, home: Path) -> dict[str, str]:
        """Return the worker's whole environment."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        own = {
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(self.compile_cache),
            "CUPY_CACHE_DIR": str(self.compile_cache),
            "CUDA_CACHE_PATH": str(self.compile_cache),
            "JAX_COMPILATION_CACHE_DIR": str(self.compile_cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            **dict.fromkeys(_THREAD_VARIABLES, str(self.threads)),
        }
        if self.device == "cpu":
            own["JAX_PLATFORMS"] = "cpu"
        return passed | own

    def target_roots(self) -> list[str]:
        """Return the folders of targets that the worker mounts, the first ahead of the second."""
        return [str(Path(one).resolve()) for one in [*map(str, self.roots), *lar.targets.__path__]]


@dataclass(frozen=True)
class Enclosure:
    """The walls a worker is to have here.

    Attributes
    ----------
    plan : Plan
        What the worker raises itself.
    prefix : list of str
        The words that start it behind bubblewrap; empty where that does not work.
    absent : dict of str to str
        What cannot be raised here, with the reason.
    """

    plan: Plan
    prefix: list[str]
    absent: dict[str, str]


def enclosure(launch: Launch, home: Path, lifeline: int) -> Enclosure:
    """Find out which walls can be raised round a worker here.

    Parameters
    ----------
    launch : Launch
    home : Path
        The worker's own folder.
    lifeline : int
        The descriptor for a guardian (see `lar.walls.guardian`), where one is needed.
    """
    given = [*paths.libraries(), *launch.target_roots(), *paths.kernel_files(launch.kernel)]
    read, look = paths.without(given, _private())
    write = [str(home), str(launch.compile_cache.resolve())]
    devices = [*paths.DEVICES, *(paths.accelerators() if launch.device != "cpu" else [])]
    system = [*paths.SYSTEM, *paths.PROCESS, *(["/sys"] if len(devices) > len(paths.DEVICES) else [])]
    user_namespace, no_namespaces = bubblewrap.choose_once()
    mounted = no_namespaces is None
    no_user = _no_user(given, write, mounted=mounted)
    if mounted and user_namespace:
        no_user = no_user or "bubblewrap needs a user namespace here, which has only one"
    prefix = bubblewrap.prefix(
        user_namespace=user_namespace, read=[*system, *read], write=write, devices=devices, home=str(home)
    )
    plan = Plan(
        limits=launch.limits(),
        user=basics.USER if no_user is None else None,
        read=[*system, *read],
        # A kernel's helpers are looked for beside it (and hashed with it), so that its folder can be listed, not read.
        look=[*look, str(launch.kernel.parent)],
        write=write,
        devices=devices,
        lifeline=None if mounted else lifeline,
    )
    absent = {"user": no_user, "bubblewrap": no_namespaces}
    return Enclosure(
        plan, prefix if mounted else [], {name: f"absent: {reason}" for name, reason in absent.items() if reason}
    )


def _private() -> list[Path]:
    """Return what no worker may read: the supervisor's cache and its journal."""
    found = [home] if (home := cache.folder()) else []
    try:
        store = journal.default_path()
    except LarError:
        return found
    return [*found, *(store.with_name(store.name + end) for end in ("", "-wal", "-shm", "-journal"))]


def _no_user(read: list[str], write: list[str], *, mounted: bool) -> str | None:
    """Return why the worker cannot have a user of its own; None if it can.

    Where each path is mounted by itself, the folders above it are bubblewrap's and open.
    """
    refusal = basics.user_refusal(basics.USER)
    if refusal is not None:
        return refusal
    closed = paths.closed_to_others(read) or (None if mounted else paths.closed_above([*read, *write]))
    return None if closed is None else f"{closed} is not readable for others"


def drawn_filler() -> int:
    """Draw a `filler`: processes that all begin alike share one placement in memory, and its luck is no noise then."""
    return secrets.randbelow(_PAGE)


def apart(launches: Mapping[T, Launch]) -> dict[T, Launch]:
    """Return launches that are made at the same time on cores of their own, as far as there are enough."""
    most = max(launch.threads for launch in launches.values())
    cores = sorted(idle_cores(most * len(launches)))
    if len(cores) < most * len(launches):
        return dict(launches)
    shares = (frozenset(cores[i * most : (i + 1) * most]) for i in range(len(launches)))
    return {name: replace(launch, cores=own) for (name, launch), own in zip(launches.items(), shares, strict=True)}


def idle_cores(count: int) -> set[int]:
    """Return those of the cores this process may use that did least in the last tenth of a second, the last of equals.

    Who else runs on this machine is not ours to choose; where they run can be seen.
    """
    busy = psutil.cpu_percent(interval=0.1, percpu=True)
    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    return set(sorted(allowed, key=lambda core: busy[core] if core < len(busy) else 0.0)[:count])
