"""What a kernel did wrong, as a kind and one line for a person: the worker's side of every failure."""

import contextlib
import inspect
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_HARNESS = Path(__file__).parent
_READ_ONLY = re.compile(r"(destination|array) is read-only|setitem\(readonly array")  # NumPy's words, and numba's


class WrongOutputError(Exception):
    """An output that is not what the target's specs say; carries the failure's kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def bind(function: Callable[..., Any], arguments: tuple[Any, ...], statics: dict[str, Any]) -> None:
    """Hold a kernel's function against the contract before it is called, so that a wrong signature is told as one."""
    with contextlib.suppress(ValueError):  # a compiled function may have no signature to look at
        try:
            inspect.signature(function).bind(*arguments, **statics)
        except TypeError as error:
            name = getattr(function, "__name__", "function")
            keywords = ", ".join(statics)
            raise WrongOutputError("signature", f"{name} does not take its arguments and {keywords}: {error}") from None


def describe(error: Exception, *, importing: bool) -> dict[str, Any]:
    """Return an exception as the ``kind`` and ``message`` of a failure.

    Parameters
    ----------
    error : Exception
        What a kernel, or the harness on its behalf, raised.
    importing : bool
        Whether the kernel was being imported.
    """
    place = _place(error)
    if isinstance(error, WrongOutputError) and not place:  # one that a kernel raised itself is an exception like others
        return {"kind": error.kind, "message": _line(str(error))}
    name = type(error).__name__
    if isinstance(error, MemoryError):
        kind = "memory"
    elif _READ_ONLY.search(_text(error)) and not importing:
        kind = "mutated"
    elif importing:
        kind = "import"
    else:
        compiler = type(error).__module__.split(".", maxsplit=1)[0] in {"numba", "jaxlib", "llvmlite"}
        kind = "compile" if compiler or name == "CompileException" else "exception"
    return {"kind": kind, "message": _line(f"{name}: {_text(error)}") + place}


def _text(error: Exception) -> str:
    """Return an exception's own words, where it has any: they are the kernel's code and may do what they like."""
    try:
        return str(error)
    except BaseException as second:  # noqa: BLE001 - whatever it raises is not this process's end
        return f"no message, since asking for it raised {type(second).__name__}"


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 400 else words[:397] + "..."


def _place(error: Exception) -> str:
    """Return the innermost line that is the kernel's own, or the line of a syntax error."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    mine = [f for f in frames if not _is_harness(f.filename)]
    return f" ({mine[-1].filename}, line {mine[-1].lineno})" if mine else ""


def _is_harness(filename: str) -> bool:
    """Tell the harness's own modules from kernels, which an installed package holds under its targets."""
    path = Path(filename)
    return path.is_relative_to(_HARNESS) and not path.is_relative_to(_HARNESS / "targets")
