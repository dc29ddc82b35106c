"""The memory that an open case and its worker share: queries in, outputs out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lar import channel
from lar.channel import Layout, Segment
from lar.contracts import HostArray, Outputs, Query

_POISON = 0xCD
_MOST_BYTES = 64 << 20


@dataclass
class Exchange:
    """Sealed memory for the queries of a batch, and writable memory for its outputs.

    Attributes
    ----------
    query, out : Layout
        Of one call.
    slots : int
        Calls there is room for.
    queries, outputs : Segment
    waiting : HostArray or None
        Queries that the worker cannot see yet.
    """

    query: Layout
    out: Layout
    slots: int
    queries: Segment
    outputs: Segment
    waiting: HostArray | None = None

    @staticmethod
    def room(query: Layout, out: Layout, most: int) -> "Exchange":
        """Make room for up to `most` calls a batch."""
        slots = max(1, min(most, _MOST_BYTES // out.size, _MOST_BYTES // query.size))
        queries, outputs = Segment(query.size * slots, readonly=True), Segment(out.size * slots, readonly=False)
        return Exchange(query, out, slots, queries, outputs)

    def lay_out(self, queries: Sequence[Query], *, hidden: bool) -> None:
        """Write queries, where the worker sees them or where it does not; poison what outputs will be read from."""
        memory = np.empty(len(queries) * self.query.size, np.uint8) if hidden else self.queries.bytes
        for i, one in enumerate(queries):
            channel.write(memory, self.query, one, i * self.query.size)
        self.outputs.bytes[: len(queries) * self.out.size] = _POISON
        self.waiting = memory if hidden else None

    def show(self) -> None:
        """Let the worker see the queries that wait."""
        if self.waiting is not None:
            self.queries.bytes[: len(self.waiting)] = self.waiting
            self.waiting = None

    def answers(self, calls: int) -> list[Outputs]:
        """Return copies of the outputs of so many calls."""
        views = (channel.view(self.outputs.bytes, self.out, i * self.out.size) for i in range(calls))
        return [tuple(np.array(one) for one in arrays) for arrays in views]

    def close(self) -> None:
        """Close the descriptors, which the worker holds by then; the memory stays."""
        self.queries.close()
        self.outputs.close()
