"""Memory stated before a run: shared data sets count once, and what does not fit is refused."""

from dataclasses import replace

import pytest

from lar import catalog, footprint
from lar.errors import LarError


def test_data_sets_that_are_shared_count_once() -> None:
    target = catalog.target("pq-l2")
    cases = target.workloads(0, "small", (1, 32))
    found = footprint.footprint(target, cases, workers=1)
    assert found is not None
    sizes = {case.data_key: sum(array.nbytes for array in target.data(case).values()) for case in cases}
    assert found.data == sum(sizes.values())
    assert found.needed > 4 * found.data
    more = footprint.footprint(target, cases, workers=2)
    assert more is not None
    assert more.needed > found.needed
    assert footprint.footprint(replace(target, data_bytes=None), cases, workers=1) is None


def test_what_does_not_fit_is_refused_with_both_numbers() -> None:
    footprint.refuse_what_does_not_fit(footprint.Footprint(1, 5 << 30, 5 << 30), "it")
    with pytest.raises(LarError, match=r"it does not fit: .*about 6\.0 GiB.*5\.0 GiB are available"):
        footprint.refuse_what_does_not_fit(footprint.Footprint(1, 6 << 30, 5 << 30), "it")
