"""A limit is never too low: between sizes, between kinds of access, and after measuring again on a bad day."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lar import cache, ceilings, ceilings_cpu, machine
from lar.ceilings import Ceilings
from lar.contracts import Cost
from lar.errors import UnavailableError

KIB, MIB = 1 << 10, 1 << 20
LIMITS = Ceilings(
    device="some-cpu-0123",
    threads=1,
    reads=((16 * KIB, 200e9), (1 * MIB, 90e9), (4 * MIB, 95e9), (256 * MIB, 30e9)),
    traffic=((16 * KIB, 280e9), (1 * MIB, 80e9), (4 * MIB, 85e9), (256 * MIB, 45e9)),
    rates={"f32": 100e9, "u8": 400e9},
)


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Replace measuring by `LIMITS` and list what was asked; the cache is a new one."""
    asked: list[tuple[str, int]] = []

    def measure(fingerprint: str, threads: int) -> Ceilings:
        asked.append((fingerprint, threads))
        return replace(LIMITS, device=fingerprint, threads=threads)

    monkeypatch.setenv("LAR_CACHE", str(tmp_path))
    monkeypatch.setattr(ceilings_cpu, "measure_cpu", measure)
    monkeypatch.setattr(machine, "device_fingerprint", lambda device: f"some-{device.replace(':', '-')}-0123")
    return asked


def _file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "ceilings").iterdir()
    return path


@pytest.mark.parametrize(
    ("working_set", "reading", "moving"),
    [
        (1, 200e9, 280e9),
        (16 * KIB, 200e9, 280e9),
        (1 * MIB - 1, 200e9, 280e9),
        (1 * MIB, 95e9, 95e9),  # 4 MiB came out faster, and reading faster than reading and writing
        (8 * MIB, 95e9, 95e9),
        (256 * MIB, 30e9, 45e9),
        (1 << 40, 30e9, 45e9),
    ],
)
def test_bandwidth_is_that_of_the_next_smaller_size_or_of_a_faster_larger_one(
    working_set: int, reading: float, moving: float
) -> None:
    assert LIMITS.read_bandwidth(working_set) == reading
    assert LIMITS.bandwidth(working_set) == moving


_CURVES = st.dictionaries(st.integers(1, 1 << 30), st.floats(1e6, 1e12), min_size=1).map(
    lambda d: tuple(sorted(d.items()))
)


@given(_CURVES, _CURVES, st.integers(1, 1 << 31), st.integers(1, 1 << 31))
def test_bandwidth_never_rises_with_the_working_set_nor_lies_below_what_was_measured(
    reads: ceilings.Curve, traffic: ceilings.Curve, one: int, other: int
) -> None:
    limits = replace(LIMITS, reads=reads, traffic=traffic)
    small, large = sorted((one, other))
    assert limits.bandwidth(small) >= limits.bandwidth(large) >= limits.read_bandwidth(large)
    for size, speed in (*reads, *traffic):
        assert limits.bandwidth(size) >= speed


def test_limit_is_the_longest_of_bytes_and_operations() -> None:
    assert ceilings.limit_ns(Cost(95_000, {}), LIMITS, 2 * MIB) == pytest.approx(1000)
    assert ceilings.limit_ns(Cost(95_000, {"f32": 10_000}), LIMITS, 2 * MIB) == pytest.approx(1000)
    assert ceilings.limit_ns(Cost(95_000, {"f32": 200_000}), LIMITS, 2 * MIB) == pytest.approx(2000)
    assert ceilings.limit_ns(Cost(95_000, {"f32": 200_000, "u8": 1_200_000}), LIMITS, 2 * MIB) == pytest.approx(3000)


def test_limit_of_what_only_reads_is_tighter_once_that_is_told() -> None:
    cost = Cost(45_000, {})
    assert ceilings.limit_ns(cost, LIMITS, 1 << 30) == pytest.approx(1000)
    assert ceilings.limit_ns(cost, LIMITS, 1 << 30, written=0) == pytest.approx(1500)
    assert ceilings.limit_ns(cost, LIMITS, 1 << 30, written=15_000) == pytest.approx(1000)
    assert ceilings.limit_ns(cost, LIMITS, 1 << 30, written=50_000) == pytest.approx(1000)


