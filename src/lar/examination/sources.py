"""What can be said of a kernel from its source alone: what it imports, what it asks for, how it is called."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = frozenset({"numpy", "jax", "cupy", "torch", "numba", "array_api_strict", "array_api_compat"})
_TELLING_ATTRIBUTES = frozenset({"__name__", "__module__", "__version__", "__file__"})
_TELLING_CALLS = frozenset({"isinstance", "issubclass", "hasattr", "getattr", "type"})


@dataclass(frozen=True)
class Signature:
    """How a function is called: its parameters in order, the keywords it needs, those it has defaults for."""

    positional: tuple[str, ...]
    needed: frozenset[str]
    optional: frozenset[str]


def names(path: Path) -> set[str]:
    """Return what a module binds at its top level."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def signature(path: Path, function: str) -> Signature | None:
    """Return the signature of a function written in a module; None where it is not a plain function there."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            arguments = node.args
            keywords = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
            return Signature(
                tuple(one.arg for one in (*arguments.posonlyargs, *arguments.args)),
                frozenset(one.arg for one, default in keywords if default is None),
                frozenset(one.arg for one, default in keywords if default is not None),
            )
    return None


def uses(path: Path, package: str) -> bool:
    """Say whether a module imports a package, or a module of it."""
    dotted = {name for _, name in _imports(ast.parse(path.read_text(encoding="utf-8")))}
    return any(name == package or name.startswith(f"{package}.") for name in dotted)


def backend_tests(path: Path) -> list[str]:
    """Return where a module asks which library it runs on, one line each."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [(line, f"imports {name}") for line, name in _imports(tree) if name.split(".")[0] in LIBRARIES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _TELLING_ATTRIBUTES:
            found.append((node.lineno, f"asks for {node.attr}"))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TELLING_CALLS:
            found.append((node.lineno, f"calls {node.func.id}"))
        elif isinstance(node, ast.Attribute) and node.attr == "library":
            found.append((node.lineno, "asks `lar.ops` for the library"))
        elif isinstance(node, ast.Compare) and (LIBRARIES & set(_words(node))):
            found.append((node.lineno, "compares with the name of a library"))
    return [f"{path.name}:{line} {what}" for line, what in sorted(found)]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _words(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
