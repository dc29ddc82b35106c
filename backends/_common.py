"""What several adapters share. No adapter imports another, so that each can be read alone after this file.

A reason for not running here is one line and ends with what mends it, since a user meets it as the only output of a
command. The device is chosen in one place, so that every adapter refuses an unknown one in the same words.
"""

from collections.abc import Callable
from typing import Any

from lar.contracts import Backend, Query, Statics, Tree
from lar.errors import UnavailableError, UnknownNameError

SCRATCH_BYTES = 256 * 2**20
"""Least size of the buffer that a flush writes: at 4 TB/s its 64 us also hide the host's launches behind the queue."""


class EagerBackend(Backend):
    """A backend whose namespace computes at once, so that nothing has to be compiled."""

    def compile(self, run: Callable[..., Any], statics: Statics) -> Callable[[Tree, Query], Any]:
        """Bind the namespace and the statics.

        The keywords are written out: this adds 30 ns to a call, where a partial with keywords adds 100.
        """
        keywords = ", ".join(f"{name}={name}" for name in statics)
        source = f"lambda state, query: run(xp, state, query, {keywords})"
        bound: Callable[[Tree, Query], Any] = eval(  # noqa: S307 - the names are keywords of a Python function
            source, {**statics, "run": run, "xp": self.xp}
        )
        return bound


class EventTimer:
    """Pairs of device events, kept for the next batch: making an event costs more than recording one.

    Parameters
    ----------
    make : callable
        Returns an event.
    record : callable
        ``event -> None``; marks the present end of the device's queue with it.
    between_ms : callable
        ``(start, stop) -> milliseconds`` of two events that have passed.
    """

    def __init__(
        self, make: Callable[[], Any], record: Callable[[Any], object], between_ms: Callable[[Any, Any], float]
    ) -> None:
        self._make = make
        self._record = record
        self._between_ms = between_ms
        self._pairs: list[tuple[Any, Any]] = []
        self._used = 0

    def start(self) -> None:
        """Mark the beginning of a piece in the device's queue."""
        if self._used == len(self._pairs):
            self._pairs.append((self._make(), self._make()))
        self._record(self._pairs[self._used][0])

    def stop(self) -> None:
        """Mark its end."""
        self._record(self._pairs[self._used][1])
        self._used += 1

    def elapsed_ns(self) -> int:
        """Sum of the pieces, in nanoseconds; the queue must have drained. Forgets them."""
        passed = self._pairs[: self._used]
        self._used = 0
        return round(1e6 * sum(self._between_ms(start, stop) for start, stop in passed))


def choose_device(adapter: type[Backend], device: str | None) -> str:
    """Return the device to open: the one asked for, or the adapter's preferred one.

    Raises
    ------
    UnavailableError
        If the backend cannot run here.
    UnknownNameError
        If it has no such device; the message names those it has.
    """
    reason = adapter.available()
    if reason is not None:
        raise UnavailableError(reason)
    there = adapter.devices()
    if device is not None and device not in there:
        raise UnknownNameError(f"{adapter.name} has no device {device!r} here. Expect one of {list(there)}.")
    return device or there[0]


def import_failure(adapter: type[Backend], library: str, error: ImportError) -> str:
    """Say in one line that a library is missing, or why it does not load, and what mends it."""
    mend = f"pip install '{adapter.install}'"
    if isinstance(error, ModuleNotFoundError) and error.name == library:
        return f"{library} is not installed: {mend}"
    return f"{library} is installed and does not import ({one_line(error)}): {mend}"


def one_line(error: BaseException) -> str:
    """Return an error's type and message without its line breaks."""
    return " ".join(f"{type(error).__name__}: {error}".split())
