"""What a worker says of outputs: their form, whose memory they are, and whether the query is what it was."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lar import catalog
from lar.complaints import WrongOutputError
from lar.contracts import HostArray
from lar.gathering import Gatherer, copy_out

SPECS = [((4,), "<f4")]
STATE = {"b": np.ones(4, np.float32)}


def gatherer() -> Gatherer:
    return Gatherer(catalog.backend("numpy")())


def fresh() -> HostArray:
    return np.zeros(4, np.float32)


def gather(one: Gatherer, outputs: Sequence[Any], queries: Sequence[Any] | None = None) -> None:
    one.hold(SPECS, outputs, STATE, queries or [fresh() for _ in outputs])


class Lazy(tuple[Any, ...]):
    __slots__ = ()


class Subclass(np.ndarray[Any, Any]):
    pass


def copied(outputs: Sequence[Any], calls: int) -> list[list[float]]:
    slots = [(np.full(4, -1.0, np.float32),) for _ in range(calls)]
    copy_out(catalog.backend("numpy")(), slots, outputs)
    return [one[0].tolist() for one in slots]


def test_outputs_are_copied_call_by_call() -> None:
    outputs = [(fresh(),), [fresh() + 1]]
    gather(gatherer(), outputs)
    assert copied(outputs, 3) == [[0.0] * 4, [1.0] * 4, [-1.0] * 4]


@pytest.mark.parametrize(
    "value",
    [
        Lazy((fresh(),)),
        (one for one in [fresh()]),
        (fresh().view(Subclass),),
        ([0.0] * 4,),
        (fresh(), fresh()),
        (np.zeros(5, np.float32),),
        (np.full(4, "x", object),),
    ],
)
def test_copying_ends_with_what_does_not_look_like_an_output(value: Any) -> None:
    assert copied([(fresh(),), value, (fresh(),)], 3) == [[0.0] * 4, [-1.0] * 4, [-1.0] * 4]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (fresh(), "type"),
        (Lazy((fresh(),)), "type"),
        ((one for one in [fresh()]), "type"),
        ((fresh().view(Subclass),), "type"),
        (([0.0] * 4,), "type"),
        ((), "count"),
        ((fresh(), fresh()), "count"),
        ((np.zeros(1, np.float32),), "shape"),
        ((np.zeros(4, np.float64),), "dtype"),
        ((np.zeros(4, ">f4"),), "dtype"),
        ((STATE["b"],), "alias"),
        ((STATE["b"][::-1],), "alias"),
    ],
)
def test_an_output_that_is_not_exactly_as_stated_is_refused(value: Any, kind: str) -> None:
    with pytest.raises(WrongOutputError) as caught:
        gather(gatherer(), [value])
    assert caught.value.kind == kind


def test_an_output_in_its_querys_memory_is_refused() -> None:
    query = fresh()
    with pytest.raises(WrongOutputError) as caught:
        gather(gatherer(), [(query,)], [query])
    assert caught.value.kind == "alias"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_pool_shorter_than_a_batch_is_refused(length: int) -> None:
    pool = [fresh() for _ in range(length)]
    with pytest.raises(WrongOutputError) as caught:
        gather(gatherer(), [(pool[i % length],) for i in range(4)])
    assert caught.value.kind == "alias"


def test_a_pool_as_long_as_a_batch_is_refused_when_it_comes_round() -> None:
    one, pool = gatherer(), [fresh() for _ in range(5)]
    gather(one, [(array,) for array in pool])
    gather(one, [(fresh(),) for _ in pool])
    with pytest.raises(WrongOutputError) as caught:
        gather(one, [(pool[4],)])
    assert caught.value.kind == "alias"
    one.forget()
    gather(one, [(pool[4],)])


def test_fresh_memory_is_never_taken_for_an_earlier_one() -> None:
    one = gatherer()
    for _ in range(50):
        gather(one, [(np.empty(4, np.float32),) for _ in range(8)])


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64"])
def test_a_query_that_was_changed_is_refused(dtype: str) -> None:
    given: dict[str, Any] = {"q": np.arange(6).astype(dtype).reshape(2, 3), "n": (np.zeros((), dtype),)}
    query: dict[str, Any] = {"q": given["q"].copy(), "n": (np.zeros((), dtype),)}
    gatherer().untouched(query, given)
    query["q"][1, 2] += 1
    with pytest.raises(WrongOutputError) as caught:
        gatherer().untouched(query, given)
    assert caught.value.kind == "mutated"


def test_a_query_of_nan_is_equal_to_itself() -> None:
    gatherer().untouched(np.full(3, np.nan), np.full(3, np.nan))
