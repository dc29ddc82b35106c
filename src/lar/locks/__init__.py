"""Who may do what now: one trial in a slot, one timed section on a device. A lock is free as soon as its holder dies.

Both are `flock`s on files that are made once and never removed, for a file that is removed while one process holds it
and another makes anew would be two locks. A file says whom to wait for, in words that its holder wrote after it had
locked; the lock itself is what counts, so the words of a holder that was killed are not believed.

Within one process a lock belongs to the thread that took it: the same thread may take it again, at once, and has let
go of it when the outermost block ends; another thread waits like another process. A child does not have it: its file is
closed on exec, and on fork too, so that a worker cannot keep a lock that its supervisor was killed with.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lar import nvidia
from lar.locks.files import machine_folder, told
from lar.locks.holding import Tell, hold

__all__ = ["device_lock", "slot_lock"]


@contextlib.contextmanager
def slot_lock(
    store: Path, slot: str, wait_s: float = 0.0, *, doing: str = "", tell: Tell | None = None
) -> Iterator[None]:
    """Hold a slot: one trial or tuning at a time in each slot of a journal.

    Parameters
    ----------
    store : Path
        The journal's file; its locks are beside it, in a folder named after it.
    slot : str
    wait_s : float
        How long to wait for another holder, in seconds.
    doing : str
        What others are told this process does; its command line where nothing is said.
    tell : callable or None
        Called once, if there is another to wait for.

    Raises
    ------
    BusyError
        If it was not free within that time; the message names the holder.
    StoreError
        If the lock's file cannot be made or opened.
    """
    store = store.resolve()
    folder = store.with_name(f"{store.name}.locks")
    with told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold(folder, f"slot {slot}", slot, wait_s, doing, tell):
        yield


@contextlib.contextmanager
def device_lock(device: str, wait_s: float, *, doing: str = "", tell: Tell | None = None) -> Iterator[None]:
    """Hold a device: one timed section at a time on each device of a machine, whatever the user and the journal.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda:0``. A GPU is locked by its UUID where the driver tells it: ``cuda:0`` may be another one in
        another process.
    wait_s : float
        How long to wait for another holder, in seconds.
    doing, tell
        As for `slot_lock`.

    Raises
    ------
    BusyError
        If it was not free within that time; the message names the holder.
    StoreError
        If the lock's file cannot be made or opened.
    """
    with hold(machine_folder(), f"device {device}", _physical(device), wait_s, doing, tell, everybody=True):
        yield


def _physical(device: str) -> str:
    kind, _, index = device.partition(":")
    if kind == "cuda":
        gpus = nvidia.visible(nvidia.describe().get("gpus", []))
        if int(index or 0) < len(gpus):
            return str(gpus[int(index or 0)].get("uuid", device))
    return device
