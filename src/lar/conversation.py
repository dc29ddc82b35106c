"""The talk with one worker: a request at a time, each answer waited for, everything said out of turn refused.

A worker may be gone, hang, print without end or answer what nobody asked: each is noticed here, at the latest with the
next request, and told as a `KernelFailedError`.
"""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lar import channel, failures, machine, quota
from lar.channel import FRAME_LIMIT
from lar.child import Child
from lar.contracts import Failure, Status
from lar.failures import KernelFailedError
from lar.launch import Launch
from lar.tampering import Idle

WRITTEN_BYTES = 2 << 30
"""How much a worker may keep in files, in its home and in its compile cache each."""

_GLANCE_S = 1.0  # how often a worker that keeps us waiting is looked at
_DOING = {b"W": "starting", b"O": "opening the backend", b"I": "the kernel's import", b"D": "prepare", b"R": "a batch"}


@dataclass(frozen=True)
class Answer:
    """The answer to a timed request, with the supervisor's readings from just before to just after, in nanoseconds.

    `waited_ns` is time in which the worker, or the supervisor, was ready to run and another process had its core.
    """

    frame: bytes
    wall_ns: int
    cpu_ns: int
    waited_ns: int


class Conversation:
    """Requests and answers.

    Parameters
    ----------
    launch : Launch
        Whose deadline and patience hold.
    child : Child
        The worker.
    log : file
        What it prints to.
    folders : sequence of Path
        Where it can write.
    """

    def __init__(self, launch: Launch, child: Child, log: IO[bytes], folders: Sequence[Path]) -> None:
        self.launch = launch
        self.child = child
        self.log = log
        self.folders = folders

    def greeting(self) -> dict[str, Any]:
        """Receive the first frame, and with it who the worker is."""
        with self.lookup(None):
            self._wait(b"W", None)
            frame = self.child.hear_first()
            if not frame:
                raise ProcessLookupError
        return failures.reply(frame, b"W", None)

    def ask(self, kind: bytes, job: dict[str, Any], fds: Sequence[int] = (), case: str | None = None) -> dict[str, Any]:
        """Have a job done and return what is answered."""
        with self.lookup(case):
            self._begin(case)
            channel.send_json(self.child.link, kind, job, fds)
            answer = self._receive(kind, case)
        if kind in b"IDV":
            self._look_at_files(case)
        if answer[:1] != b"K":
            raise self.failure(answer, case, opening=kind == b"O")
        return failures.reply(answer, b"K", case)

    def timed(self, request: bytes, case: str, show: Callable[[], None] = lambda: None) -> Answer:
        """Send a request on the clock, with the worker awake and waiting for it; `show` is called just before."""
        pid = self.child.pid
        with self.lookup(case):
            self._begin(case)
            self._wake(case)
            # We too may be ready and find our core taken: an answer that lies there is not the worker's time.
            waited = machine.run_delay_ns(pid) + machine.own_run_delay_ns()
            cpu = machine.process_cpu_ns(pid)
            show()
            began = time.perf_counter_ns()
            self.child.link.sendall(request)
            frame = self._receive(b"R", case)
            wall = time.perf_counter_ns() - began
            self.child.settle()
            cpu = machine.process_cpu_ns(pid) - cpu
            waited = machine.run_delay_ns(pid) + machine.own_run_delay_ns() - waited
        return Answer(frame, wall, cpu, waited)

    def left_alone(self, lasting_ns: int, case: str | None) -> Idle:
        """Ask nothing for a while; return what the worker computed all the same."""
        self.child.resume()
        with self.lookup(case):
            before = self._clocks()
            time.sleep(lasting_ns / 1e9)
            after = self._clocks()
        return Idle(*(then - now for now, then in zip(before, after, strict=True)))

    def _clocks(self) -> tuple[int, int, int]:
        pid = self.child.pid
        return time.perf_counter_ns(), machine.process_cpu_ns(pid), machine.run_delay_ns(pid)

    def failure(self, frame: bytes, case: str | None, *, opening: bool = False) -> KernelFailedError:
        """Return the failure that a frame in the place of an answer tells of."""
        try:
            self._look_at_files(case)
            return failures.told(frame, case, opening=opening)
        except KernelFailedError as error:
            return error

    @contextlib.contextmanager
    def lookup(self, case: str | None) -> Iterator[None]:
        """Tell of a worker that is gone by how it ended, wherever that is noticed."""
        try:
            yield
        except (ProcessLookupError, BrokenPipeError, ConnectionResetError):
            raise self._died(case) from None

    def _begin(self, case: str | None) -> None:
        """Let the worker run on; refuse what it has said since its last answer."""
        self.child.resume()
        if select.select([self.child.link], [], [], 0)[0]:
            if not self.child.link.recv(FRAME_LIMIT):
                raise ProcessLookupError
            raise failures.cheat("protocol", "a frame that nobody asked for", case)

    def _wake(self, case: str) -> None:
        """Exchange a frame off the clock: a worker that is awake answers sooner and more evenly than one that slept."""
        self.child.link.sendall(b"P")
        answer = self._receive(b"R", case)
        if answer != b"P":
            raise self.failure(answer, case)

    def _receive(self, kind: bytes, case: str | None) -> bytes:
        self._wait(kind, case)
        answer = self.child.link.recv(FRAME_LIMIT)
        if not answer:
            raise ProcessLookupError
        return answer

    def _wait(self, kind: bytes, case: str | None) -> None:
        """Wait for a frame, or for the end of the worker."""
        began = time.monotonic()
        while True:
            now = time.monotonic()
            left, patience = self.launch.deadline - now, began + self.launch.patience - now
            if select.select([self.child.link], [], [], max(0.0, min(left, patience, _GLANCE_S)))[0]:
                return
            self._look_at_files(case)
            doing = _DOING.get(kind, "an answer")
            if left <= 0:
                message = f"the time budget is spent; {doing} took the last {now - began:.0f} s of it"
                raise KernelFailedError(Status.TIMEOUT, Failure("budget", message, case))
            if patience <= 0:
                raise failures.crash("hang", f"{doing} took longer than {self.launch.patience:.0f} s", case)

    def _look_at_files(self, case: str | None) -> None:
        """Refuse a worker that fills the disk: one file has a limit, all together have none but this."""
        if os.fstat(self.log.fileno()).st_size > failures.OUTPUT_BYTES:
            raise failures.crash("output", f"printed more than {failures.OUTPUT_BYTES >> 20} MB", case)
        if any(quota.used(folder, WRITTEN_BYTES) > WRITTEN_BYTES for folder in self.folders):
            raise failures.crash("output", f"wrote more than {WRITTEN_BYTES >> 20} MB of files", case)

    def _died(self, case: str | None) -> KernelFailedError:
        try:
            self._look_at_files(case)
            code = self.child.process.wait(5)
        except subprocess.TimeoutExpired:
            return failures.crash("exit", "the kernel closed the worker's channel", case)
        except KernelFailedError as error:
            return error
        return failures.ended(code, self.log, case)
