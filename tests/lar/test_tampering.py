"""Work off the clock, as far as it shows from outside: in what a worker claims, and in the copying round its calls."""

import pytest

from lar.tampering import (
    IDLE_READINGS,
    QUIET,
    RESTLESS,
    Chores,
    Claim,
    Cost,
    Idle,
    Limits,
    Rates,
    background,
    moonlighting,
    suspicious,
    unexplained,
)

MS = 1_000_000


@pytest.mark.parametrize(("claimed", "refused"), [(15 * MS, False), (12 * MS, False), (8 * MS, True), (0, True)])
def test_claims_must_account_for_the_wall_time(claimed: int, refused: bool) -> None:
    claims = [Claim(15 * MS, claimed)] * 3
    assert unexplained(claims[:2], "case") is None
    failure = unexplained(claims, "case")
    assert (failure is not None) == refused
    assert failure is None or (failure.kind, failure.case) == ("forged", "case")


def test_one_batch_that_was_interrupted_refuses_nobody() -> None:
    assert unexplained([Claim(15 * MS, 15 * MS), Claim(60 * MS, 15 * MS), Claim(15 * MS, 15 * MS)], "case") is None


def test_rates_tell_being_asked_from_arrays_from_bytes() -> None:
    rates = Rates.of(Cost(0, 0, 50_000), Cost(100, 6_400, 1 * MS), Cost(10, 10 << 20, 6 * MS))
    assert rates.array_ns == pytest.approx(9_500)
    assert rates.byte_ns == pytest.approx((6 * MS - 50_000 - 95_000) / (10 << 20))
    assert rates.of_copying(100, 10 << 20) == pytest.approx(1 * MS + 6 * MS - 50_000 - 95_000)
    assert Rates.of(Cost(0, 0, 50_000), Cost(100, 6_400, 40_000), Cost(10, 10 << 20, 40_000)) == Rates(50_000, 0.0, 0.0)


@pytest.mark.parametrize(
    ("used", "limits", "refused"),
    [
        (2.0, QUIET, False),  # as rehearsed
        (8.0, QUIET, False),  # a machine four times as busy as then
        (12.7, QUIET, False),  # and a quarter of the batch
        (12.8, QUIET, True),
        (7.9, RESTLESS, False),
        (8.1, RESTLESS, True),
    ],
)
def test_copying_that_takes_far_longer_than_in_rehearsal_is_refused(used: float, limits: Limits, refused: bool) -> None:
    chores = [Chores(15 * MS, round(used * MS), 2.0 * MS)] * 3
    assert moonlighting(chores[:2], "case", limits) is None
    failure = moonlighting(chores, "case", limits)
    assert (failure is not None) == refused
    assert failure is None or (failure.kind, failure.case) == ("background", "case")


def test_one_slow_copy_refuses_nobody() -> None:
    usual, slow = Chores(15 * MS, 2 * MS, 2.0 * MS), Chores(15 * MS, 40 * MS, 2.0 * MS)
    assert moonlighting([usual, slow, usual], "case", QUIET) is None


def test_the_first_calls_of_a_case_are_too_short_to_judge() -> None:
    assert moonlighting([Chores(100_000, 1_200_000, 50_000.0)] * 3, "case", QUIET) is None


def test_what_copying_takes_longer_is_charged_and_what_it_takes_less_is_not_given_back() -> None:
    assert Chores(3 * MS, 500_000, 350_000.4).overtime_ns == 150_000
    assert Chores(3 * MS, 200_000, 350_000.0).overtime_ns == 0


@pytest.mark.parametrize(
    ("idle", "quiet", "restless"),
    [
        (Idle(20 * MS, 7_000), False, False),  # an honest worker
        (Idle(20 * MS, 900_000), True, False),  # a thread that looks up now and then
        (Idle(20 * MS, 20 * MS), True, True),
        (Idle(20 * MS, 5 * MS, 15 * MS), True, True),  # a busy one, on a core that three others want as well
        (Idle(20 * MS, 20_000, 19 * MS + 900_000), False, False),  # an honest one that had to wait for its core
        (Idle(20 * MS, 40 * MS), True, True),  # two threads
    ],
)
def test_a_worker_left_alone_is_suspected_for_the_time_it_could_have_used(
    idle: Idle, quiet: bool, restless: bool
) -> None:
    assert (suspicious(idle, QUIET), suspicious(idle, RESTLESS)) == (quiet, restless)


def test_one_quiet_reading_clears_a_worker() -> None:
    busy, quiet = Idle(20 * MS, 20 * MS), Idle(20 * MS, 0)
    assert background([busy] * (IDLE_READINGS - 1), "case", QUIET) is None
    assert background([busy] * (IDLE_READINGS - 1) + [quiet], "case", QUIET) is None
    failure = background([busy] * IDLE_READINGS, "case", QUIET)
    assert failure is not None
    assert (failure.kind, failure.case) == ("background", "case")
