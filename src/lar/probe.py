"""Finds out whether a backend works here, in a process of its own: `python -m lar.probe BACKEND [--ceilings]`.

Never in the asking process: importing an array library takes seconds, may leave threads and memory behind, and with an
unfit driver or processor it does not raise but aborts. Whatever happens there is one line in the answer here.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from lar import catalog
from lar.ceilings import ceilings, remember
from lar.contracts import Array, Backend, Exit, Tree
from lar.errors import LarError

TIMEOUT_S = 60.0
"""For a backend to open. A first import of a large library from a cold disk takes most of a minute."""


def probe(name: str, timeout_s: float = TIMEOUT_S, *, with_ceilings: bool = False) -> dict[str, Any]:
    """Ask a fresh process whether a backend works.

    Parameters
    ----------
    name : str
        The backend.
    timeout_s : float
        After so many seconds the process is killed, with all that it started.
    with_ceilings : bool
        Whether to ask for the ceilings of its device too: a CPU's known ones, an accelerator's measured anew.

    Returns
    -------
    dict
        ``name purpose install`` (str), ``available`` (bool), ``reason`` (one line why not, else None), ``devices``
        (list of str), ``about`` (versions by library) and, if asked for and available, ``ceilings`` (see
        `lar.ceilings.Ceilings`).

    Raises
    ------
    UnknownNameError
        If there is no backend of that name.
    """
    adapter = catalog.backend(name)
    # -P, and the whole of sys.path: the same modules there as here, also from a bare checkout, and no file of the
    # working folder in the place of one of them.
    command = [sys.executable, "-P", "-m", "lar.probe", name] + ["--ceilings"] * with_ceilings
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, complaint = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            return _unavailable(adapter, f"it did not open within {timeout_s:g} s: try again when the disk is warm")
        except BaseException:
            _kill(process)
            raise
    if process.returncode != Exit.DONE:
        return _broken(adapter, f"{_ending(process.returncode)}{_last_line(complaint)}")
    try:
        answer = json.loads(output)
    except ValueError:
        return _broken(adapter, f"ended without an answer{_last_line(complaint)}")
    return dict(answer)


def examine(name: str, *, with_ceilings: bool = False) -> dict[str, Any]:
    """Open a backend in this process, put it to a first use and return the answer of `probe`."""
    adapter = catalog.backend(name)
    reason = adapter.available()
    if reason is not None:
        return _unavailable(adapter, reason)
    try:
        backend = adapter()
        _use(backend)
        answer = {**_unavailable(adapter, ""), "available": True, "reason": None}
        answer |= {"devices": list(adapter.devices()), "about": backend.about()}
        if with_ceilings:
            answer["ceilings"] = asdict(_ceilings(backend))
    except Exception as error:  # noqa: BLE001  # whatever a library raises when opened is the answer to the question
        return _broken(adapter, f"failed: {_one_line(error)}")
    return answer


def main(arguments: list[str] | None = None) -> Exit:
    """Print the answer for one backend as JSON on standard output, and nothing else there."""
    parser = argparse.ArgumentParser(prog="python -m lar.probe", description="Does a backend work here?")
    parser.add_argument("backend")
    parser.add_argument("--ceilings", action="store_true", help="measure the limits of its device too")
    asked = parser.parse_args(arguments)
    # What a library prints while it loads, also from C, goes to standard error.
    answer_to = os.dup(1)
    os.dup2(2, 1)
    try:
        answer = examine(asked.backend, with_ceilings=asked.ceilings)
    except LarError as error:
        os.write(2, f"{error}\n".encode())
        return Exit(error.exit_code)
    with os.fdopen(answer_to, "w") as out:
        out.write(json.dumps(answer) + "\n")
    return Exit.DONE


def _use(backend: Backend) -> None:
    """Do a first sum on the device: some drivers open and then cannot do anything."""
    values = np.arange(4, dtype=np.float32)
    array = backend.put(values)
    outputs = backend.ready(backend.compile(_double, {})(array, array))
    doubled = backend.get(outputs[0])
    if not np.array_equal(doubled, values + values):
        raise ArithmeticError(f"{values} + {values} gave {doubled}")


def _double(xp: Any, state: Tree, query: Array) -> tuple[Array]:
    return (xp.add(state, query),)


def _ceilings(backend: Backend) -> Any:
    if backend.device.partition(":")[0] == "cpu":
        return ceilings("cpu")
    from lar.ceilings_backend import measure_backend

    return remember(measure_backend(backend))


def _unavailable(adapter: type[Backend], reason: str) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "purpose": adapter.purpose,
        "install": adapter.install,
        "available": False,
        "reason": reason,
        "devices": [],
        "about": {},
    }


def _broken(adapter: type[Backend], how: str) -> dict[str, Any]:
    mend = f"pip install --force-reinstall '{adapter.install}'"
    return _unavailable(adapter, f"opening it {how}. If its installation is damaged: {mend}")


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended the process with exit code {code}"
    return f"killed the process with {signal.Signals(-code).name}"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


if __name__ == "__main__":
    sys.exit(main())
