"""Data sets are the same to the bit everywhere and for ever, and each distribution is what it is called."""

import hashlib
from collections.abc import Iterable

import numpy as np
import pytest

from lar import catalog, sampling
from lar.contracts import Case, HostArray
from lar.pq import inputs
from lar.pq.inputs import case_of

SMALL = (20, 4, 32)


def fingerprint(arrays: Iterable[HostArray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize(
    ("name", "of_data", "of_disguise"),
    [
        ("gaussian/128x16x256/n4096/k10/q3", "3a85eb92636d44cc", "5a4d6fd2df8083b0"),
        ("uniform/128x16x256/n4096/k10/q3", "a156c71dad23c282", "2e4ce05817cebd18"),
        ("sparse/128x16x256/n4096/k10/q3", "c71afeec3762118c", "04cbb9bec67db8e2"),
        ("offset/128x16x256/n4096/k10/q3", "5d94a5971157ce7f", "46fcc81930cb247a"),
        ("nearly-zero/128x16x256/n4096/k10/q3", "b52e72158516bf95", "0c648b6806e31a1f"),
        ("clustered/128x16x256/n4096/k10/q3", "61105df8ee91eb1c", "542a0e6aa69d7f2c"),
        ("narrow/128x16x256/n4096/k10/q3", "dc1b48ae7bdc3421", "c7be9428405642dd"),
        ("descending/128x16x256/n4096/k10/q3", "d8b16f4a7848e7db", "0200426ea971439e"),
        ("identical/128x16x256/n4096/k10/q3", "df30f44e9831810d", "df30f44e9831810d"),
        ("duplicates/12x3x16/n257/k257/q1", "5ab1020af88767f6", "f2248a82ddcb6a9e"),
        ("clustered/128x16x256/n4096/k100/q32", "caed4171b8af0e7b", "c17dd15ba3c3eff1"),
    ],
)
def test_pq_l2_has_the_data_sets_that_its_figures_were_measured_on(name: str, of_data: str, of_disguise: str) -> None:
    target = catalog.target("pq-l2")
    case = next(case for case in target.battery(0) if case.name == name)
    data = target.data(case)
    queries = target.queries(case, data, 5, 2)
    hidden = target.disguise(case, data, 77)
    assert fingerprint([data["codebook"], data["codes"], *queries]) == of_data
    assert fingerprint([hidden["codebook"], hidden["codes"], *queries]) == of_disguise


def drawn(distribution: str, count: int = 400, dim: int = 40) -> HostArray:
    case = case_of(distribution, (dim, 4, 32), 1_000, 1, 10, 3)
    return inputs.vectors("test", case, sampling.key(3, "rows"), count)


@pytest.mark.parametrize("distribution", ["gaussian", "uniform", "sparse", "clustered", "negative"])
def test_vectors_have_norms_near_one(distribution: str) -> None:
    vectors = drawn(distribution)
    assert vectors.dtype == np.float32
    assert vectors.shape == (400, 40)
    assert 0.6 < np.sqrt(np.mean(np.sum(vectors.astype(np.float64) ** 2, axis=1))) < 1.4


def test_distributions_are_what_they_are_called() -> None:
    assert np.abs(drawn("uniform")).max() <= np.sqrt(3 / 40) + 1e-6
    assert 0.05 < np.mean(drawn("sparse") != 0) < 0.15
    assert np.abs(drawn("offset") - 10).max() < 1
    assert 0 < np.mean(drawn("nearly-zero").any(axis=1)) < 0.1
    assert np.abs(drawn("nearly-zero")).max() < 1e-2
    assert np.all(drawn("negative") >= 0)
    norms = np.linalg.norm(drawn("wide-norms"), axis=1)
    assert norms[::8].min() > 50 * norms[7::8].max()
    clustered = drawn("clustered")
    within = np.linalg.norm(clustered[:32] - clustered[32:64], axis=1).mean()
    across = np.linalg.norm(clustered[:32] - clustered[33:65], axis=1).mean()
    assert across > 1.3 * within
    np.testing.assert_array_equal(drawn("a name of a target's own"), drawn("gaussian"))


def build(distribution: str, N: int = 300, stream: str = "test", seed: int = 0) -> tuple[Case, HostArray, HostArray]:
    case = case_of(distribution, SMALL, N, 3, 10, seed)
    codebook = inputs.codebook(stream, case)
    return case, codebook, inputs.codes(stream, case, codebook)


def test_a_seed_a_stream_and_a_distribution_each_make_other_data() -> None:
    made = [build("gaussian"), build("gaussian", seed=1), build("gaussian", stream="other"), build("uniform")]
    assert len({fingerprint(arrays) for _, *arrays in made}) == 4
    assert fingerprint(build("gaussian")[1:]) == fingerprint(made[0][1:])


def test_narrow_centroids_differ_in_their_last_places_alone() -> None:
    _, codebook, _ = build("narrow")
    assert np.ptp(codebook) < 1e-6
    assert len(np.unique(codebook)) > 1


def test_duplicates_and_identical_rows() -> None:
    assert len(np.unique(build("duplicates")[2], axis=0)) <= 7
    assert len(np.unique(build("identical")[2], axis=0)) == 1


def test_rows_of_a_smaller_set_are_those_of_a_larger_one() -> None:
    np.testing.assert_array_equal(build("gaussian", N=100)[2], build("gaussian")[2][:100])


def test_sums_are_those_of_a_table() -> None:
    _, _, codes = build("gaussian")
    table = np.random.default_rng(1).random((4, 32))
    np.testing.assert_allclose(inputs.sums(table, codes), table[np.arange(4), codes].sum(axis=1), rtol=1e-14)


def test_queries_differ_from_call_to_call_and_from_seed_to_seed() -> None:
    case, _, _ = build("gaussian")
    one, other = inputs.queries("test", case, 1, 4), inputs.queries("test", case, 2, 4)
    assert one.dtype == np.float32
    assert one.shape == (4, 3, 20)
    assert len(np.unique(np.concatenate([one, other]).reshape(-1, 20), axis=0)) == 24


def test_a_disguise_is_another_order_of_the_same_rows() -> None:
    case, codebook, codes = build("gaussian")
    hidden = inputs.disguise("test", case, {"codebook": codebook, "codes": codes}, 9)
    assert hidden["codebook"] is codebook
    assert not np.array_equal(hidden["codes"], codes)
    np.testing.assert_array_equal(np.sort(hidden["codes"], axis=0), np.sort(codes, axis=0))


def test_workloads_are_three_shapes_by_three_distributions_by_queries() -> None:
    cases = inputs.workloads(0, "standard", (1, 32))
    assert len({case.name for case in cases}) == 18
    assert {case.shape["N"] for case in cases} == {20_000}
    assert {(case.operations, case.shape["nq"]) for case in cases} == {(1, 1), (32, 32)}
