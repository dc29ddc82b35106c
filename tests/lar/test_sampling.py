"""Streams match the published generator, name themselves apart, and never move again."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lar import sampling

FIXED = settings(derandomize=True, deadline=None)
KEYS = st.integers(0, 2**64 - 1)


def splitmix64(state: int, count: int) -> list[int]:
    """The generator as published, one step at a time."""
    out = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        out.append(z ^ (z >> 31))
    return out


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (0, [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]),
        (
            1234567,
            [
                6457827717110365317,
                3203168211198807973,
                9817491932198370423,
                4593380528125082431,
                16408922859458223821,
            ],
        ),
    ],
)
def test_words_match_the_published_vectors(seed: int, expected: list[int]) -> None:
    assert sampling.words(seed, len(expected)).tolist() == expected


@FIXED
@given(KEYS, st.integers(0, 40))
def test_words_match_the_scalar_generator(key: int, n: int) -> None:
    assert sampling.words(key, n).tolist() == splitmix64(key, n)


def test_no_draw_ever_moves() -> None:
    own = sampling.key(42, "pq-l2", "gaussian", 128)
    assert own == 0x5FD51C1D9807BC08
    assert sampling.uniform(own, (3,)).view(np.uint64).tolist() == [
        4601149643235682460,
        4606771779896894771,
        4591592981786495816,
    ]
    assert sampling.normal(own, (3,)).view(np.uint64).tolist() == [
        13820264990475039747,
        4610286322137500511,
        13831922590861005050,
    ]
    assert sampling.integers(own, (5,), 1000).tolist() == [415, 954, 96, 772, 735]
    assert sampling.permutation(own, 9).tolist() == [2, 8, 0, 6, 7, 4, 3, 5, 1]


def test_keys_depend_on_every_ingredient_its_place_and_its_type() -> None:
    names: list[tuple[int | str, ...]] = [
        (),
        (0,),
        (0, 0),
        (1, 23),
        (12, 3),
        (23, 1),
        ("1", "23"),
        ("123",),
        (123,),
        ("",),
    ]
    keys = {sampling.key(seed, *name) for seed in (0, 1, -1, 2**63) for name in names}
    assert len(keys) == 4 * len(names)


@FIXED
@given(KEYS, KEYS, KEYS)
def test_keys_of_different_words_differ(seed: int, one: int, other: int) -> None:
    assert (sampling.key(seed, one) == sampling.key(seed, other)) == (one == other)


def test_a_key_takes_numpy_integers_and_refuses_more_than_64_bits() -> None:
    assert sampling.key(1, np.int32(7)) == sampling.key(1, 7)  # type: ignore[arg-type]  # NumPy integers are no `int`
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="64 bits"):
            sampling.key(bad)
    with pytest.raises(TypeError):
        sampling.key(1, 2.0)  # type: ignore[arg-type]  # that is the point


def test_uniform_fills_the_unit_interval_evenly() -> None:
    draw = sampling.uniform(7, (400, 250))
    assert draw.shape == (400, 250)
    assert draw.min() >= 0.0
    assert draw.max() < 1.0
    counts = np.bincount((draw * 64).astype(int).reshape(-1), minlength=64)
    expected = draw.size / 64
    assert np.sum((counts - expected) ** 2 / expected) < 103.4  # chi-square, 63 degrees, p = 0.001


def test_normal_has_the_moments_and_tails_of_the_normal() -> None:
    draw = sampling.normal(11, (500_000,))
    assert [float(np.mean(draw**power)) for power in (1, 2, 3, 4)] == pytest.approx([0, 1, 0, 3], abs=0.03)
    assert np.mean(np.abs(draw) > 3) == pytest.approx(2 * NormalDist().cdf(-3), rel=0.1)
    assert abs(np.corrcoef(draw[1:], draw[:-1])[0, 1]) < 0.005


def test_normal_quantile_agrees_with_the_standard_library_from_end_to_end() -> None:
    tails = 10.0 ** -np.linspace(0.31, 300, 400)
    p = np.concatenate([np.linspace(0.001, 0.999, 999), tails, 1.0 - tails[tails > 1e-15]])
    expected = np.array([NormalDist().inv_cdf(x) for x in p])
    np.testing.assert_allclose(sampling.normal_quantile(p), expected, rtol=3e-15, atol=1e-15)


@FIXED
@given(KEYS, st.one_of(st.integers(1, 1000), st.integers(1, 2**32)))
def test_integers_stay_below_high(key: int, high: int) -> None:
    draw = sampling.integers(key, (4, 8), high)
    assert draw.dtype == np.int64
    assert draw.shape == (4, 8)
    assert draw.min() >= 0
    assert draw.max() < high


def test_integers_reach_every_value_and_refuse_a_bad_bound() -> None:
    counts = np.bincount(sampling.integers(3, (70_000,), 7), minlength=7)
    assert np.sum((counts - 10_000) ** 2 / 10_000) < 22.5  # chi-square, 6 degrees, p = 0.001
    for bad in (0, -1, 2**32 + 1):
        with pytest.raises(ValueError, match="high"):
            sampling.integers(3, (1,), bad)


@settings(FIXED, max_examples=40)
@given(KEYS, st.integers(0, 300))
def test_permutation_holds_every_number_once(key: int, n: int) -> None:
    assert sorted(sampling.permutation(key, n)) == list(range(n))


def test_permutations_of_three_come_equally_often() -> None:
    orders = [tuple(sampling.permutation(sampling.key(5, i), 3)) for i in range(6000)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 6
    assert np.sum((counts - 1000) ** 2 / 1000) < 20.5  # chi-square, 5 degrees, p = 0.001


@pytest.mark.parametrize("draw", [sampling.uniform, sampling.normal])
def test_a_longer_draw_begins_like_a_shorter_one(draw: Callable[[int, tuple[int, ...]], sampling.Floats]) -> None:
    np.testing.assert_array_equal(draw(9, (40_000,))[:1000], draw(9, (1000,)))
