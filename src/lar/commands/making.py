"""What `new` and `check` do: make a target, and look at how well one is made."""

from pathlib import Path

from lar import catalog, examination, scaffold
from lar.commands.common import mount, say
from lar.contracts import Exit
from lar.progress import Progress


def new(name: str, like: str | None, folder: Path | None) -> Exit:
    """Make a target; print its files and what to do next."""
    mount([folder] if folder is not None and folder.is_dir() else [])
    made = scaffold.create(name, like=like, folder=folder)
    where = f" --targets {folder}" if folder is not None else ""
    lines = [*map(str, made), "", "Next:", f"  lar check {name}{where}", f"  lar bench {name}{where} --quick"]
    say("\n".join([*lines, f"  lar trial {name}{where} --backend numpy"]))
    return Exit.DONE


def check(name: str, backends: str, folder: Path | None, *, as_json: bool) -> Exit:
    """Examine a target; print what passes and what does not."""
    mount([folder] if folder is not None else [])
    chosen = None if backends == "all" else backends.split(",")
    for one in chosen or []:
        catalog.backend(one)
    with Progress(f"checking {name}") as progress:
        report = examination.examine(name, chosen, progress.tell)
    say(report.to_json() if as_json else examination.render(report))
    return report.exit_code
