"""Names of targets: which are fit for one, and how one target's name becomes another's in the text of its files.

A name has two forms: ``pq-l2`` for people, ``pq_l2`` for Python and the file system. In Python code a name that is a
word of the program is Python's form; in strings, comments and prose it is the form it had there. What merely contains
the name (``pq-l2-u8``, ``pq_l2_on_cpu``) is something else, and stays.
"""

import io
import keyword
import re
import sys
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lar.errors import LarError

_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORDS_OF_COMMANDS = frozenset({"all", "auto"})
_LONGEST = 40


@dataclass(frozen=True)
class Name:
    """A target's name."""

    kebab: str

    @property
    def snake(self) -> str:
        """The name as Python and the file system have it."""
        return self.kebab.replace("-", "_")


def parse(name: str, taken: Sequence[str]) -> Name:
    """Return the name if a new target can have it.

    Parameters
    ----------
    name : str
        As typed.
    taken : sequence of str
        Names of targets and backends there are.

    Raises
    ------
    LarError
        Saying what is wrong with it, and what would do.
    """
    if not _FORM.fullmatch(name) or len(name) > _LONGEST:
        like = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:_LONGEST].rstrip("-") or "my-target"
        raise LarError(
            f"{name!r} is no name for a target. Expect lower-case letters, digits and single dashes, a letter first, "
            f"at most {_LONGEST}; for example {like}"
        )
    found = Name(name)
    if keyword.iskeyword(found.snake) or keyword.issoftkeyword(found.snake):
        raise LarError(f"{name!r} is a keyword of Python: choose another name, for example my-{name}")
    if found.snake in sys.stdlib_module_names:
        raise LarError(f"{name!r} is a module of Python's own library: choose another name, for example my-{name}")
    if name in _WORDS_OF_COMMANDS:
        raise LarError(f"{name!r} is a word of the command line: choose another name, for example my-{name}")
    if found.snake in {one.replace("-", "_") for one in taken}:
        raise LarError(f"there is a target or a backend {name!r} already: choose another name")
    return found


def renamed(path: Path, old: Name, new: Name) -> bytes:
    """Return the content of a file with one target's name in the place of the other's; what is no text as it is."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    return (_in_python(text, old, new) if path.suffix == ".py" else _in_prose(text, old, new)).encode("utf-8")


def _in_python(source: str, old: Name, new: Name) -> str:
    """Rename words of the program in Python's form, and everything else as prose."""
    lines = source.splitlines(keepends=True)
    words = [
        token.start
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.NAME and token.string == old.snake
    ]
    marker = "\0"  # cannot stand in a source file
    for row, column in reversed(words):
        line = lines[row - 1]
        lines[row - 1] = f"{line[:column]}{marker}{line[column + len(old.snake) :]}"
    return _in_prose("".join(lines), old, new).replace(marker, new.snake)


def _in_prose(text: str, old: Name, new: Name) -> str:
    if old.kebab != old.snake:
        # A module of that name elsewhere (bench.peers.pq_l2) stands for itself; within `targets` it is this one.
        text = re.sub(rf"(?<![\w.])(targets[./])?{old.snake}(?!\w)", rf"\g<1>{new.snake}", text)
        return re.sub(rf"(?<![\w-]){old.kebab}(?![\w-])", new.kebab, text)
    # One word is both forms: it is a path or a module behind `targets`, and what people type elsewhere.
    text = re.sub(rf"(?<!\w)(targets[./]){old.snake}(?!\w)", rf"\g<1>{new.snake}", text)
    return re.sub(rf"(?<![\w.-]){old.kebab}(?![\w-])", new.kebab, text)