def test_limit_of_a_class_without_a_rate_is_a_defect() -> None:
    with pytest.raises(ValueError, match="f64"):
        ceilings.limit_ns(Cost(1, {"f64": 1}), LIMITS, 1)


def test_known_ceilings_are_not_measured_again(measured: list[Any]) -> None:
    first = ceilings.ceilings("cpu", 1)
    assert ceilings.ceilings("cpu", 1) == first
    assert measured == [("some-cpu-0123", 1)]
    assert ceilings.ceilings("cpu", 2).threads == 2
    assert measured == [("some-cpu-0123", 1), ("some-cpu-0123", 2)]


def test_a_figure_once_reached_stays(measured: list[Any]) -> None:
    faster = replace(LIMITS, reads=((16 * KIB, 250e9), (64 * MIB, 60e9)), rates={"f32": 90e9, "u8": 500e9})
    ceilings.remember(faster)
    again = ceilings.ceilings("cpu", 1, refresh=True)
    assert measured == [("some-cpu-0123", 1)]
    assert again.reads == ((16 * KIB, 250e9), (1 * MIB, 90e9), (4 * MIB, 95e9), (64 * MIB, 60e9), (256 * MIB, 30e9))
    assert again.rates == {"f32": 100e9, "u8": 500e9}
    assert ceilings.ceilings("cpu", 1) == again


def _edit(facts: dict[str, Any], **changed: Any) -> str:
    return json.dumps({**facts, **changed})


def test_what_was_measured_on_a_busy_machine_is_measured_again(measured: list[Any]) -> None:
    busy = replace(LIMITS, reads=((16 * KIB, 210e9), (256 * MIB, 15e9)), quiet=False)
    ceilings.remember(busy)
    limits = ceilings.ceilings("cpu", 1)
    assert len(measured) == 1
    assert limits.quiet
    assert dict(limits.reads)[16 * KIB] == 210e9
    assert dict(limits.reads)[256 * MIB] == 30e9
    assert ceilings.ceilings("cpu", 1) == limits
    assert len(measured) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],
        lambda _: "[1, 2]",
        lambda _: "null",
        lambda text: _edit(json.loads(text), reads=[]),
        lambda text: _edit(json.loads(text), reads=[[16384, float("nan")]]),
        lambda text: _edit(json.loads(text), traffic=[[16384, 0.0]]),
        lambda text: _edit(json.loads(text), rates={"f32": 1e9}),
        lambda text: _edit(json.loads(text), rates={"f32": 1e9, "u8": -1.0}),
        lambda text: _edit(json.loads(text), rates=[1, 2]),
        lambda text: _edit(json.loads(text), device="another-cpu-4567"),
        lambda text: _edit(json.loads(text), threads=2),
        lambda text: json.dumps({name: fact for name, fact in json.loads(text).items() if name != "quiet"}),
    ],
)
def test_a_damaged_cache_is_measured_again(measured: list[Any], tmp_path: Path, damage: Any) -> None:
    whole = ceilings.ceilings("cpu", 1)
    path = _file(tmp_path)
    path.write_text(damage(path.read_text()))
    assert ceilings.ceilings("cpu", 1) == whole
    assert len(measured) == 2
    assert ceilings.from_dict(json.loads(path.read_text())) == whole


def test_another_schema_is_another_file(measured: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ceilings.ceilings("cpu", 1)
    monkeypatch.setattr(ceilings, "SCHEMA", ceilings.SCHEMA + 1)
    ceilings.ceilings("cpu", 1)
    assert len(measured) == 2


def test_without_a_cache_there_are_ceilings_all_the_same(
    measured: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "file"))
    assert ceilings.ceilings("cpu", 1).rates == LIMITS.rates
    assert cache.load("anything") is None


def test_an_accelerator_is_measured_by_its_backend_only(measured: list[Any]) -> None:
    with pytest.raises(UnavailableError, match=r"lar\.probe"):
        ceilings.ceilings("cuda:0")
    ceilings.remember(replace(LIMITS, device="some-cuda-0-0123", threads=ceilings.ACCELERATOR))
    assert ceilings.ceilings("cuda:0", threads=4, refresh=True).threads == ceilings.ACCELERATOR
    assert measured == []


def test_ceilings_survive_json() -> None:
    assert ceilings.from_dict(json.loads(json.dumps(asdict(LIMITS)))) == LIMITS
