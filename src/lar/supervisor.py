"""Starts a worker, hands it inputs, reads the clocks, takes the outputs, ends it. It never imports a kernel.

The supervisor's own clocks are the record: wall time from the request of a batch to its answer, and the CPU clock of
the worker's process, which the worker cannot set. Whatever goes wrong in the worker is raised here as
`KernelFailedError` with the status and the facts, for the caller to turn into an outcome; nothing a kernel does hangs
the supervisor.
"""

import contextlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import lar.targets
from lar import channel, machine
from lar.channel import DONE, FRAME_LIMIT, LATENCY, RUN, Layout, Segment
from lar.clock import Reading
from lar.contracts import Case, Data, Failure, HostArray, Outputs, Query, Spec, Status
from lar.launch import Launch, start

_OUTPUT_BYTES = 64 << 20


class KernelFailedError(Exception):
    """The kernel (or its process) did not do what was asked; carries the outcome's status and failure."""

    def __init__(self, status: Status, failure: Failure) -> None:
        super().__init__(failure.message)
        self.status = status
        self.failure = failure


@dataclass
class _Open:
    case: Case
    query: Layout
    out: Layout
    slots: int
    queries: Segment
    outputs: Segment


class WorkerProcess:
    """A worker as its supervisor sees it; a context manager that leaves no process behind."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.home = Path(tempfile.mkdtemp(prefix="lar-"))
        self._log = (self.home / "output").open("w+b")
        self._states: dict[tuple[str, str], int] = {}
        self._open: dict[str, tuple[int, _Open]] = {}
        self._numbers = itertools.count()
        self.process, self._link = start(launch, self.home, self._log)
        try:
            self.about = self._ask(
                b"O",
                {
                    "target": launch.target,
                    "backend": launch.backend,
                    "device": launch.device,
                    "kernel": str(launch.kernel),
                    "roots": list(lar.targets.__path__),
                    "limits": launch.limits(),
                },
            )
        except BaseException:
            self.close()
            raise
        self.device = str(self.about["device"])
        self.isolation = {
            **self.about["isolation"],
            "affinity": ",".join(map(str, sorted(os.sched_getaffinity(self.process.pid)))),
        }

    # ---- jobs ------------------------------------------------------------------------------------------------------

    def load(self, case: Case, data: Data) -> int:
        """Hand over a data set and have it prepared; return the nanoseconds `prepare` took by the worker's clock."""
        layout = channel.layout_of(data)
        segment = Segment(layout.size, readonly=True)
        channel.write(segment.bytes, layout, data)
        number = next(self._numbers)
        job = {"id": number, "layout": layout.to_json(), "statics": dict(case.statics)}
        try:
            answer = self._ask(b"D", job, [segment.fd])
        finally:
            segment.close()
        self._states[_state_key(case)] = number
        return int(answer["prepare_ns"])

    def has(self, case: Case) -> bool:
        """Say whether the data set of a case is prepared."""
        return _state_key(case) in self._states

    def open_case(self, case: Case, example: Query, specs: Sequence[Spec], most: int) -> int:
        """Take up a case with room for up to `most` calls a batch; return how many there is room for."""
        query = channel.layout_of(example)
        out = channel.layout_of(tuple(np.broadcast_to(np.empty((), s.dtype), s.shape) for s in specs))
        slots = max(1, min(most, _OUTPUT_BYTES // out.size, _OUTPUT_BYTES // query.size))
        opened = _Open(
            case,
            query,
            out,
            slots,
            Segment(query.size * slots, readonly=True),
            Segment(out.size * slots, readonly=False),
        )
        number = next(self._numbers)
        job = {
            "id": number,
            "state": self._states[_state_key(case)],
            "statics": dict(case.statics),
            "query": query.to_json(),
            "out": out.to_json(),
            "slots": slots,
        }
        try:
            self._ask(b"C", job, [opened.queries.fd, opened.outputs.fd])
        finally:
            opened.queries.close()
            opened.outputs.close()
        self._open[case.name] = (number, opened)
        return slots

    def stage(self, case: Case, queries: Sequence[Query]) -> None:
        """Hand over the queries of the next batches, off the clock, and poison what the outputs will be read from."""
        number, opened = self._open[case.name]
        for i, one in enumerate(queries):
            channel.write(opened.queries.bytes, opened.query, one, i * opened.query.size)
        opened.outputs.bytes[: len(queries) * opened.out.size] = 0xCD
        self._ask(b"S", {"case": number, "count": len(queries)})

    def run(self, case: Case, first: int, calls: int, mode: int = LATENCY) -> Reading:
        """Have staged queries ``first : first + calls`` answered, on the clock."""
        number, _ = self._open[case.name]
        nonce = os.urandom(8)
        request = b"R" + RUN.pack(nonce, number, first, calls, mode)
        pid = self.process.pid
        try:
            waited = machine.run_delay_ns(pid)
            cpu = machine.process_cpu_ns(pid)
            began = time.perf_counter_ns()
            self._link.sendall(request)
            answer = self._receive(case.name)
            wall = time.perf_counter_ns() - began
            cpu = machine.process_cpu_ns(pid) - cpu
            waited = machine.run_delay_ns(pid) - waited
        except (ProcessLookupError, BrokenPipeError):
            raise self._died(case.name) from None
        if answer[:1] != b"D" or len(answer) != 1 + DONE.size:
            raise self._failed(answer, case.name)
        echo, done, claimed, device = DONE.unpack(answer[1:])
        if echo != nonce or done != calls:
            raise KernelFailedError(
                Status.CHEAT,
                Failure("protocol", f"an answer to another request, or {done} of {calls} calls", case.name),
            )
        if claimed > wall or device > wall:
            raise KernelFailedError(
                Status.CHEAT,
                Failure("forged", f"claims {max(claimed, device)} ns where {wall} ns went by", case.name),
            )
        return Reading(calls, wall, cpu, device, waited)

    def gather(self, case: Case) -> list[Outputs]:
        """Return copies of the outputs of the last batch, one tuple a call."""
        _, opened = self._open[case.name]
        count = self._ask(b"G", {}, case=case.name)["count"]
        views = (channel.view(opened.outputs.bytes, opened.out, i * opened.out.size) for i in range(count))
        return [tuple(np.array(one) for one in arrays) for arrays in views]

    def forget(self) -> None:
        """Drop all data sets and cases."""
        self._ask(b"F", {})
        self._states.clear()
        self._open.clear()

    def device_peak(self) -> int | None:
        """Return the peak of the device's allocator in bytes, where it tells."""
        value = self._ask(b"M", {})["device_peak_bytes"]
        return None if value is None else int(value)

    def rss_peak(self) -> int:
        """Return the high-water mark of the worker's resident memory in bytes."""
        try:
            return machine.rss_peak(self.process.pid)
        except ProcessLookupError:
            raise self._died(None) from None

    # ---- the channel -----------------------------------------------------------------------------------------------

    def _ask(
        self, kind: bytes, job: dict[str, Any], fds: Sequence[int] = (), case: str | None = None
    ) -> dict[str, Any]:
        try:
            channel.send_json(self._link, kind, job, fds)
        except (BrokenPipeError, ConnectionResetError):
            raise self._died(case) from None
        answer = self._receive(case)
        if answer[:1] != b"K":
            raise self._failed(answer, case)
        reply: dict[str, Any] = json.loads(answer[1:])
        return reply

    def _receive(self, case: str | None) -> bytes:
        left = self.launch.deadline - time.monotonic()
        limit = max(0.0, min(left, self.launch.patience))
        if not select.select([self._link], [], [], limit)[0]:
            if left <= self.launch.patience:
                raise KernelFailedError(Status.TIMEOUT, Failure("budget", "the time budget is spent", case))
            message = f"no answer within {self.launch.patience:.0f} s: the kernel hangs"
            raise KernelFailedError(Status.CRASH, Failure("hang", message, case))
        try:
            answer = self._link.recv(FRAME_LIMIT)
        except ConnectionResetError:
            answer = b""
        if not answer:
            raise self._died(case)
        return answer

    def _failed(self, answer: bytes, case: str | None) -> KernelFailedError:
        try:
            told = json.loads(answer[1:]) if answer[:1] == b"E" else None
            failure = Failure(str(told["kind"]), str(told["message"]), case) if told else None
        except (ValueError, KeyError, TypeError):
            failure = None
        if failure is None:
            return KernelFailedError(Status.CHEAT, Failure("protocol", "a frame that is no answer", case))
        wrong_output = failure.kind in {"type", "count", "shape", "dtype", "alias"}
        status = Status.INCORRECT if wrong_output else Status.CRASH
        return KernelFailedError(Status.UNAVAILABLE if failure.kind == "missing" else status, failure)

    def _died(self, case: str | None) -> KernelFailedError:
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return KernelFailedError(Status.CRASH, Failure("exit", "the kernel closed the worker's channel", case))
        said = self._last_words()
        if code >= 0:
            return KernelFailedError(
                Status.CRASH, Failure("exit", f"the worker ended with exit code {code}{said}", case)
            )
        name = signal.Signals(-code).name
        hint = "; out of memory?" if name == "SIGKILL" else ""
        return KernelFailedError(Status.CRASH, Failure("signal", f"the worker died of {name}{hint}{said}", case))

    def _last_words(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 2_000))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1].strip()[:200]}" if lines else ""

    def close(self) -> None:
        """End the worker with everything it started, and remove its home."""
        self._link.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stack(outputs: Sequence[Outputs]) -> tuple[HostArray, ...]:
    """Stack the outputs of many calls along a new first axis."""
    return tuple(np.stack(column) for column in zip(*outputs, strict=True))


def _state_key(case: Case) -> tuple[str, str]:
    return case.data_key, repr(sorted(case.statics.items()))
