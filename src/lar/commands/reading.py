"""What a brief quotes from files, unread by Python: a target's definition, a backend's priors, a package's names."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

_PRIORS, _SECTION, _PART = "## Priors", "## ", "### "


def definition(home: Path) -> str:
    """Return the docstring of a target's package: inputs, outputs, layouts."""
    return ast.get_docstring(ast.parse((home / "__init__.py").read_text(encoding="utf-8"))) or ""


def priors_of(program: str, backend: str, others: list[str]) -> str:
    """Return a program without the priors of other backends.

    Parameters
    ----------
    program : str
        Text of a ``program.md``, whose priors have a part for each backend, called after it.
    backend : str
    others : list of str
        Backends whose parts are left out.
    """
    kept, within, shown = [], False, True
    for line in program.splitlines():
        if line.startswith(_SECTION):
            within, shown = line.startswith(_PRIORS), True
        elif within and line.startswith(_PART):
            name = line.removeprefix(_PART).split()[0].strip(":,").lower()
            shown = name == backend or name not in others
        if shown:
            kept.append(line)
    return "\n".join(kept)


def names_of(package: Path) -> str:
    """Return a package's docstring and its public functions, a line each: parameters, and what it returns."""
    house = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    lines = {name: line for path in package.glob("*.py") for name, line in _lines(path)}
    assigned = (node for node in house.body if isinstance(node, ast.Assign))
    public = next(ast.literal_eval(node.value) for node in assigned if _assigned(node) == "__all__")
    return "\n".join([ast.get_docstring(house) or "", "", *(lines[name] for name in public if name in lines)])


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the functions of a module by name; one that is made by another has its docstring behind it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node, after in pairwise([*body, ast.Pass()]):
        if isinstance(node, ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield node.name, f"- ``{node.name}({ast.unparse(node.args)})``: {_first(text)}"
        elif (name := _assigned(node)) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            yield name, f"- {_first(str(after.value.value))}"


def _first(text: str) -> str:
    """Return the first paragraph as one line."""
    return " ".join(text.partition("\n\n")[0].split())


def _assigned(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""
