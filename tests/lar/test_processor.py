"""What is read of the processor, on systems that tell little or spell it differently."""

from pathlib import Path

import pytest

from lar import processor

X86 = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC 9V74 80-Core Processor
stepping\t: 1
flags\t\t: fpu sse4_2 avx2 fma avx512f avx512_vbmi2 avx512vbmi unheard_of

processor\t: 1
model name\t: another
"""
ARM = """\
processor\t: 0
Features\t: fp asimd asimddp sve
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""


def _cache(home: Path, index: int, level: str, kind: str, size: str) -> None:
    folder = home / "cache" / f"index{index}"
    folder.mkdir(parents=True)
    for name, text in (("level", level), ("type", kind), ("size", size)):
        (folder / name).write_text(text + "\n")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(processor, "_CPU0", tmp_path / "cpu0")
    return tmp_path


def test_x86(system: Path) -> None:
    (system / "cpuinfo").write_text(X86)
    _cache(system / "cpu0", 0, "1", "Data", "32K")
    _cache(system / "cpu0", 1, "1", "Instruction", "32K")
    _cache(system / "cpu0", 2, "2", "Unified", "1024K")
    (system / "cpu0" / "cpufreq").mkdir()
    (system / "cpu0" / "cpufreq" / "scaling_governor").write_text("powersave\n")
    facts = processor.describe()
    assert facts["model"] == "AMD EPYC 9V74 80-Core Processor"
    assert (facts["vendor"], facts["family"], facts["model_number"]) == ("AuthenticAMD", "25", "17")
    assert facts["features"] == ["sse4.2", "fma", "avx2", "avx512f", "avx512vbmi", "avx512vbmi2"]
    assert facts["caches"] == {"l1d": 32 << 10, "l1i": 32 << 10, "l2": 1 << 20}
    assert facts["governor"] == "powersave"


def test_arm(system: Path) -> None:
    (system / "cpuinfo").write_text(ARM)
    facts = processor.describe()
    assert (facts["implementer"], facts["part"]) == ("0x41", "0xd40")
    assert facts["features"] == ["neon", "dotprod", "sve"]
    assert "model" not in facts


def test_what_the_system_does_not_tell_is_absent(system: Path) -> None:
    (system / "cpuinfo").write_text(ARM)
    facts = processor.describe()
    assert facts["caches"] == {}
    assert "governor" not in facts


def test_without_proc_llvm_tells_the_features(system: Path) -> None:
    from llvmlite import binding

    has = {name for name, there in binding.get_host_cpu_features().items() if there}
    assert {"avx2", "neon"} & set(processor.describe()["features"]) == {"avx2", "neon"} & has
    assert not (system / "cpuinfo").exists()


def test_linux_and_llvm_agree_about_this_processor() -> None:
    if not processor._CPUINFO.exists():
        pytest.skip("this system has no /proc/cpuinfo")
    from llvmlite import binding

    llvm = binding.get_host_cpu_features()
    told = processor.describe()["features"]
    for name in ("avx2", "fma", "avx512f", "avx512bw", "avx512vbmi", "neon"):
        if name in llvm:
            assert (name in told) == llvm[name], name
