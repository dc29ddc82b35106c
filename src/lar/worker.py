"""One process that runs one kernel on one backend: frames in, outputs out. It holds no seed and no reference.

It is started by `lar.supervisor` with one socket and nothing else. Timers and the functions that wait for the device
are captured before the kernel is imported. What the kernel does wrong is answered as an error frame; what it does to
this process (crash, hang, exit) the supervisor sees.
"""

import ctypes
import functools
import gc
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lar import catalog, channel
from lar.channel import DONE, FRAME_LIMIT, RUN, THROUGHPUT, Layout
from lar.complaints import WrongOutputError, bind, describe
from lar.contracts import Backend, HostArray
from lar.trees import leaves, tree_map

_now = time.perf_counter_ns


@dataclass
class _Case:
    call: Callable[[Any], Any]
    state: Any
    query: Layout
    queries: HostArray
    specs: list[tuple[tuple[int, ...], str]]
    out: Layout
    slots: HostArray
    staged: list[Any]


def basics(limits: dict[str, int]) -> dict[str, str]:
    """Raise the plainest walls round this process and say which stand."""
    raised: dict[str, str] = {}
    for name, value in limits.items():
        which = getattr(resource, f"RLIMIT_{name.upper()}")
        _, hard = resource.getrlimit(which)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (limit, limit))
    raised["rlimits"] = " ".join(sorted(limits))
    libc = ctypes.CDLL(None, use_errno=True)
    for name, option, argument in (("pdeathsig", 1, signal.SIGKILL), ("no_new_privs", 38, 1)):
        done = libc.prctl(option, argument, 0, 0, 0) == 0
        raised[name] = "on" if done else f"absent: {os.strerror(ctypes.get_errno())}"
    return raised


