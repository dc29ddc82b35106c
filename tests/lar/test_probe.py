"""Whatever a backend does to the process that opens it, the answer is one JSON document or one line of reason."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import lar
import lar.backends
from lar import catalog, probe
from lar.ceilings import from_dict
from lar.errors import UnknownNameError

GOOD = """
    import os
    import numpy as np
    from lar.contracts import Backend

    class Adapter(Backend):
        name = {name!r}
        install = "lar[of-no-use]"

        @classmethod
        def available(cls):
            {available}
            return None

        def __init__(self, device=None):
            {opening}
            self.device, self.xp = "cpu", np

        def put(self, array):
            return array.copy()

        def get(self, array):
            return array {wrong}

        def compile(self, run, statics):
            return lambda state, query: run(np, state, query, **statics)

        def about(self):
            return {{"made-up": "1.0"}}

    BACKEND = Adapter
"""


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that adds a made-up backend, to this process's package and to one that its children find.

    The children's is a package of links to this one's files, in a folder at the head of `sys.path`: what they import
    shows that they were handed this process's path.
    """
    package = tmp_path / "lar"
    (package / "backends").mkdir(parents=True)
    source = Path(lar.__file__).parent
    for path in source.iterdir():
        if path.name not in {"backends", "__pycache__"}:
            (package / path.name).symlink_to(path)
    (package / "backends" / "__init__.py").symlink_to(source / "backends" / "__init__.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lar.backends, "__path__", [*lar.backends.__path__, str(package / "backends")])

    def add(name: str, *, available: str = "pass", opening: str = "pass", wrong: str = "") -> None:
        text = textwrap.dedent(GOOD).format(name=name, available=available, opening=opening, wrong=wrong)
        (package / "backends" / f"{name}.py").write_text(text)

    return add


def _one_line(answer: dict[str, Any]) -> str:
    assert answer["available"] is False
    assert answer["devices"] == []
    assert isinstance(answer["reason"], str)
    assert "\n" not in answer["reason"]
    return answer["reason"]


def test_a_backend_that_works() -> None:
    import numpy as np

    answer = probe.probe("numpy")
    assert answer == {
        "name": "numpy",
        "purpose": "measure",
        "install": "lar",
        "available": True,
        "reason": None,
        "devices": ["cpu"],
        "about": {"numpy": np.__version__},
    }


@pytest.mark.parametrize("name", ["jax", "cupy", "torch", "strict"])
def test_every_backend_answers(name: str) -> None:
    answer = probe.probe(name)
    assert answer["name"] == name
    assert answer["purpose"] == catalog.backend(name).purpose
    if answer["available"]:
        assert answer["devices"]
        assert answer["about"]
    else:
        assert _one_line(answer)


def test_an_unknown_backend_is_the_askers_mistake() -> None:
    with pytest.raises(UnknownNameError, match="numpy"):
        probe.probe("nunpy")
    done = subprocess.run(
        [sys.executable, "-m", "lar.probe", "nunpy"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 64
    assert done.stdout == ""
    assert "Did you mean numpy" in done.stderr


def test_a_made_up_backend_is_found_through_this_processs_path(adapters: Any) -> None:
    adapters("fine")
    answer = probe.probe("fine")
    assert answer["available"], answer["reason"]
    assert answer["about"] == {"made-up": "1.0"}


def test_what_a_library_prints_does_not_spoil_the_answer(adapters: Any) -> None:
    adapters("chatty", available="print('hello'); os.write(1, b'from C\\n'); os.system('echo from a program')")
    assert probe.probe("chatty")["available"]


def test_a_file_in_the_working_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "psutil.py").write_text("raise SystemExit('imported from the working folder')")
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    assert probe.probe("numpy")["available"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"available": "return 'no such card: buy one'"}, "no such card: buy one"),
        ({"available": "os.abort()"}, "SIGABRT"),
        ({"opening": "os.abort()"}, "SIGABRT"),
        ({"opening": "os.kill(os.getpid(), 11)"}, "SIGSEGV"),
        ({"opening": "os._exit(3)"}, "exit code 3"),
        ({"opening": "os._exit(0)"}, "without an answer"),
        ({"opening": "os.write(2, b'first\\nthe driver is too old\\n'); os._exit(1)"}, "the driver is too old"),
        ({"opening": "raise OSError('no\\nroom')"}, "OSError: no room"),
        ({"available": "raise RuntimeError('bad')"}, "RuntimeError: bad"),
        ({"wrong": "+ 1"}, "gave"),
    ],
)
def test_what_goes_wrong_is_one_line(adapters: Any, how: dict[str, str], said: str) -> None:
    adapters("bad", **how)
    reason = _one_line(probe.probe("bad"))
    assert said in reason
    if "buy one" not in said:
        assert "pip install --force-reinstall 'lar[of-no-use]'" in reason


@pytest.mark.timeout(60)
def test_one_that_hangs_is_killed_with_all_that_it_started(adapters: Any, tmp_path: Path) -> None:
    # The grandchild holds the pipes open: were it to live, the answer would not come within the timeout.
    adapters(
        "hanging",
        opening=f"import subprocess, time; child = subprocess.Popen(['sleep', '90']); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); time.sleep(90)",
    )
    reason = _one_line(probe.probe("hanging", timeout_s=3))
    assert "3 s" in reason
    grandchild = int((tmp_path / "pid").read_text())
    status = Path(f"/proc/{grandchild}/status")
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_ceilings_come_with_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path))
    answer = probe.probe("numpy", with_ceilings=True)
    limits = from_dict(answer["ceilings"])
    assert limits is not None
    assert limits.threads == 1
    (saved,) = (tmp_path / "ceilings").iterdir()
    assert from_dict(json.loads(saved.read_text())) == limits


def test_an_accelerators_ceilings_are_measured_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lar import ceilings, ceilings_backend

    sizes: list[str] = []
    limits = ceilings.Ceilings("card-0123", ceilings.ACCELERATOR, ((1, 2.0),), ((1, 3.0),), {"f32": 4.0, "u8": 5.0})

    def measure(backend: Any) -> ceilings.Ceilings:
        sizes.append(backend.device)
        return limits

    backend = catalog.backend("numpy")()
    backend.device = "cuda:0"
    monkeypatch.setenv("LAR_CACHE", str(tmp_path))
    monkeypatch.setattr(ceilings_backend, "measure_backend", measure)
    assert probe._ceilings(backend) == limits
    assert probe._ceilings(backend) == limits
    assert sizes == ["cuda:0", "cuda:0"]
    assert len(list((tmp_path / "ceilings").iterdir())) == 1
