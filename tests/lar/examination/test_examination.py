"""The whole of `lar check`: passes what is well made, and tells each planted fault in the section that is about it."""

import json
from pathlib import Path

import pytest
from tests.lar.examination.conftest import failures, made

from lar import examination, probe
from lar.contracts import Exit
from lar.errors import UnknownNameError
from lar.examination import Finding, Grade, Report


def failed(report: Report, section: str) -> dict[str, str]:
    return failures(report.section(section))


def test_the_template_passes_every_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = probe.probe
    missing = {"available": False, "reason": "no GPU was made up"}
    monkeypatch.setattr(probe, "probe", lambda name: missing if name == "cupy" else real(name))
    told: list[tuple[str, int, int]] = []
    report = examination.examine(made(tmp_path), ["cupy", "numpy"], lambda *words: told.append(words))
    text = examination.render(report)
    assert report.exit_code is Exit.DONE, text
    assert [one.grade for one in report.sections] == [Grade.PASS] * 7, text
    assert {"portable on numpy", "numpy on numpy", "timing tuned/numpy"} <= {what for what, _, _ in told}
    assert Finding(Grade.SKIPPED, "cupy", "no GPU was made up") in report.section("portable").findings
    found = json.loads(report.to_json())
    assert (found["schema"], found["grade"], found["exit_code"]) == ("lar.check/1", "pass", 0)
    names = [one["name"] for one in found["sections"]]
    assert names == ["contract", "references", "battery", "mutants", "cost", "portable", "kernels"]
    assert text.splitlines()[0].startswith("1. The contract holds: pass (")
    assert text.splitlines()[-1].startswith(f"{report.target}: pass (")


def test_each_fault_is_told_in_its_own_section(tmp_path: Path) -> None:
    kept = "    kept = xp.where(selected, values, xp.zeros_like(values))"
    name = made(
        tmp_path,
        # Passes what is off by a part in a thousand.
        reference=(
            'sums_of_squares(query, data["values"])\n    return Bounded((sums,), (sums,)',
            'sums_of_squares(query, data["values"])\n    return Bounded((sums,), (1e4 * sums,)',
        ),
        # Works on any NumPy, and on nothing that has more than one device.
        portable=(
            kept,
            f"    assert isinstance(values.shape, tuple)\n    {kept}".replace(
                "zeros_like(values)", "zeros(values.shape[0], dtype=xp.float32)"
            ),
        ),
        tuned__numpy=("def run(xp: Any, state", "def answer(xp: Any, state"),
    )
    (tmp_path / name.replace("-", "_") / "program.md").write_text(f"# Program: {name}\n\n## Call site\n")
    report = examination.examine(name, ["numpy", "strict"])
    assert report.exit_code is Exit.INCORRECT
    grave = [one.name for one in report.sections if one.grade is Grade.FAIL]
    assert grave == ["mutants", "portable", "kernels"], examination.render(report)
    survivors = failed(report, "mutants")
    assert "survivor: one part in a thousand off" in survivors
    assert "survivor: NaN" not in survivors
    portable = failed(report, "portable")
    assert set(portable) == {"no backend test", "strict"}
    assert portable["no backend test"].endswith("calls isinstance")
    assert "device" in portable["strict"]
    kernels = failed(report, "kernels")
    assert kernels["tuned/numpy.py"] == "it has no function 'run'"
    assert kernels["program.md"].splitlines()[0] == "no section '## What is asked'"


def test_a_target_that_cannot_be_imported_or_is_called_otherwise_is_one_finding(tmp_path: Path) -> None:
    for change, said in (
        (("import numpy as np", "import nump as np"), "ModuleNotFound"),
        (("name=", "nam="), "TypeError"),
    ):
        report = examination.examine(made(tmp_path, init=change))
        assert report.exit_code is Exit.INCORRECT
        assert said in failed(report, "contract")["target"]
    name = made(tmp_path)
    path = tmp_path / name.replace("-", "_") / "__init__.py"
    path.write_text(path.read_text().replace(f'name="{name}"', 'name="other"'))
    assert "expected" in failed(examination.examine(name), "contract")["target"]


def test_unknown_names_are_the_users_mistake() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean pq-l2"):
        examination.examine("pql2")
    with pytest.raises(UnknownNameError, match="Did you mean numpy"):
        examination.examine("pq-l2", ["numpi"])
