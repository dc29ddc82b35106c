"""What a figure is filed under, and what is read of a process from outside."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lar import machine, nvidia, processor

GPU = {"index": 0, "name": "NVIDIA H200", "uuid": "GPU-0a", "memory_bytes": 150754820096, "compute_capability": "9.0"}


@pytest.fixture
def child() -> Any:
    """Start a Python process that runs a script line by line; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-c", script]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _next(process: subprocess.Popen[str]) -> None:
    """Let the child take its next step, and wait until it says that it has."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def test_environment_is_jsonable_and_says_what_figures_depend_on() -> None:
    facts = machine.environment()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["processor"]["architecture"]
    assert facts["processor"]["cores_logical"] >= 1
    assert 0 < facts["memory"]["available_bytes"] <= facts["memory"]["total_bytes"]
    assert facts["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "numba", "llvmlite"} <= facts["libraries"].keys()


def test_environment_imports_no_array_library() -> None:
    script = (
        "import sys; from lar import machine; machine.environment(); machine.device_fingerprint('cpu');"
        "print({'numpy', 'numba', 'jax', 'cupy', 'torch'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "set()\n"


def test_environment_has_no_gpu_where_no_driver_tells_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "describe", dict)
    assert "nvidia" not in machine.environment()


def test_blas_is_numpys_own_record() -> None:
    import numpy as np

    assert np.__version__
    blas = machine._blas()
    assert blas is not None
    assert blas.split()[0] in str(np.show_config(mode="dicts"))


def test_git_names_the_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "HARNESS.md").write_text("rules\n")
    assert machine._git(tmp_path) is None, "a folder that is no checkout has no commit, whatever surrounds it"
    subprocess.run([*git, "init", "-q"], check=True)
    assert machine._git(tmp_path) == {"dirty": True}
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert machine._git(tmp_path) == {"commit": head, "dirty": False}
    (tmp_path / "HARNESS.md").write_text("other rules\n")
    assert machine._git(tmp_path) == {"commit": head, "dirty": True}


def test_fingerprint_is_of_the_model_and_not_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"architecture": "x86_64", "model": "AMD EPYC 9V74 (80-Core)", "family": "25", "model_number": "17"}
    facts |= {"features": ["avx2"], "caches": {"l3": 1 << 25}}  # type: ignore[dict-item]  # as describe() returns them
    monkeypatch.setattr(processor, "describe", lambda: {**facts, "governor": "powersave", "cores_logical": 8})
    first = machine.device_fingerprint("cpu")
    assert first.startswith("amd-epyc-9v74-80-core-25.17-")
    assert set(first) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    monkeypatch.setattr(processor, "describe", lambda: {**facts, "governor": "performance"})
    assert machine.device_fingerprint("cpu") == first
    monkeypatch.setattr(processor, "describe", lambda: {**facts, "features": ["avx2", "avx512f"]})
    assert machine.device_fingerprint("cpu") != first


def test_fingerprint_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**GPU, "index": 1, "uuid": "GPU-1b", "name": "NVIDIA L4", "memory_bytes": 24 << 30}
    monkeypatch.setattr(nvidia, "describe", lambda: {"driver": "580.1", "gpus": [GPU, other]})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    first, second = machine.device_fingerprint("cuda:0"), machine.device_fingerprint("cuda:1")
    assert first.startswith("nvidia-h200-")
    assert second.startswith("nvidia-l4-")
    assert machine.device_fingerprint("cuda") == first
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert machine.device_fingerprint("cuda:0") == second
    monkeypatch.setattr(nvidia, "describe", lambda: {"driver": "590.2", "gpus": [{**GPU, "uuid": "GPU-2c"}]})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert machine.device_fingerprint("cuda:0") == first, "another one of the same model, under another driver"


def test_fingerprint_of_an_unknown_accelerator_is_not_the_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "describe", dict)
    names = {machine.device_fingerprint(device) for device in ("cpu", "cuda:0", "xpu:0")}
    assert len(names) == 3


_SIZE = 256 << 20
_MAPPER = f"""
import ctypes, mmap, sys
def step(): sys.stdin.readline()
step(); print("done")
step(); memory = mmap.mmap(-1, {_SIZE}); print("done")
step(); ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 1, {_SIZE}); print("done")
step(); print("done")
step()
"""


_HOLDER = f"""
import sys
for size in (0, {_SIZE}, 0):
    sys.stdin.readline()
    held = b"1" * size
    print("done")
sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a high-water mark that can be read")
def test_rss_peak_counts_memory_that_was_touched_and_no_other(child: Any) -> None:
    process = child(_MAPPER)
    _next(process)
    before = machine.rss_peak(process.pid)
    _next(process)
    mapped = machine.rss_peak(process.pid)
    assert psutil.Process(process.pid).memory_info().vms > _SIZE
    assert mapped - before < _SIZE // 8, "reserved memory was counted: this is VmPeak"
    _next(process)
    assert _SIZE <= machine.rss_peak(process.pid) - before < _SIZE + _SIZE // 8


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a high-water mark that can be read")
def test_rss_peak_does_not_fall_when_memory_is_given_back(child: Any) -> None:
    process = child(_HOLDER)
    _next(process)
    _next(process)
    high = machine.rss_peak(process.pid)
    _next(process)
    assert psutil.Process(process.pid).memory_info().rss < high - _SIZE // 2
    assert machine.rss_peak(process.pid) >= high - (1 << 20)  # the kernel counts per core and adds up now and then


def test_rss_peak_without_proc_is_what_is_resident(child: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process = child("import sys; sys.stdin.readline(); print('done'); sys.stdin.readline()")
    _next(process)
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    assert machine.rss_peak(process.pid) == psutil.Process(process.pid).memory_info().rss


_WORKER = """
import sys, time
sys.stdin.readline(); print("done")
sys.stdin.readline()
began = time.process_time()
{work}
print("done")
sys.stdin.readline()
"""
_BUSY = _WORKER.format(work="while time.process_time() - began < 0.3: pass")
_IDLE = _WORKER.format(work="time.sleep(0.3)")


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_process_cpu_tells_a_busy_process_from_an_idle_one(
    child: Any, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    used = []
    for process in (child(_BUSY), child(_IDLE)):
        _next(process)
        before = machine.process_cpu_ns(process.pid)
        _next(process)
        used.append(machine.process_cpu_ns(process.pid) - before)
    assert used[0] >= 0.28e9
    assert used[1] < 0.1e9


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere psutil's clock is a coarse one")
def test_process_cpu_is_the_clock_that_the_process_itself_reads() -> None:
    before = time.process_time_ns()
    told = machine.process_cpu_ns(os.getpid())
    assert before <= told <= time.process_time_ns()


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
@pytest.mark.parametrize("ask", [machine.process_cpu_ns, machine.rss_peak])
def test_a_process_that_has_ended_is_said_to_have(
    ask: Any, platform: str, child: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    process = child("pass")
    process.communicate()
    if platform == "darwin":
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(machine, "_PROC", tmp_path)
    with pytest.raises(ProcessLookupError, match=str(process.pid)):
        ask(process.pid)


def test_clock_noise_is_positive_and_ordered() -> None:
    noise = machine.clock_noise(repeats=20, spin_ns=200_000)
    assert json.loads(json.dumps(noise)) == noise
    assert noise["resolution_ns"] > 0
    assert noise["overhead_ns"] > 0
    assert noise["spin_ns"] > 10 * noise["overhead_ns"]
    for clock in ("wall", "cpu"):
        assert 0 <= noise[clock]["median"] <= noise[clock]["p95"]


def test_spread_is_relative_to_the_fastest() -> None:
    assert machine._spread([100] * 90 + [150] * 10) == {"median": 0.0, "p95": 0.5}
    assert machine._spread([200, 100, 110]) == {"median": pytest.approx(0.1), "p95": pytest.approx(0.1)}


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system keeps no scheduler statistics")
def test_run_delay_grows_while_another_has_the_core_and_not_asleep() -> None:
    core = str(max(os.sched_getaffinity(0)))
    spin = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); print(flush=True)\nwhile True: pass"
    sleep = spin.replace("while True: pass", "import time; time.sleep(60)")
    commands = [[sys.executable, "-c", code, core] for code in (spin, spin, sleep)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    try:
        for one in started:
            assert one.stdout is not None
            one.stdout.readline()
        before = [machine.run_delay_ns(one.pid) for one in started]
        time.sleep(0.5)
        grown = [machine.run_delay_ns(one.pid) - a for one, a in zip(started, before, strict=True)]
    finally:
        for one in started:
            one.kill()
            one.communicate()
    assert min(grown[:2]) > 100_000_000
    assert grown[2] < 50_000_000
    with pytest.raises(ProcessLookupError):
        machine.run_delay_ns(2**22 + 1)
