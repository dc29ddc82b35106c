"""One process that runs one kernel on one backend: frames in, outputs out. It holds no seed and no reference.

It is started by `lar.supervisor` with one socket and nothing else, behind its walls but the last. That one goes up when
the backend is open; then only is the kernel imported, so that what is said about walls and device was said by nobody
else. Timers and the functions that wait for the device are captured before that too. What the kernel does wrong is
answered as an error frame; what it does to this process (crash, hang, exit) the supervisor sees.
"""

import functools
import gc
import mmap
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from json import loads
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lar import catalog, channel, walls
from lar.channel import DONE, FRAME_LIMIT, RUN, THROUGHPUT, Layout
from lar.complaints import WrongOutputError, bind, describe
from lar.contracts import Backend, HostArray
from lar.gathering import Gatherer, copy_out
from lar.trees import leaves, tree_map

_now = time.perf_counter_ns
_collect_not, _collect = gc.disable, gc.enable
_QUERY_DTYPES = ("float32", "int32", "uint32", "int16", "uint16", "int8", "uint8", "bool")


@dataclass
class _Case:
    call: Callable[[Any], Any]
    state: Any
    query: Layout
    queries: HostArray
    specs: list[tuple[tuple[int, ...], str]]
    slots: list[tuple[HostArray, ...]]
    staged: list[Any]


