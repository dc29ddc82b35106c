"""Who may import whom: downward only, never sideways, and optional libraries in adapters and tuned kernels alone."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# From the ground up; a module imports what stands before it, or beside it within its own floor where it is named there.
FLOORS: list[set[str]] = [
    {"contracts", "errors", "_checkout", "trees"},
    {"ops", "stats", "sampling", "oracle", "simd", "pq", "forms", "growth"},
    {"ratios"},
    {"soundness"},
    {"gate"},
    {"backends", "targets"},
    {"catalog", "cache", "channel", "clock", "complaints", "nvidia", "processor", "vector_loops", "machine"},
    {"processes", "quota", "walls", "isolation", "tampering", "failures", "journal", "locks", "launch"},
    {"child", "conversation", "gathering", "ceilings", "ceilings_cpu", "ceilings_backend", "datasets", "probe"},
    {"exchange", "chores"},
    {"worker", "supervisor"},
    {"questions", "recorded", "arrays", "footprint"},
    {"checking", "timing", "figures"},
    {"bench", "doctor", "worktree", "snapshots"},
    {"pairing", "priming", "slots"},
    {"arms", "records"},
    {"null", "trial"},
    {"scaffold", "examination"},
    {"progress", "commands"},
    {"cli", "__main__"},
]
PURE = {"ops", "pq", "stats", "sampling", "oracle", "forms", "growth", "ratios", "soundness", "gate"}
ONLY_IN_ADAPTERS = {"jax", "cupy", "torch", "array_api_strict", "faiss"}


def _floor(name: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if name in floor)


def _imports(path: Path) -> set[str]:
    """Return the dotted names a file imports, relative ones resolved to `lar.`; those under TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "lar" else {node.module}
    return found


def _own(path: Path) -> list[str]:
    return sorted(name.split(".")[1] for name in _imports(path) if name.startswith("lar."))


def _modules() -> list[Path]:
    return sorted(p for p in (ROOT / "src" / "lar").rglob("*.py") if p.parent.name not in {"backends", "targets"})


def _name(path: Path) -> str:
    return path.relative_to(ROOT / "src" / "lar").with_suffix("").parts[0]


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_downward_only(path: Path) -> None:
    name = _name(path)
    if name == "__init__":
        assert not _own(path)
        return
    if name == "report":
        assert set(_own(path)) <= {"contracts", "report"}
        return
    for other in _own(path):
        if other not in {name, "report", "__version__"}:
            assert _floor(other) <= _floor(name), f"{name} imports {other}, which stands above it"
        if other == "report":
            assert name == "commands", f"{name} shows outcomes; only commands may"


@pytest.mark.parametrize("name", sorted(PURE))
def test_the_pure_floor_has_no_clock_no_files_no_processes(name: str) -> None:
    paths = [p for p in _modules() if _name(p) == name]
    assert paths
    for path in paths:
        assert not _imports(path) & {"time", "os", "pathlib", "subprocess", "socket", "random", "tempfile"}, path


def test_only_adapters_and_tuned_kernels_import_an_array_library() -> None:
    allowed = {ROOT / "src" / "lar" / "ops.py", *(ROOT / "src" / "lar" / "ops").glob("*.py")}
    for path in [*_modules(), *(ROOT / "targets").rglob("*.py")]:
        used = {name.split(".")[0] for name in _imports(path)} & ONLY_IN_ADAPTERS
        if path.parent.name == "tuned":
            assert used <= {path.stem}, f"{path} belongs to {path.stem}"
        elif path not in allowed:
            assert not used, f"{path} imports {used}"


def test_targets_do_not_import_each_other_nor_the_harness() -> None:
    allowed = {"contracts", "errors", "forms", "growth", "ops", "pq", "sampling", "simd", "trees", "targets"}
    for path in (ROOT / "targets").rglob("*.py"):
        for name in _imports(path):
            if name.startswith("lar."):
                assert name.split(".")[1] in allowed, f"{path} imports {name}"
            if name.startswith("lar.targets."):
                own = path.relative_to(ROOT / "targets").parts[0]
                assert name.split(".")[2] == own, f"{path} imports {name}"


def test_backends_import_only_the_contracts_and_their_own_library() -> None:
    for path in (ROOT / "backends").glob("*.py"):
        for name in _imports(path):
            if name.startswith("lar."):
                assert name.split(".")[1] in {"contracts", "errors", "trees"} or name.startswith("lar.backends._"), (
                    f"{path} imports {name}"
                )


def test_portable_kernels_contain_no_backend_test() -> None:
    for path in (ROOT / "targets").glob("*/portable.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        kinds = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "kind"}
        assert not (names | attributes) & {"__name__", "isinstance", "numpy", "jax", "cupy", "torch"}, path
        assert not any(kind.endswith("dtype.kind") for kind in kinds), path  # a dtype is compared as it is
