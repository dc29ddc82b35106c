"""Batch sizes, warm-up, the stop rule and pre-empted samples, on readings made up for the purpose."""

import pytest

from lar import clock
from lar.clock import Reading, StopRule


@pytest.mark.parametrize(
    ("per_call", "limit", "expected"),
    [(1_000, 100_000, 15_000), (20_000, 4_096, 750), (5e6, 64, 3), (1e9, 64, 1), (10, 64, 64)],
)
def test_a_batch_lasts_fifteen_milliseconds_or_as_many_calls_as_there_is_room_for(
    per_call: float, limit: int, expected: int
) -> None:
    calls = clock.calls_per_batch(lambda n: Reading(n, int(n * per_call), 0), limit)
    assert calls == pytest.approx(expected, rel=0.01)


def test_warm_up_ends_when_two_windows_agree() -> None:
    walls = iter([1000, 700, 500, 495, 494])
    assert clock.warm_up(lambda n: Reading(n, next(walls), 0), 1).wall_ns == 495


def test_warm_up_gives_up_on_a_restless_machine() -> None:
    walls = iter([100, 200] * 10)
    clock.warm_up(lambda n: Reading(n, next(walls), 0), 1, most=6)
    assert len(list(walls)) == 20 - 6


def test_a_sample_is_pre_empted_where_wall_time_left_cpu_time_behind() -> None:
    assert Reading(1, 10_000_000, 5_000_000).pre_empted(threads=1)
    assert not Reading(1, 10_000_000, 9_900_000).pre_empted(threads=1)
    assert not Reading(1, 10_000_000, 5_000_000).pre_empted(threads=2)
    assert not Reading(1, 10_000_000, 5_000_000, device_ns=1).pre_empted(threads=1)


def test_the_rule_stops_early_on_steady_samples_and_at_most_on_noisy_ones() -> None:
    def rounds(values: list[float]) -> int:
        rule = StopRule(least=4, most=12, width=0.01, seconds=60.0)
        rule.start()
        for count, value in enumerate(values, start=1):
            rule.add({"a": value, "b": 2 * value})
            if rule.finished():
                return count
        return -1

    assert rounds([100.0, 100.1, 99.9, 100.0, 100.0]) == 4
    assert rounds([50.0, 150.0] * 6) == 12


def test_the_rule_stops_when_its_time_is_up_but_not_before_the_least() -> None:
    rule = StopRule(least=2, most=100, width=0.0, seconds=0.0)
    rule.start()
    rule.add({"a": 1.0})
    assert not rule.finished()
    rule.add({"a": 3.0})
    assert rule.finished()


def test_a_workload_with_too_few_samples_keeps_the_rule_going() -> None:
    rule = StopRule(least=3, most=100, width=1.0, seconds=60.0)
    rule.start()
    for _ in range(5):
        rule.add({"a": 1.0})
    rule.add({"a": 1.0, "b": 1.0})
    assert not rule.finished()


@pytest.mark.parametrize(
    ("cpu", "waited", "own"),
    [
        (9_900, 0, 10_000),  # undisturbed
        (5_000, 4_800, 5_200),  # another process had the core for half of the time
        (5_000, 7_000, 5_000),  # several threads waited at once: never below the CPU time
        (1_000, 0, 10_000),  # asleep, or waiting for a child: that is its own time
    ],
)
def test_only_what_the_scheduler_gave_to_others_is_taken_off(cpu: int, waited: int, own: int) -> None:
    assert Reading(1, 10_000, cpu, waited_ns=waited).own_ns == own


def test_one_drawn_out_reading_does_not_make_short_batches() -> None:
    disturbed = iter([900_000, *[10_000] * 2])

    def run(calls: int) -> Reading:
        return Reading(calls, next(disturbed, 10_000 * calls), 0)

    assert clock.calls_per_batch(run, 4096, 1_000_000) == pytest.approx(100, rel=0.01)