class Worker:
    """The jobs a supervisor can ask for, one method each."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.backend: Backend
        self.kernel: ModuleType
        self.states: dict[int, Any] = {}
        self.cases: dict[int, _Case] = {}
        self.views = False
        self.kept: tuple[int, list[Any]] = (0, [])

    def open(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Open the backend, and raise the last wall."""
        del descriptors
        catalog.mount(job["roots"])
        adapter = catalog.backend(job["backend"])
        reason = adapter.available()
        if reason is not None:
            raise WrongOutputError("missing", reason)
        if job["device"] is not None and job["device"] not in adapter.devices():
            there = ", ".join(adapter.devices())
            raise WrongOutputError("missing", f"{adapter.name} has no device {job['device']!r} here; it has {there}")
        self.backend = adapter(job["device"])
        self.gatherer = Gatherer(self.backend)
        self.views = _shows_host_memory(self.backend)
        return {
            "views": self.views,
            "device": self.backend.device,
            "about": self.backend.about(),
            "asynchronous": self.backend.asynchronous,
            "isolation": walls.raise_last(),
        }

    def rehearse(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Take up a case that only copies, with outputs: `stage` and `gather` can then be tried before any kernel."""
        del descriptors
        array = np.zeros(job["length"], np.float32)
        query, out = channel.layout_of(array), channel.layout_of((array,))
        memory = np.zeros(query.size * job["count"], np.uint8)
        self.cases[job["case"]] = _Case(_same, (), query, memory, [], _slots(np.zeros_like(memory), out), [])
        self.kept = (job["case"], [self.backend.ready((self.backend.put(array),)) for _ in range(job["count"])])
        return {}

    def import_(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Import the kernel."""
        del descriptors
        began = _now()
        self.kernel = catalog.load_kernel(job["target"], Path(job["kernel"]))
        for name in ("prepare", "run"):
            if not callable(getattr(self.kernel, name, None)):
                raise WrongOutputError("signature", f"the kernel has no function {name!r}")
        return {"import_ns": _now() - began}

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
        queries = channel.attach(descriptors[0], query.size * job["slots"], writable=False)
        statics = _hashable(job["statics"])
        bind(self.kernel.run, (self.backend.xp, state, None), statics)
        compiled = self.backend.compile(self.kernel.run, statics)
        self.cases[job["id"]] = _Case(
            call=functools.partial(compiled, state),  # a partial of a partial is one call in C: nothing on the clock
            state=state,
            query=query,
            queries=queries,
            specs=[(shape, dtype) for _, dtype, shape in out.fields],
            slots=_slots(channel.attach(descriptors[1], out.size * job["slots"], writable=True), out),
            staged=self._views(queries, query, job["slots"]) if self.views else [],
        )
        return {}

    def _views(self, memory: HostArray, query: Layout, count: int) -> list[Any]:
        """Return what looks into the harness's memory: once its queries are there, nothing is left to be done here."""
        hosts = (channel.view(memory, query, i * query.size) for i in range(count))
        return [tree_map(self.backend.view, one) for one in hosts]

    def stage(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Copy the queries of the next batch to the device, whose arrays cannot be views of the harness's memory."""
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
        _collect_not()
        began = _now()
        if mode == THROUGHPUT:
            outputs, device_ns = self._queued(case.call, queries)
        elif self.backend.asynchronous:
            call, ready = case.call, self.backend.ready
            outputs = [ready(call(query)) for query in queries]
        else:
            outputs = list(map(case.call, queries))
        claimed = _now() - began
        _collect()
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
        """Copy the kept outputs to shared memory."""
        del job, descriptors
        number, outputs = self.kept
        copy_out(self.backend, self.cases[number].slots, outputs)
        return {"count": len(outputs)}

    def vet(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Hold the outputs that were copied last, and the queries they answer, against what they must be."""
        del job, descriptors
        number, outputs = self.kept
        case = self.cases[number]
        self.gatherer.hold(case.specs, outputs, case.state, case.staged)
        for slot in range(0 if self.views else len(outputs)):
            self.gatherer.untouched(case.staged[slot], channel.view(case.queries, case.query, slot * case.query.size))
        self.kept = (0, [])
        return {}

    def forget(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Drop all cases and the data sets behind them."""
        del job, descriptors
        self.cases.clear()
        self.states.clear()
        self.kept = (0, [])
        self.gatherer.forget()
        return {}

    def report(self, job: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Say what only this process can know."""
        del job, descriptors
        return {"device_peak_bytes": self.backend.memory_peak()}


_JOBS = {
    b"O": "open",
    b"H": "rehearse",
    b"I": "import_",
    b"D": "load",
    b"C": "case",
    b"S": "stage",
    b"G": "gather",
    b"V": "vet",
    b"F": "forget",
    b"M": "report",
}


def main(descriptor: int, isolation: dict[str, str]) -> None:
    """Serve the supervisor until it closes the socket.

    Parameters
    ----------
    descriptor : int
        Of the socket.
    isolation : dict of str to str
        How raising the walls went.
    """
    link = socket.socket(fileno=descriptor)
    worker = Worker(link)
    channel.send_json(link, b"W", isolation)
    while True:
        frame, descriptors, _, _ = socket.recv_fds(link, FRAME_LIMIT, 2)
        if not frame:
            return
        kind, body = frame[:1], frame[1:]
        try:
            if kind == b"R":
                link.sendall(b"D" + worker.run(body))
            elif kind == b"P":
                link.sendall(b"P")
            else:
                channel.send_json(link, b"K", getattr(worker, _JOBS[kind])(loads(body), descriptors))
        except Exception as error:  # noqa: BLE001 - whatever a kernel raises is an answer, never this process's end
            _collect()
            channel.send_json(link, b"E", describe(error, importing=kind == b"I"))
        except SystemExit as error:
            channel.send_json(link, b"E", {"kind": "exit", "message": f"the kernel called sys.exit({error.code})"})


def _shows_host_memory(backend: Backend) -> bool:
    """Say whether arrays of all dtypes that a query may have can be views of the harness's memory."""
    memory = np.frombuffer(mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ), np.uint8)
    return all(backend.view(memory.view(dtype)) is not None for dtype in _QUERY_DTYPES)


def _slots(memory: HostArray, out: Layout) -> list[tuple[HostArray, ...]]:
    """Return where the outputs of each call go, as many calls as there is room for."""
    return [tuple(leaves(channel.view(memory, out, at))) for at in range(0, len(memory) - out.size + 1, out.size)]


def _same(query: Any) -> Any:
    return query


def _hashable(statics: dict[str, Any]) -> dict[str, Any]:
    """Turn the lists that JSON made of tuples back into tuples."""

    def back(value: Any) -> Any:
        return tuple(back(one) for one in value) if isinstance(value, list) else value

    return {name: back(value) for name, value in statics.items()}
