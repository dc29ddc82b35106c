"""How a worker is started: with one socket, a bare environment, a home of its own, its cores and its limits."""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); import lar.worker as w; w.main(int(sys.argv[2]))"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PASSED_ON = (
    *("PATH", "LANG", "LD_LIBRARY_PATH", "CUDA_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES"),
    *("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"),  # how a user hides instructions from numba
)


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

    def limits(self) -> dict[str, int]:
        """Return the worker's resource limits by their names in `resource`, in bytes, seconds and files."""
        # RLIMIT_DATA and not RLIMIT_AS: JAX and CUDA reserve far more address space than they use.
        left = max(1, int(self.deadline - time.monotonic())) * (os.cpu_count() or 1)
        return {"data": self.memory, "core": 0, "fsize": 1 << 28, "cpu": left + 60, "nofile": 512}

    def environment(self, home: Path) -> dict[str, str]:
        """Return the worker's whole environment."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        own = {
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(self.compile_cache),
            "CUPY_CACHE_DIR": str(self.compile_cache),
            "JAX_COMPILATION_CACHE_DIR": str(self.compile_cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            **dict.fromkeys(_THREAD_VARIABLES, str(self.threads)),
        }
        if self.device == "cpu":
            own["JAX_PLATFORMS"] = "cpu"
        return passed | own


def idle_cores(count: int) -> set[int]:
    """Return those of the cores this process may use that did least in the last tenth of a second, the last of equals.

    Who else runs on this machine is not ours to choose; where they run can be seen.
    """
    busy = psutil.cpu_percent(interval=0.1, percpu=True)
    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    return set(sorted(allowed, key=lambda core: busy[core] if core < len(busy) else 0.0)[:count])


def start(launch: Launch, home: Path, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a worker's process, pinned to idle cores, in a session of its own; return it with our end of the socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    paths = [str(Path(p).resolve()) for p in sys.path if p]
    with theirs:
        # -I keeps PYTHON* variables and the working directory out; what may be imported is passed on as it is here.
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, json.dumps(paths), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=launch.environment(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    os.sched_setaffinity(process.pid, idle_cores(launch.threads))
    return process, ours
