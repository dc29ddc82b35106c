"""How a worker's failure is told: the status and the failure that go into the outcome, one line for a person.

Everything a worker says may have been said by its kernel, so nothing here believes it further than it can be printed.
"""

import json
import signal
from typing import IO, Any

from lar.contracts import Failure, Status

OUTPUT_BYTES = 64 << 20
"""How much a worker may print."""

_WRONG_OUTPUT = frozenset({"type", "count", "shape", "dtype", "alias", "mutated"})
_CRASHES = frozenset({"import", "signature", "compile", "exception", "memory", "exit"})


class KernelFailedError(Exception):
    """The kernel (or its process) did not do what was asked; carries the outcome's status and failure."""

    def __init__(self, status: Status, failure: Failure) -> None:
        super().__init__(failure.message)
        self.status = status
        self.failure = failure


def cheat(kind: str, message: str, case: str | None) -> KernelFailedError:
    """Return the failure of a worker that did not keep to what it may do."""
    return KernelFailedError(Status.CHEAT, Failure(kind, message, case))


def crash(kind: str, message: str, case: str | None) -> KernelFailedError:
    """Return the failure of a worker that did not get to its answer."""
    return KernelFailedError(Status.CRASH, Failure(kind, message, case))


def told(frame: bytes, case: str | None, *, opening: bool) -> KernelFailedError:
    """Return the failure that a frame tells of; that the frame is none of ours, if so.

    Parameters
    ----------
    frame : bytes
        What came where an answer was expected.
    case : str or None
    opening : bool
        Whether no kernel has been imported yet: only then a library can be missing.
    """
    answer = reply(frame, b"E", case)
    kind, message = answer.get("kind"), _printable(str(answer.get("message", "")))
    if kind == "missing" and opening:
        return KernelFailedError(Status.UNAVAILABLE, Failure(kind, message, case))
    if kind in _WRONG_OUTPUT:
        return KernelFailedError(Status.INCORRECT, Failure(kind, message, case))
    if kind in _CRASHES:
        return crash(kind, message, case)
    return cheat("protocol", "an error of no known kind", case)


def reply(frame: bytes, kind: bytes, case: str | None) -> dict[str, Any]:
    """Read a frame of JSON.

    Raises
    ------
    KernelFailedError
        If it is not of that kind, or is not an object.
    """
    try:
        value = json.loads(frame[1:]) if frame[:1] == kind else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise cheat("protocol", "a frame that is no answer", case)
    return value


def number(answer: dict[str, Any], name: str, case: str | None) -> int:
    """Return a count or a time from an answer.

    Raises
    ------
    KernelFailedError
        If it is not there, or is not a natural number of 64 bits.
    """
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise cheat("protocol", f"an answer without a number for {name}", case)
    return value


def ended(code: int, log: IO[bytes], case: str | None) -> KernelFailedError:
    """Return the failure of a worker that has ended, by the exit code of what stood between it and us."""
    said = _last_words(log)
    number = -code if code < 0 else code - 128  # of our own child, or passed on by what stands in between
    if number in set(signal.Signals):
        name = signal.Signals(number).name
        hint = "; out of memory?" if name == "SIGKILL" else ""
        return crash("signal", f"the worker died of {name}{hint}{said}", case)
    return crash("exit", f"the worker ended with exit code {code}{said}", case)


def _last_words(log: IO[bytes]) -> str:
    log.seek(0, 2)
    log.seek(max(0, log.tell() - 2_000))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f": {_printable(lines[-1])[:200]}" if lines else ""


def _printable(text: str) -> str:
    """Take out what would move a terminal's cursor or colour it."""
    clean = " ".join("".join(one if one.isprintable() else " " for one in text[:2_000]).split())
    return clean if len(clean) <= 500 else clean[:497] + "..."
