"""The report holds what a program needs, and its text what a newcomer needs: what works, and what mends the rest."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from lar import catalog, ceilings, doctor, probe
from lar.errors import UnavailableError

WORKS = {
    "name": "numpy",
    "purpose": "measure",
    "install": "lar",
    "available": True,
    "reason": None,
    "devices": ["cpu"],
    "about": {"numpy": "2.4.6"},
}
MISSING = {
    **WORKS,
    "name": "torch",
    "available": False,
    "reason": "torch is not installed: pip install 'lar[torch]'",
    "devices": [],
    "about": {},
}
UNKIND = {**WORKS, "name": "anarchic", "purpose": "conformance"}
CARD = {**WORKS, "name": "cupy", "devices": ["cuda:0"], "about": {"cupy": "14.2.0"}}
CARD_LIMITS = ceilings.Ceilings(
    "nvidia-h200-0123", ceilings.ACCELERATOR, ((1 << 29, 4.4e12),), ((1 << 30, 4.3e12),), {"f32": 5e13, "u8": 2e14}
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAR_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(catalog, "backend_names", lambda: ["numpy", "cupy", "strict"])
        return doctor.examine()


def _section(text: str, title: str) -> dict[str, str]:
    """Return a section's rows by their first column."""
    (block,) = (block for block in text.split("\n\n") if block.startswith(title))
    return {line[2:20].strip(): line[20:].strip() for line in block.splitlines()[1:]}


def _with(report: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**report, **changed}


def test_report_is_jsonable_and_whole(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report)) == json.loads(json.dumps(report, allow_nan=False))
    names = {"fingerprint", "environment", "backends", "ceilings", "clock", "isolation", "summary"}
    assert report.keys() == names
    assert [one["name"] for one in report["backends"]] == ["cupy", "numpy", "strict"], "those that measure come first"
    limits = ceilings.from_dict(json.loads(json.dumps(report["ceilings"]["cpu"])))
    assert limits is not None
    assert limits.device == report["fingerprint"]


def test_text_has_every_section_and_ends_with_the_summary(report: dict[str, Any]) -> None:
    text = doctor.render(report)
    titles = [block.splitlines()[0] for block in text.split("\n\n")]
    assert titles[:3] == ["Machine", "Backends", "Ceilings of cpu"]
    assert titles[-3:] == ["Clock", "Isolation of a worker", report["summary"]]
    assert text.splitlines()[-1] == report["summary"]
    assert "numpy (cpu)" in report["summary"]
    assert all(line == line.rstrip() for line in text.splitlines())


def test_text_says_what_this_machine_is(report: dict[str, Any]) -> None:
    rows = _section(doctor.render(report), "Machine")
    assert rows["fingerprint"] == report["fingerprint"]
    assert "numpy" in rows["libraries"]
    assert {"processor", "memory", "system", "Python", "lar"} <= rows.keys()


def test_each_backend_works_or_has_a_reason_that_says_what_mends_it(report: dict[str, Any]) -> None:
    rows = _section(doctor.render(_with(report, backends=[CARD, WORKS, MISSING, UNKIND])), "Backends")
    assert rows["cupy"] == "works on cuda:0 (cupy 14.2.0)"
    assert rows["numpy"] == "works on cpu (numpy 2.4.6)"
    assert rows["torch"] == "does not work: torch is not installed: pip install 'lar[torch]'"
    assert rows["anarchic"] == "works on cpu, for conformance only (numpy 2.4.6)"


@pytest.mark.parametrize(
    ("backends", "said"),
    [
        ([CARD, WORKS, UNKIND], "Kernels can be checked and timed on cupy (cuda:0), numpy (cpu)."),
        (
            [WORKS, MISSING, UNKIND],
            "Kernels can be checked and timed on numpy (cpu). Not here: torch; the reasons stand above.",
        ),
        ([MISSING, UNKIND], "No backend works here; the reasons stand above."),
    ],
)
def test_summary(backends: list[dict[str, Any]], said: str) -> None:
    assert doctor._summary(backends) == said


def test_ceilings_are_shown_by_size_and_an_accelerators_beside_the_cpus(report: dict[str, Any]) -> None:
    both = {**report["ceilings"], "cuda:0": asdict(CARD_LIMITS)}
    text = doctor.render(_with(report, ceilings=both))
    rows = _section(text, "Ceilings of cuda:0")
    assert rows["threads"] == "the device's own"
    assert rows["512 MiB"].split() == ["4400", "-"]
    assert rows["1 GiB"].split() == ["-", "4300"]
    cpu = _section(text, "Ceilings of cpu")
    assert {"threads", "float32", "bytes", "16 KiB", "64 MiB"} <= cpu.keys()


