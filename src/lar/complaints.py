"""What a kernel did wrong, as a kind and one line for a person: the worker's side of every failure."""

import contextlib
import inspect
import os
import traceback
from collections.abc import Callable
from typing import Any


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
    if isinstance(error, WrongOutputError):
        return {"kind": error.kind, "message": _line(str(error))}
    name = type(error).__name__
    if isinstance(error, MemoryError):
        kind = "memory"
    elif importing:
        kind = "import"
    else:
        compiler = type(error).__module__.split(".", maxsplit=1)[0] in {"numba", "jaxlib", "llvmlite"}
        kind = "compile" if compiler or name == "CompileException" else "exception"
    return {"kind": kind, "message": _line(f"{name}: {error}") + _place(error)}


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 400 else words[:397] + "..."


def _place(error: Exception) -> str:
    """Return the innermost line that is the kernel's own, or the line of a syntax error."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    mine = [f for f in frames if os.path.basename(os.path.dirname(f.filename)) != "lar"]  # noqa: PTH119, PTH120 - text
    return f" ({mine[-1].filename}, line {mine[-1].lineno})" if mine else ""
