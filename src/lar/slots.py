"""A slot: which kernel is champion for (target, backend, device model), and what its files must look like.

The champion lives in the journal, file by file, so that it is the one that was judged, whatever happens to the working
tree. The first one is the kernel the project has committed, or the portable one. With it the journal keeps the hash of
every frozen file; a trial on others is refused, since an agent that may edit the judge wins every trial.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lar import catalog, machine, probe, snapshots, worktree
from lar.contracts import Failure
from lar.errors import LarError
from lar.journal import ChampionRow, Journal
from lar.snapshots import Snapshot


def device_of(backend: str, device: str | None) -> str | None:
    """Return the device a backend would be opened on; None where it is not available."""
    if device is not None:
        return device
    if backend.startswith("numpy"):
        return "cpu"
    answer = probe.probe(backend)
    return str(answer["devices"][0]) if answer["available"] else None


class Slot:
    """One slot of a journal.

    Parameters
    ----------
    journal : Journal
    target, backend, device : str
        The device by its name here (``cpu``); the slot is called after its model.
    """

    def __init__(self, journal: Journal, target: str, backend: str, device: str) -> None:
        self.journal = journal
        self.target = target
        self.backend = backend
        self.name = f"{target}/{backend}/{machine.device_fingerprint(device)}"

    def champion(self) -> tuple[Snapshot, ChampionRow] | None:
        """Return the champion with its files; None for a new or a reset slot."""
        row = self.journal.champion(self.name)
        return None if row is None else (restored(self.journal, self.name, row.body), row)

    def baseline(self) -> tuple[Snapshot, ChampionRow] | None:
        """Return the slot's first champion, which no later one may be slower than on any workload."""
        row = self.journal.baseline(self.name)
        return None if row is None else (restored(self.journal, self.name, row.body), row)

    def open(self) -> tuple[Snapshot, ChampionRow]:
        """Return the champion; in a new slot crown the committed kernel, or the portable one."""
        found = self.champion()
        if found is None:
            self.crown(first_champion(self.target, self.backend), "baseline", {"reason": "the first of this slot"})
            found = self.champion()
        if found is None:
            raise LarError(f"slot {self.name}: reset by another process at this moment; try again")
        return found

    def crown(
        self,
        snapshot: Snapshot,
        action: str,
        facts: Mapping[str, Any],
        expect: int | None = None,
        *,
        frozen: bool = True,
    ) -> int:
        """Make a kernel the champion; return the entry's number.

        Raises
        ------
        BusyError
            If the champion is no longer the entry `expect`.
        """
        files = {name: self.journal.put(content) for name, content in snapshot.files.items()}
        body = {"kernel": snapshot.name, "kernel_hash": snapshot.hash, "files": files, "lines": snapshot.lines, **facts}
        seq = self.journal.crown(self.name, action, body, expect)
        if frozen:
            self.accept_frozen()
        return seq

    def reset(self, snapshot: Snapshot, reason: str = "begun anew") -> None:
        """Begin anew, with this kernel as the first champion."""
        self.journal.crown(self.name, "reset", {"reason": reason})
        self.crown(snapshot, "baseline", {"reason": reason})

    def accept_frozen(self) -> None:
        """Take the frozen files as they are now for the right ones."""
        self.journal.note(self.name, "frozen", {"files": snapshots.frozen(self.target)})

    def changed_frozen(self) -> Failure | None:
        """Return a failure that names the frozen files which are not as they were when the slot was opened."""
        entry = self.journal.latest(self.name, "frozen")
        before, now = (entry.body["files"] if entry else {}), snapshots.frozen(self.target)
        changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if not changed:
            return None
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        return Failure(
            "frozen",
            f"{', '.join(changed[:3])}{more} changed since this slot's champion was crowned. Restore, or, if it is "
            f"meant: lar reset {self.target} --backend {self.backend} --keep-champion",
        )


def first_champion(target: str, backend: str) -> Snapshot:
    """Return the committed ``tuned/<backend>`` where the target lies in a git work tree that has one, else portable."""
    committed = worktree.committed(catalog.folder(target) / "tuned", backend)
    return Snapshot(f"tuned/{backend}", committed) if committed else snapshots.portable(target)


def restored(journal: Journal, slot: str, body: Mapping[str, Any]) -> Snapshot:
    """Return the kernel that an entry of a journal names by ``kernel``, ``kernel_hash`` and ``files``.

    Raises
    ------
    LarError
        If its files are damaged.
    """
    snapshot = Snapshot(body["kernel"], {name: journal.get(one) for name, one in body["files"].items()})
    if snapshot.hash != body["kernel_hash"]:
        raise LarError(f"slot {slot}: the kernel's files are not those that were kept: `lar log --verify`")
    return snapshot


def export(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write a kernel's files into a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in snapshot.files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in sorted(snapshot.files)]