def test_ceilings_of_a_busy_moment_are_said_to_be(report: dict[str, Any]) -> None:
    for quiet in (True, False):
        one = {"cpu": {**report["ceilings"]["cpu"], "quiet": quiet}}
        assert ("measured while the machine was busy" in doctor.render(_with(report, ceilings=one))) is not quiet


def test_gpu_row() -> None:
    gpu = {
        "index": 0,
        "name": "NVIDIA H200",
        "memory_bytes": 141 << 30,
        "compute_capability": "9.0",
        "clocks_mhz": {"sm": 1980, "memory": 3201},
        "throttle_reasons": ["gpu_idle", "sw_power_cap"],
    }
    assert doctor._gpu(gpu, {"driver": "580.95"}) == (
        "NVIDIA H200, 141 GiB, compute capability 9.0, sm 1980 MHz, memory 3201 MHz, driver 580.95, "
        "slowed by sw_power_cap"
    )
    assert doctor._gpu({"index": 0, "name": "GRID"}, {}) == "GRID"


def test_isolation_tells_raised_from_not_raised_from_not_here(report: dict[str, Any]) -> None:
    walls = [
        {"name": "rlimits", "available": True, "raised": True, "detail": "a"},
        {"name": "Landlock", "available": True, "raised": False, "detail": "b"},
        {"name": "bubblewrap", "available": False, "raised": False, "detail": "not installed"},
    ]
    rows = _section(doctor.render(_with(report, isolation=walls)), "Isolation")
    assert rows["rlimits"].split() == ["raised", "a"]
    assert rows["Landlock"].split(maxsplit=3) == ["not", "raised", "yet", "b"]
    assert rows["bubblewrap"].split(maxsplit=2) == ["not", "here", "not installed"]


def test_little_is_told_of_a_machine_that_tells_little(report: dict[str, Any]) -> None:
    bare = {
        "processor": {"architecture": "aarch64", "caches": {}, "features": []},
        "memory": {"total_bytes": 1 << 30, "available_bytes": 512},
        "system": {"os": "Linux", "release": "6"},
        "python": {"version": "3.11.7", "implementation": "CPython"},
        "libraries": {"numpy": "2.4.6"},
    }
    rows = _section(doctor.render(_with(report, environment=bare)), "Machine")
    assert rows["processor"] == "not told, aarch64"
    assert rows["memory"] == "1 GiB, 512 bytes available"
    assert rows["libraries"] == "numpy 2.4.6"
    assert not {"caches", "features", "governor", "load", "cores", "BLAS"} & rows.keys()


def test_an_accelerator_is_measured_once_and_again_when_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    known: dict[str, ceilings.Ceilings] = {}

    def recall(device: str) -> ceilings.Ceilings:
        if device not in known:
            raise UnavailableError("not measured")
        return known[device]

    def ask(name: str, *, with_ceilings: bool) -> dict[str, Any]:
        assert with_ceilings
        asked.append(name)
        known["cuda:0"] = CARD_LIMITS
        return {**CARD, "name": name, "ceilings": asdict(CARD_LIMITS)}

    monkeypatch.setattr(ceilings, "ceilings", recall)
    monkeypatch.setattr(probe, "probe", ask)
    backends = [CARD, {**CARD, "name": "jax"}, WORKS, MISSING]
    assert doctor._accelerators(backends, refresh=False) == {"cuda:0": asdict(CARD_LIMITS)}
    assert asked == ["cupy"]
    assert doctor._accelerators(backends, refresh=False) == {"cuda:0": asdict(CARD_LIMITS)}
    assert asked == ["cupy"]
    doctor._accelerators(backends, refresh=True)
    assert asked == ["cupy", "cupy", "jax"]


def test_an_accelerator_is_measured_once_though_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def recall(device: str) -> ceilings.Ceilings:
        raise UnavailableError(f"{device} was not measured")

    def ask(name: str, **_: object) -> dict[str, Any]:
        asked.append(name)
        return {**CARD, "name": name, "ceilings": asdict(CARD_LIMITS)}

    monkeypatch.setattr(ceilings, "ceilings", recall)
    monkeypatch.setattr(probe, "probe", ask)
    doctor._accelerators([CARD, {**CARD, "name": "jax"}], refresh=False)
    assert asked == ["cupy"]


@pytest.mark.parametrize(
    ("processors", "written"), [([0, 1, 2, 3, 6], "0-3,6"), ([5], "5"), ([], ""), (None, ""), ([0, 2, 4], "0,2,4")]
)
def test_ranges(processors: list[int] | None, written: str) -> None:
    assert doctor._ranges(processors) == written
