"""What a worker does off the clock at our request, copying inputs in and outputs out, and what that may take.

It is rehearsed before there is a kernel, since afterwards the worker's own code is in the kernel's reach.
"""

from typing import Any

from lar import machine, tampering
from lar.channel import Layout
from lar.child import Child
from lar.contracts import Failure
from lar.conversation import Conversation
from lar.tampering import Chores, Cost, Limits, Rates

_REHEARSALS, _TIMES = ((0, 16), (128, 16), (16, 1 << 16)), 7


class ChoreBook:
    """Has chores done, and keeps book of the processor time they take.

    Parameters
    ----------
    talk : Conversation
        With a worker that has a backend and no kernel.
    child : Child
        That worker.
    """

    def __init__(self, talk: Conversation, child: Child) -> None:
        self._talk = talk
        self._child = child
        self._batches: dict[str, list[Chores]] = {}
        self._used_ns, self._due_ns = 0, 0.0
        self._rates = self._rehearse()

    def _rehearse(self) -> dict[bytes, Rates]:
        """Measure what staging and gathering cost: no array, many small ones, few large ones."""
        found: dict[bytes, list[Cost]] = {b"S": [], b"G": []}
        for arrays, length in _REHEARSALS:
            job = {"case": 0, "count": arrays, "length": length}
            for kind, costs in found.items():
                used = min(self._rehearsed(kind, job) for _ in range(_TIMES))
                costs.append(Cost(arrays, 4 * arrays * length, used))
        self._talk.ask(b"F", {})
        return {kind: Rates.of(*costs) for kind, costs in found.items()}

    def _rehearsed(self, kind: bytes, job: dict[str, int]) -> int:
        self._talk.ask(b"H", job)  # fresh arrays each time: those that were read before are read faster
        return self._timed(kind, job, None)[1]

    def begin(self) -> None:
        """Begin a batch."""
        self._used_ns, self._due_ns = 0, 0.0

    def do(self, kind: bytes, job: dict[str, int], case: str, layout: Layout, calls: int) -> dict[str, Any]:
        """Have a batch's inputs or outputs copied; return the answer of the worker, which is stopped afterwards."""
        answer, used = self._timed(kind, job, case)
        self._used_ns += used
        self._due_ns += self._rates[kind].of_copying(len(layout.fields) * calls, layout.size * calls)
        return answer

    def end(self, case: str, wall_ns: int) -> None:
        """Enter a batch whose calls took so long."""
        self._batches.setdefault(case, []).append(Chores(wall_ns, self._used_ns, self._due_ns))

    def overtime_ns(self, case: str) -> int:
        """Return what the chores of a case's last batch took beyond what they are known to take."""
        return self._batches[case][-1].overtime_ns

    def complaints(self, limits: Limits) -> list[Failure]:
        """Return what is to be said of all batches, case by case."""
        found = (tampering.moonlighting(chores, case, limits) for case, chores in self._batches.items())
        return [one for one in found if one is not None]

    def _timed(self, kind: bytes, job: dict[str, int], case: str | None) -> tuple[dict[str, Any], int]:
        """Have a job done between two stops; return the answer and the processor time it took.

        The processor time of a process that runs is known up to a tick of the system, 4 ms here; that of one that is
        stopped is exact.
        """
        self._child.stop()
        before = self._now(case)
        answer = self._talk.ask(kind, job, case=case)
        self._child.stop()
        return answer, self._now(case) - before

    def _now(self, case: str | None) -> int:
        with self._talk.lookup(case):
            return machine.process_cpu_ns(self._child.pid)
