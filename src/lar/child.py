"""A worker's process as the operating system sees it: started behind its walls, stopped, resumed, ended.

Between supervisor and worker stands another process: bubblewrap, or where that is missing a guardian. So the process
that was started is not the one that computes. Which one that is the kernel attests: the worker's first message carries
its sender's id, as it is counted here.
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO

from lar import machine
from lar.channel import FRAME_LIMIT
from lar.launch import Launch, enclosure
from lar.walls import basics, paths

_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from lar import walls; "
    "raised = walls.raise_first(walls.Plan(**json.loads(sys.argv[2]))); "
    "import lar.worker; lar.worker.main(int(sys.argv[3]), raised)"
)
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_END_S = 10.0


def protect_supervisor() -> str:
    """Close this process's memory, environment and descriptors to others, workers among them; say how that went.

    It holds for the whole process and from now on: no debugger of the same user can attach, no core is dumped. Called
    when the first worker is started.
    """
    return basics.prctl(basics.PR_SET_DUMPABLE, 0)


class Child:
    """One worker's process.

    Attributes
    ----------
    link : socket
        Our end of the socket.
    process : Popen
        The process that was started; the worker is beneath it.
    pid : int
        The worker, once it has been heard (see `hear_first`); 0 before.
    isolation : dict of str to str
        What could not be raised from outside, or was; the worker's own walls once it has been heard.
    """

    def __init__(self, launch: Launch, home: Path, log: IO[bytes]) -> None:
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.pid = 0
        self.stopped = False
        self._pidfd: int | None = None
        self._init: int | None = None
        self._stat: int | None = None
        kept, self._lifeline = os.pipe()
        self.isolation = {"process": "own session", "memory": "sealed", "supervisor": protect_supervisor()}
        try:
            self.process = self._start(launch, home, log, theirs, kept)
        except BaseException:
            self.link.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(kept)

    def _start(
        self, launch: Launch, home: Path, log: IO[bytes], theirs: socket.socket, kept: int
    ) -> "subprocess.Popen[bytes]":
        walls = enclosure(launch, home, kept)
        self.isolation |= walls.absent
        if walls.plan.user is not None:
            for path in (home, launch.compile_cache):
                os.chown(path, walls.plan.user, walls.plan.user)
        # -I keeps PYTHON* variables and the working directory out; what may be imported is passed on as it is here.
        # -B, since the variable for it is kept out too: bytecode beside a kernel could be found in its place later.
        words = [sys.executable, "-I", "-B", "-c", _BOOT, json.dumps(paths.search_path())]
        words += [json.dumps(asdict(walls.plan)), str(theirs.fileno()), "-" * launch.filler]
        status, ours = os.pipe()
        self._status = os.fdopen(status, "rb")  # open to the end: bubblewrap writes there once more when it ends
        try:
            if walls.prefix:
                words = [*walls.prefix, "--json-status-fd", str(ours), "--", *words]
            process = subprocess.Popen(
                words,
                pass_fds=[theirs.fileno(), ours if walls.prefix else kept],
                env=launch.environment(home),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(ours)
        if walls.prefix:
            self.isolation["bubblewrap"] = "on (files, processes, network, ipc)"
            self._init = _first_process(self._status)
        return process

    def hear_first(self) -> bytes:
        """Receive the worker's first frame, and with it who the worker is; empty if there is no worker any more.

        Raises
        ------
        ProcessLookupError
            If it has ended since.
        """
        frame, extra, _, _ = self.link.recvmsg(FRAME_LIMIT, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, data in extra:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                self.pid = _CREDENTIALS.unpack(data)[0]
        if frame:
            self._pidfd = os.pidfd_open(self.pid)
            self._stat = os.open(f"/proc/{self.pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        return frame

    # ---- stopping --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop every thread, and return when none runs any more; nothing happens to a process that has ended."""
        if self.stopped or self._pidfd is None or self._stat is None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGSTOP)
            self.stopped = True
            latest = time.monotonic() + 1.0
            while _running(os.pread(self._stat, 512, 0)) and time.monotonic() < latest:
                os.sched_yield()  # it may be our core that it needs to stop on
            for task in machine.tasks(self.pid):
                path = Path(f"/proc/{self.pid}/task/{task}/stat")
                with contextlib.suppress(OSError):
                    while _running(path.read_bytes()) and time.monotonic() < latest:
                        os.sched_yield()

    def settle(self) -> None:
        """Stop a process that has answered and does not sleep yet: till then its processor time is known to a tick."""
        if self._stat is not None and _state(os.pread(self._stat, 512, 0)) in b"RD":
            self.stop()

    def resume(self) -> None:
        """Let a stopped process run on."""
        if self.stopped and self._pidfd is not None:
            self.stopped = False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGCONT)

    # ---- the end ---------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Kill the worker with everything it has started, stopped or not, and wait until none of it is left."""
        self.link.close()
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)  # all of its namespace go with it ...
            select.select([self._init], [], [], _END_S)  # ... and before it
        with contextlib.suppress(BrokenPipeError):
            os.write(self._lifeline, b"x")  # a byte and not only an end: a fork of this program may hold the pipe too
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for descriptor in (self._lifeline, self._init, self._pidfd, self._stat):
            if descriptor is not None:
                os.close(descriptor)
        self._status.close()
        self._init = self._pidfd = self._stat = None


def _first_process(told: IO[bytes]) -> int | None:
    """Return a descriptor of the namespace's first process, which can be read once everything in it is dead."""
    with contextlib.suppress(ValueError, KeyError, OSError):
        return os.pidfd_open(json.loads(told.readline())["child-pid"])
    return None


def _running(stat: bytes) -> bool:
    """Say whether a thread is neither stopped nor dead, by its line in /proc."""
    return _state(stat) not in b"TtZXx"


def _state(stat: bytes) -> bytes:
    """Return the letter of a thread's state, by its line in /proc."""
    return stat.rpartition(b")")[2][1:2]
