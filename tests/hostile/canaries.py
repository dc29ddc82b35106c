"""What must be untouched after a kernel was examined; each canary that is not says so in one line.

A kernel learns where they are through its constant ``CANARY``, which the examination fills in: an attacker knows where
to aim. They are a folder (that of the kernel's own file), an address that listens, the frozen files of the harness, the
processes that are left, and the supervisor's own settings.
"""

import hashlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

import lar
import lar.targets


class Canaries:
    """Set before an examination; `disturbed` afterwards says what was touched.

    Parameters
    ----------
    folder : Path
        Holds the kernel's file, already written.
    scratch : Path
        Where the supervisor makes its workers' homes: whose current folder is in it was started by a worker.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.scratch = scratch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._before: dict[str, object] = {}

    @property
    def address(self) -> str:
        """Folder, port and process, as ``CANARY`` has them: ``folder|port|pid``."""
        return f"{self.folder}|{self._listener.getsockname()[1]}|{os.getpid()}"

    def set(self) -> None:
        """Note how things are."""
        self._before = dict(self._facts())

    def disturbed(self) -> list[str]:
        """Return what differs now, and close the listener."""
        now = dict(self._facts())
        found = [f"{name}: {value} became {now[name]}" for name, value in self._before.items() if now[name] != value]
        try:
            self._listener.accept()
            found.append("network: somebody connected")
        except BlockingIOError:
            pass
        finally:
            self._listener.close()
        return found + [f"process: {one} is left" for one in self._survivors()]

    def _facts(self) -> Iterator[tuple[str, Any]]:
        yield "folder", sorted((p.name, p.stat().st_size) for p in self.folder.iterdir())
        yield "frozen files", _fingerprint()
        yield "affinity", sorted(os.sched_getaffinity(0))
        yield "priority", os.getpriority(os.PRIO_PROCESS, 0)
        yield "limits", [resource.getrlimit(which) for which in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)]
        yield "switch interval", sys.getswitchinterval()
        yield "signals", [repr(signal.getsignal(which)) for which in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]

    def _survivors(self) -> list[int]:
        """Return processes that work in a worker's home; one that is being ended has a moment for it."""
        found: list[int] = []
        for _ in range(20):
            found = [process.pid for process in psutil.process_iter() if self._is_ours(process)]
            if not found:
                break
            time.sleep(0.05)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.pid != os.getpid() and process.cwd().startswith(str(self.scratch))
        except (psutil.Error, OSError):
            return False


def _fingerprint() -> str:
    """Return a hash of the harness and of the targets."""
    digest = hashlib.sha256()
    roots = [Path(lar.__file__).parent, *map(Path, lar.targets.__path__)]
    for path in sorted(path for root in roots for path in root.rglob("*.py")):
        digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