class Worker:
    """The jobs a supervisor can ask for, one method each."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.backend: Backend
        self.kernel: ModuleType
        self.states: dict[int, Any] = {}
        self.cases: dict[int, _Case] = {}
        self.kept: tuple[int, list[Any]] = (0, [])

    def open(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Raise the walls, open the backend, import the kernel."""
        del descriptors
        isolation = {"process": "own session", "memory": "sealed", **basics(job["limits"])}
        catalog.mount(job["roots"])
        adapter = catalog.backend(job["backend"])
        reason = adapter.available()
        if reason is not None:
            raise WrongOutputError("missing", reason)
        if job["device"] is not None and job["device"] not in adapter.devices():
            there = ", ".join(adapter.devices())
            raise WrongOutputError("missing", f"{adapter.name} has no device {job['device']!r} here; it has {there}")
        self.backend = adapter(job["device"])
        began = _now()
        self.kernel = catalog.load_kernel(job["target"], Path(job["kernel"]))
        for name in ("prepare", "run"):
            if not callable(getattr(self.kernel, name, None)):
                raise WrongOutputError("signature", f"the kernel has no function {name!r}")
        return {
            "device": self.backend.device,
            "about": self.backend.about(),
            "isolation": isolation,
            "import_ns": _now() - began,
            "asynchronous": self.backend.asynchronous,
        }

    def load(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Put a data set on the device and prepare it."""
        layout = Layout.from_json(job["layout"])
        memory = channel.attach(descriptors[0], layout.size, writable=False)
        data = tree_map(self.backend.put, channel.view(memory, layout))
        statics = _hashable(job["statics"])
        bind(self.kernel.prepare, (self.backend.xp, data), statics)
        self.backend.synchronize()
        began = _now()
        state = self.kernel.prepare(self.backend.xp, data, **statics)
        self.backend.ready(tuple(leaves(state)))
        self.backend.synchronize()
        took = _now() - began
        for leaf in leaves(state):
            if not self.backend.native(leaf):
                raise WrongOutputError("type", f"prepare returned a {type(leaf).__name__} in its state, not an array")
        self.states[job["id"]] = state
        return {"prepare_ns": took}

    def case(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Take up a case on a prepared data set."""
        query, out = Layout.from_json(job["query"]), Layout.from_json(job["out"])
        state = self.states[job["state"]]
        statics = _hashable(job["statics"])
        bind(self.kernel.run, (self.backend.xp, state, None), statics)
        compiled = self.backend.compile(self.kernel.run, statics)
        self.cases[job["id"]] = _Case(
            call=functools.partial(compiled, state),  # a partial of a partial is one call in C: nothing on the clock
            state=state,
            query=query,
            queries=channel.attach(descriptors[0], query.size * job["slots"], writable=False),
            specs=[(shape, dtype) for _, dtype, shape in out.fields],
            out=out,
            slots=channel.attach(descriptors[1], out.size * job["slots"], writable=True),
            staged=[],
        )
        return {}

    def stage(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Copy the queries of the next batch to the device."""
        del descriptors
        case = self.cases[job["case"]]
        views = (channel.view(case.queries, case.query, i * case.query.size) for i in range(job["count"]))
        case.staged = [tree_map(self.backend.put, one) for one in views]
        self.backend.synchronize()
        self.kept = (0, [])
        return {}

    def run(self, frame: bytes) -> bytes:
        """Make the timed calls of one batch, in order, and keep what they return."""
        nonce, number, first, calls, mode = RUN.unpack(frame)
        case = self.cases[number]
        queries = case.staged[first : first + calls]
        device_ns = 0
        gc.disable()
        began = _now()
        if mode == THROUGHPUT:
            outputs, device_ns = self._queued(case.call, queries)
        elif self.backend.asynchronous:
            call, ready = case.call, self.backend.ready
            outputs = [ready(call(query)) for query in queries]
        else:
            outputs = list(map(case.call, queries))
        claimed = _now() - began
        gc.enable()
        self.kept = (number, outputs)
        return DONE.pack(nonce, len(outputs), claimed, device_ns)

    def _queued(self, call: Callable[[Any], Any], queries: list[Any]) -> tuple[list[Any], int]:
        """Queue all calls with cold caches before each, and let device events time them."""
        timer = self.backend.timer()
        if timer is None:
            outputs = [call(query) for query in queries]
            for one in outputs:
                self.backend.ready(one)
            return outputs, 0
        outputs = []
        for query in queries:
            self.backend.flush()
            timer.start()
            outputs.append(call(query))
            timer.stop()
        self.backend.synchronize()
        return outputs, timer.elapsed_ns()

    def gather(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Copy the kept outputs to shared memory, each held against its spec first."""
        del job, descriptors
        number, outputs = self.kept
        case = self.cases[number]
        for slot, value in enumerate(outputs):
            arrays = self._checked(case, value, (case.state, case.staged[slot], outputs[slot - 1] if slot else ()))
            channel.write(case.slots, case.out, arrays, slot * case.out.size)
        self.kept = (0, [])
        return {"count": len(outputs)}

    def _checked(self, case: _Case, value: Any, foreign: Any) -> tuple[HostArray, ...]:
        if not isinstance(value, tuple | list):
            raise WrongOutputError("type", f"run returned a {type(value).__name__}, expected a tuple of arrays")
        if len(value) != len(case.specs):
            raise WrongOutputError("count", f"run returned {len(value)} outputs, expected {len(case.specs)}")
        overlap = getattr(self.backend.xp, "may_share_memory", None)
        arrays = []
        for index, (one, (shape, dtype)) in enumerate(zip(value, case.specs, strict=True)):
            if not self.backend.native(one):
                kind = f"{type(one).__module__}.{type(one).__name__}"
                raise WrongOutputError("type", f"output {index} is a {kind}, expected an array of {self.backend.name}")
            if tuple(one.shape) != shape:
                raise WrongOutputError("shape", f"output {index} has shape {list(one.shape)}, expected {list(shape)}")
            if overlap and any(overlap(one, leaf) for leaf in leaves(foreign)):
                raise WrongOutputError("alias", f"output {index} shares memory with an input or an earlier output")
            host = self.backend.get(one)
            if host.dtype != np.dtype(dtype):
                expected = np.dtype(dtype).name
                raise WrongOutputError("dtype", f"output {index} is {host.dtype}, expected {expected}")
            arrays.append(host)
        return tuple(arrays)

    def forget(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Drop all cases and the data sets behind them."""
        del job, descriptors
        self.cases.clear()
        self.states.clear()
        self.kept = (0, [])
        return {}

    def report(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Say what only this process can know."""
        del job, descriptors
        return {"device_peak_bytes": self.backend.memory_peak()}


_JOBS = {b"O": "open", b"D": "load", b"C": "case", b"S": "stage", b"G": "gather", b"F": "forget", b"M": "report"}


def main(descriptor: int) -> None:
    """Serve the supervisor until it closes the socket."""
    link = socket.socket(fileno=descriptor)
    worker = Worker(link)
    while True:
        frame, descriptors, _, _ = socket.recv_fds(link, FRAME_LIMIT, 2)
        if not frame:
            return
        kind, body = frame[:1], frame[1:]
        try:
            if kind == b"R":
                link.sendall(b"D" + worker.run(body))
            else:
                channel.send_json(link, b"K", getattr(worker, _JOBS[kind])(json.loads(body), descriptors))
        except Exception as error:  # noqa: BLE001 - whatever a kernel raises is an answer, never this process's end
            gc.enable()
            channel.send_json(link, b"E", describe(error, importing=kind == b"O"))
        except SystemExit as error:
            channel.send_json(link, b"E", {"kind": "exit", "message": f"the kernel called sys.exit({error.code})"})


def _hashable(statics: dict[str, Any]) -> dict[str, Any]:
    """Turn the lists that JSON made of tuples back into tuples."""

    def back(value: Any) -> Any:
        return tuple(back(one) for one in value) if isinstance(value, list) else value

    return {name: back(value) for name, value in statics.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]))
