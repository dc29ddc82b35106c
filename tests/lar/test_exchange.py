"""Queries and outputs of an open case: who sees what, and when."""

import mmap
import os

import numpy as np

from lar import channel
from lar.channel import Layout
from lar.contracts import HostArray
from lar.exchange import Exchange

LAYOUT = channel.layout_of(np.zeros(4, np.float32))
OUT = channel.layout_of((np.zeros(4, np.float32),))
QUERIES = [np.full(4, value, np.float32) for value in (1, 2, 3)]


def opened(query: Layout = LAYOUT, out: Layout = OUT, most: int = 3) -> Exchange:
    return Exchange.room(query, out, most)


def theirs(one: Exchange) -> HostArray:
    """Map the queries as a worker does."""
    size = one.queries.size
    return np.frombuffer(mmap.mmap(os.dup(one.queries.fd), size, mmap.MAP_SHARED, mmap.PROT_READ), np.uint8)


def seen(one: Exchange, memory: HostArray) -> list[float]:
    return [float(channel.view(memory, LAYOUT, at * LAYOUT.size)[0]) for at in range(one.slots)]


def test_queries_that_wait_are_seen_when_they_are_shown() -> None:
    one = opened()
    memory = theirs(one)
    one.lay_out(QUERIES, hidden=True)
    assert seen(one, memory) == [0, 0, 0]
    one.show()
    assert seen(one, memory) == [1, 2, 3]
    one.lay_out(QUERIES[2:], hidden=True)
    one.show()
    assert seen(one, memory) == [3, 2, 3]
    one.show()  # once more changes nothing
    assert seen(one, memory) == [3, 2, 3]


def test_queries_that_do_not_wait_are_seen_at_once() -> None:
    one = opened()
    one.lay_out(QUERIES, hidden=False)
    assert seen(one, theirs(one)) == [1, 2, 3]


def test_answers_are_copies_and_poison_where_there_is_none() -> None:
    one = opened()
    one.lay_out(QUERIES[:2], hidden=True)
    channel.view(one.outputs.bytes, OUT)[0][:] = 7
    first, second = one.answers(2)
    one.outputs.bytes[:] = 0
    assert first[0].tolist() == [7.0] * 4
    assert set(second[0].view(np.uint8)) == {0xCD}


def test_room_is_limited_by_memory() -> None:
    huge = channel.layout_of(np.broadcast_to(np.zeros((), np.float32), (9 << 20,)))
    assert opened(huge, OUT, 100).slots == 1
    assert opened(LAYOUT, huge, 100).slots == 1
    assert opened(most=5).slots == 5
