"""The command as a newcomer runs it: from a bare checkout, on small inputs, with every wrong word it may be given."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from tests.workers import write_kernel

from lar.report import document

ROOT = Path(__file__).parents[2]
GUESTS = ROOT / "tests" / "guests"
AXPY = ("bench", "shift", "--targets", str(GUESTS), "--scale", "small", "--quick")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def lar(cache: Path, tmp_path: Path):  # type: ignore[no-untyped-def]  # a function of words
    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LAR_")}
        env = clean | {"PYTHONPATH": str(ROOT / "src"), "LAR_CACHE": str(cache)} | environment
        command = [sys.executable, "-m", "lar", *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False)

    return run


def block(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def test_bench_prints_the_block_on_stdout_and_nothing_on_stderr(lar) -> None:  # type: ignore[no-untyped-def]
    done = lar(*AXPY, "--backend", "numpy")
    assert (done.returncode, done.stderr) == (0, "")
    found = block(done.stdout)
    assert found["correctness"].startswith("pass")
    assert found["backend"] == "numpy"
    assert float(found["geomean_ns_per_query"]) > 0


def test_json_goes_to_stdout_and_to_a_file_and_is_valid(lar, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = lar(*AXPY, "--backend", "numpy", "--json", "--out", "found.json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    jsonschema.validate(told, document.schema())
    assert told == json.loads((tmp_path / "found.json").read_text())
    assert told["outcomes"][0]["target"] == "shift"


def test_several_backends_print_a_block_each_and_a_comparison(lar) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("jax")
    done = lar(*AXPY, "--backend", "numpy,jax")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("correctness: pass") == 2
    assert "comparison of shift" in done.stdout
    assert "x portable NumPy" in done.stdout


def test_a_wrong_kernel_ends_with_2_and_says_where(lar, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = (GUESTS / "shift" / "portable.py").read_text().replace("query * 2", "query * 3")
    done = lar(*AXPY, "--backend", "numpy", "--kernel", str(write_kernel(tmp_path, source)))
    assert done.returncode == 2
    assert block(done.stdout)["correctness"].startswith("fail (incorrect: value case=uniform/1 index=[0] got=")


def test_an_exhausted_budget_ends_with_3(lar, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = (
        (GUESTS / "shift" / "portable.py")
        .read_text()
        .replace("    return (", "    import time; time.sleep(30)\n    return (")
    )
    done = lar(*AXPY, "--backend", "numpy", "--kernel", str(write_kernel(tmp_path, source)), "--time-budget", "3")
    assert done.returncode == 3


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="this machine has an NVIDIA device")  # noqa: PTH110
def test_cupy_without_a_gpu_ends_with_4_in_one_line(lar) -> None:  # type: ignore[no-untyped-def]
    done = lar(*AXPY, "--backend", "cupy")
    assert (done.returncode, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("lar: backend cupy is not available: ")
    assert "install" in line


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="this machine has an NVIDIA device")  # noqa: PTH110
@pytest.mark.parametrize("how", ["flag", "variable"])
def test_a_fallback_is_said_in_the_block_and_in_json(lar, how: str) -> None:  # type: ignore[no-untyped-def]
    words, environment = ((("--fallback",), {}), ((), {"LAR_FALLBACK": "1"}))[how == "variable"]
    done = lar(*AXPY, "--backend", "cupy", *words, "--out", "o.json", "--json", **environment)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["outcomes"]
    assert (one["requested_backend"], one["backend"]) == ("cupy", "numpy")
    text = lar(*AXPY, "--backend", "cupy", *words, **environment).stdout
    assert "backend: numpy (requested cupy, not available here)" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bench", "pql2"), "Did you mean pq-l2"),
        (("bench", "pq-l2", "--backend", "numpi"), "Did you mean numpy"),
        (("bench", "pq-l2", "--backend", "strict"), "is not timed"),
        (("bench", "pq-l2", "--scale", "huge"), "expect one of small, standard, large"),
        (("bench", "pq-l2", "--nq", "one"), "expect whole numbers"),
        (("bench", "pq-l2", "--backend", "numpy", "--kernel", "nowhere.py"), "no such file"),
        (("bench", "pq-l2", "--targets", "nowhere"), "no such folder"),
        (("bench", "pq-l2", "--out", "nowhere/o.json", "--backend", "numpy"), "does not exist"),
        (("bench", "pq-l2", "--bakend", "numpy"), "No such option"),
        (("bench",), "Missing argument"),
        (("brew",), "No such command"),
    ],
)
def test_wrong_words_end_with_64_and_one_clear_line(lar, words: tuple[str, ...], said: str) -> None:  # type: ignore[no-untyped-def]
    done = lar(*words)
    assert done.returncode == 64
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_targets_and_backends_list_what_there_is(lar) -> None:  # type: ignore[no-untyped-def]
    targets = json.loads(lar("targets", "--json", "--targets", str(GUESTS)).stdout)
    assert {"axpy", "pq-l2"} <= {one["name"] for one in targets}
    assert "portable" in lar("targets").stdout
    backends = {one["name"]: one for one in json.loads(lar("backends", "--json").stdout)}
    assert backends["numpy"]["available"] is True
    assert all(one["available"] or one["reason"] for one in backends.values())


def test_help_needs_no_array_library_and_no_rich(lar) -> None:  # type: ignore[no-untyped-def]
    loaded = "import sys\nsys.argv = ['lar', '--help']\n"
    loaded += "try:\n    from lar.cli import main; main()\nexcept SystemExit: pass\n"
    loaded += "print([m for m in ('numpy', 'numba', 'jax', 'rich', 'psutil') if m in sys.modules])"
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", loaded], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(lar) -> None:  # type: ignore[no-untyped-def]
    from lar import __version__

    assert lar("--version").stdout == f"lar {__version__}\n"


def test_a_built_wheel_does_what_the_checkout_does(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    env = os.environ | {"PYTHONPATH": str(site), "LAR_CACHE": str(cache)}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "lar", *words]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=True)
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import lar.targets.pq_l2 as p; print(p.__file__)"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    kernels = {one["name"]: one["kernels"] for one in json.loads(run("targets", "--json"))}
    here = {path.stem for path in (ROOT / "targets" / "pq_l2" / "tuned").glob("*.py")}
    assert kernels["pq-l2"] == ["portable", *sorted(f"tuned/{name}" for name in here)]
    assert sorted(p.name for p in (site / "lar/targets/pq_l2/tuned").glob("*.cu*")) == sorted(
        p.name for p in (ROOT / "targets/pq_l2/tuned").glob("*.cu*")
    )
    found = json.loads(
        run(
            "bench",
            "pq-l2",
            "--backend",
            "numpy",
            "--kernel",
            "portable",
            "--scale",
            "small",
            "--quick",
            "--nq",
            "1",
            "--json",
        )
    )
    jsonschema.validate(found, document.schema())
    assert found["outcomes"][0]["status"] == "ok"
    assert block(run(*AXPY, "--backend", "numpy"))["correctness"].startswith("pass")


def test_a_terminal_sees_progress_on_stderr(tmp_path: Path, cache: Path) -> None:
    """Run under a pseudo-terminal: something is drawn on stderr, and stdout still holds the results alone."""
    import pty

    ours, theirs = pty.openpty()
    env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "LAR_CACHE": str(cache), "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "lar", *AXPY, "--backend", "numpy"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        drawn = b""
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed: the command has ended
                break
            if not part:
                break
            drawn += part
        assert process.stdout is not None
        printed = process.stdout.read()
    assert process.returncode == 0
    assert b"shift on numpy" in drawn
    assert b"timing" in drawn
    assert "shift on numpy" not in printed
    assert "correctness: pass" in printed
