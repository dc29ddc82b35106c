"""What a rule gives can be opened, and nothing else."""

import sys
from pathlib import Path

import pytest
from tests.processes import in_a_process

from lar.walls import basics, landlock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")


LANDLOCKED = """
from lar.walls import basics, landlock
root = pathlib.Path(sys.argv[1])
basics.prctl(basics.PR_SET_NO_NEW_PRIVS, 1)
given = {"read": landlock.READ, "look": landlock.LOOK, "write": landlock.WRITE, "read/file": landlock.READ}
rules = [(str(root / name), rights) for name, rights in given.items()] + [(str(root / "missing"), landlock.READ)]
said = landlock.restrict(rules)
def tried(what):
    try:
        what()
        return True
    except OSError:
        return False
print(json.dumps({
    "said": said,
    "read": tried((root / "read" / "file").read_text),
    "list read": tried(lambda: os.listdir(root / "read")),
    "write read": tried(lambda: (root / "read" / "file").write_text("x")),
    "make in read": tried(lambda: (root / "read" / "new").write_text("x")),
    "list look": tried(lambda: os.listdir(root / "look")),
    "read look": tried((root / "look" / "file").read_text),
    "write": tried(lambda: (root / "write" / "new").write_text("x")),
    "read written": tried((root / "write" / "new").read_text),
    "folder": tried((root / "write" / "folder").mkdir),
    "move": tried(lambda: (root / "write" / "new").rename(root / "write" / "folder" / "moved")),
    "move out": tried(lambda: (root / "write" / "folder" / "moved").rename(root / "read" / "moved")),
    "outside": tried((root / "file").read_text),
    "list outside": tried(lambda: os.listdir(root)),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
}))
"""


@pytest.fixture
def landlock_here() -> None:
    try:
        landlock.version()
    except OSError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("landlock_here")
def test_landlock_gives_what_a_rule_says_and_nothing_else(tmp_path: Path) -> None:
    for name in ("read", "look", "write"):
        (tmp_path / name).mkdir()
    for name in ("file", "read/file", "look/file"):
        (tmp_path / name).write_text("x")
    found = in_a_process(LANDLOCKED, tmp_path)
    assert found.pop("said").startswith("on (version ")
    allowed = {"read", "list read", "list look", "write", "read written", "folder"}
    allowed |= {"move"} if landlock.version() >= 2 else set()
    assert {name for name, worked in found.items() if worked} == allowed


def test_without_landlock_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def syscall(self, *_: object) -> int:
            return -1

    monkeypatch.setattr(landlock, "LIBC", Old())
    assert basics.attempt(lambda: landlock.restrict([])).startswith("absent: ")
