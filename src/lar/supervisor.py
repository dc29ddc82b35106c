"""Starts a worker, hands it inputs, reads the clocks, takes the outputs, ends it. It never imports a kernel.

The supervisor's own clocks are the record: wall time from the request of a batch to its answer, and the CPU clock of
the worker's process, which the worker cannot set. A worker that has no turn is stopped, so that nothing in it can work
on inputs ahead of the request; now and then it is left running instead, and what it computes then is read. Whatever
goes wrong in the worker is raised here as `KernelFailedError` with the status and the facts, for the caller to turn
into an outcome; nothing a kernel does hangs the supervisor.
"""

import contextlib
import os
import random
import tempfile
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from lar import channel, failures, machine, quota, tampering
from lar.channel import DONE, LATENCY, RUN, Segment
from lar.child import Child
from lar.chores import ChoreBook
from lar.clock import Reading
from lar.contracts import Case, Data, HostArray, Outputs, Query, Spec, Status
from lar.conversation import WRITTEN_BYTES, Conversation
from lar.exchange import Exchange
from lar.failures import KernelFailedError
from lar.launch import Launch, idle_cores
from lar.tampering import Claim, Idle

__all__ = ["KernelFailedError", "WorkerProcess", "stack"]

_WATCHED_FIRST, _WATCHED_SHARE = (2, 5, 9), 1 / 16
_RANDOM = random.SystemRandom()


class WorkerProcess:
    """A worker as its supervisor sees it; a context manager that leaves no process behind.

    Attributes
    ----------
    about, device : dict, str
        What the worker said of its backend before there was a kernel.
    isolation : dict of str to str
        Every wall, ``on`` or ``absent: `` with the reason (see `lar.isolation.record_worthy`).
    claims : dict of str to list of Claim
        What it said its timed calls took, batch by batch, by case.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.folder = Path(tempfile.mkdtemp(prefix="lar-"))
        self.folder.chmod(0o711)  # a worker that is another user passes here to its home
        self.home = self.folder / "home"
        self.home.mkdir(0o700)
        self._log = (self.folder / "output").open("w+b")
        self._states: dict[tuple[str, str], int] = {}
        self._open: dict[str, tuple[int, Exchange]] = {}
        self._numbers = count()
        self._stagings = 0
        self._calls, self._wall_ns = 0, 0
        self.claims: dict[str, list[Claim]] = {}
        try:
            self.child = Child(launch, self.home, self._log)
        except BaseException:
            self._remove()
            raise
        try:
            self._talk = Conversation(launch, self.child, self._log, (self.home, launch.compile_cache))
            self._greet()
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        cores = self.launch.cores or idle_cores(self.launch.threads)
        self.isolation = self.child.isolation | self._talk.greeting()
        self.pin(cores)
        job = {"backend": self.launch.backend, "device": self.launch.device, "roots": self.launch.target_roots()}
        self.about = self._talk.ask(b"O", job)
        self.device = str(self.about["device"])
        self._views = bool(self.about["views"])
        alone = self.device == "cpu" and self.launch.threads == 1
        self._limits = tampering.QUIET if alone else tampering.RESTLESS
        self._chores = ChoreBook(self._talk, self.child)
        self.isolation |= self.about["isolation"]
        self.pin(cores)  # also the threads that the library has started
        with self._talk.lookup(None):
            self.isolation["affinity"] = ",".join(map(str, sorted(os.sched_getaffinity(self.pid))))
        answer = self._talk.ask(b"I", {"target": self.launch.target, "kernel": str(self.launch.kernel)})
        self.about["import_ns"] = failures.number(answer, "import_ns", None)

    # ---- jobs ------------------------------------------------------------------------------------------------------

    def load(self, case: Case, data: Data) -> int:
        """Hand over a data set and have it prepared; return the nanoseconds `prepare` took by the worker's clock."""
        layout = channel.layout_of(data)
        segment = Segment(layout.size, readonly=True)
        channel.write(segment.bytes, layout, data)
        number = next(self._numbers)
        job = {"id": number, "layout": layout.to_json(), "statics": dict(case.statics)}
        try:
            answer = self._talk.ask(b"D", job, [segment.fd])
        finally:
            segment.close()
        self._states[_state_key(case)] = number
        return failures.number(answer, "prepare_ns", case.name)

    def has(self, case: Case) -> bool:
        """Say whether the data set of a case is prepared."""
        return _state_key(case) in self._states

    def open_case(self, case: Case, example: Query, specs: Sequence[Spec], most: int) -> int:
        """Take up a case with room for up to `most` calls a batch; return how many there is room for."""
        query = channel.layout_of(example)
        out = channel.layout_of(tuple(np.broadcast_to(np.empty((), s.dtype), s.shape) for s in specs))
        opened = Exchange.room(query, out, most)
        number = next(self._numbers)
        job = {
            "id": number,
            "state": self._states[_state_key(case)],
            "statics": dict(case.statics),
            "query": query.to_json(),
            "out": out.to_json(),
            "slots": opened.slots,
        }
        try:
            self._talk.ask(b"C", job, [opened.queries.fd, opened.outputs.fd])
        finally:
            opened.close()
        self._open[case.name] = (number, opened)
        return opened.slots

    def stage(self, case: Case, queries: Sequence[Query]) -> None:
        """Lay out the queries of the next batches, off the clock, and poison what the outputs will be read from.

        Where the worker's arrays are views of our memory, the queries wait on this side until the next batch begins: no
        code of the worker's runs between the moment they are there and the clock. Elsewhere it has to copy them to its
        device; it is stopped while they are written, and again once it has copied them.
        """
        self.pause()
        number, opened = self._open[case.name]
        opened.lay_out(queries, hidden=self._views)
        self._chores.begin()
        if not self._views:
            self._chores.do(b"S", {"case": number, "count": len(queries)}, case.name, opened.query, len(queries))
        self._stagings += 1
        if self._stagings in _WATCHED_FIRST or _RANDOM.random() < _WATCHED_SHARE:
            self.watch(case)
        self.pause()

    def run(self, case: Case, first: int, calls: int, mode: int = LATENCY) -> Reading:
        """Have staged queries ``first : first + calls`` answered, on the clock."""
        number, opened = self._open[case.name]
        nonce = os.urandom(8)
        request = b"R" + RUN.pack(nonce, number, first, calls, mode)
        answer = self._talk.timed(request, case.name, opened.show)
        wall = answer.wall_ns
        if answer.frame[:1] != b"D" or len(answer.frame) != 1 + DONE.size:
            raise self._talk.failure(answer.frame, case.name)
        echo, done, claimed, device = DONE.unpack(answer.frame[1:])
        if echo != nonce or done != calls:
            message = f"an answer to another request, or {done} of {calls} calls"
            raise failures.cheat("protocol", message, case.name)
        if claimed > wall or device > wall:
            raise failures.cheat("forged", f"claims {max(claimed, device)} ns where {wall} ns went by", case.name)
        self._calls, self._wall_ns = calls, wall
        reading = Reading(calls, wall, answer.cpu_ns, device, answer.waited_ns)
        self.claims.setdefault(case.name, []).append(Claim(reading.own_ns, claimed))
        return reading

    def gather(self, case: Case) -> list[Outputs]:
        """Return copies of the outputs of the last batch, one tuple a call; the worker is stopped afterwards.

        They are taken first, and then only held by the worker against what they must be: that takes its time.
        """
        _, opened = self._open[case.name]
        answer = self._chores.do(b"G", {}, case.name, opened.out, self._calls)
        if failures.number(answer, "count", case.name) != self._calls:
            raise failures.cheat("protocol", f"outputs of {answer['count']} of {self._calls} calls", case.name)
        self._chores.end(case.name, self._wall_ns)
        outputs = opened.answers(self._calls)
        self._talk.ask(b"V", {}, case=case.name)
        self.pause()
        return outputs

    def forget(self) -> None:
        """Drop all data sets and cases."""
        self._talk.ask(b"F", {})
        self._states.clear()
        self._open.clear()

    def device_peak(self) -> int | None:
        """Return the peak of the device's allocator in bytes, where it tells."""
        answer = self._talk.ask(b"M", {})
        return None if answer.get("device_peak_bytes") is None else failures.number(answer, "device_peak_bytes", None)

    # ---- the process -----------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The worker's process, as seen from here."""
        return self.child.pid

    def pin(self, cores: Collection[int]) -> None:
        """Put all of the worker's threads on these cores."""
        for task in machine.tasks(self.pid):
            with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
                os.sched_setaffinity(task, cores)

    def rss_peak(self) -> int:
        """Return the high-water mark of the worker's resident memory in bytes."""
        with self._talk.lookup(None):
            return machine.rss_peak(self.pid)

    def pause(self) -> None:
        """Stop the worker until its next request, as while another one has its turn; 0.1 to 0.3 ms."""
        self.child.stop()

    def overtime_ns(self, case: Case) -> int:
        """Return the processor time that copying the last batch in and out took beyond what it is known to take."""
        return self._chores.overtime_ns(case.name)

    def watch(self, case: Case) -> None:
        """Leave the worker alone, running, for 20 ms; refuse it if it computes all the same, time after time.

        Raises
        ------
        KernelFailedError
            With the kind ``background``.
        """
        readings: list[Idle] = []
        while len(readings) < tampering.IDLE_READINGS:
            readings.append(self._talk.left_alone(tampering.IDLE_NS, case.name))
            if not tampering.suspicious(readings[-1], self._limits):
                return
        failure = tampering.background(readings, case.name, self._limits)
        if failure is not None:
            raise KernelFailedError(Status.CHEAT, failure)

    def judge_claims(self) -> None:
        """Hold what the worker has claimed, and what it did round its calls, against what is honest, case by case.

        Raises
        ------
        KernelFailedError
            With the kind ``forged`` or ``background``.
        """
        found = [tampering.unexplained(claims, case) for case, claims in self.claims.items()]
        if self.launch.threads == 1:  # several threads spin for a while after work, whatever is asked next
            found += self._chores.complaints(self._limits)
        for failure in filter(None, found):
            raise KernelFailedError(Status.CHEAT, failure)

    def close(self) -> None:
        """End the worker with everything it started, and remove its home."""
        self.child.end()
        self._remove()
        quota.empty_if_over(self.launch.compile_cache, WRITTEN_BYTES)

    def _remove(self) -> None:
        self._log.close()
        quota.remove(self.folder)

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stack(outputs: Sequence[Outputs]) -> tuple[HostArray, ...]:
    """Stack the outputs of many calls along a new first axis."""
    return tuple(np.stack(column) for column in zip(*outputs, strict=True))


def _state_key(case: Case) -> tuple[str, str]:
    return case.data_key, repr(sorted(case.statics.items()))
