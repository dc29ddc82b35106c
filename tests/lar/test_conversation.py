"""Everything that a worker says out of turn, or makes up, is refused by name."""

import json
from pathlib import Path

import pytest
from tests.workers import HONEST, ended, in_run

from lar.contracts import Status

SENDER = """
import os, socket, threading, time
names = [f"/proc/self/fd/{f}" for f in range(3, 64) if os.path.exists(f"/proc/self/fd/{f}")]
link = int(next(name for name in names if "socket" in os.readlink(name)).rpartition("/")[2])
sender = socket.socket(fileno=os.dup(link))
"""
FRAMES = {
    "before the answer": "sender.send(b'D' + bytes(28))",
    "after the answer": "threading.Timer(0.05, sender.send, (b'K{}',)).start()",
    "two answers": "sender.send(b'P')",
    "deep": "sender.send(b'K' + b'[' * 100_000)",
    "no object": "sender.send(b'K[]')",
    "an error of no kind": 'sender.send(b\'E{"kind": "missing", "message": ""}\')',
    "empty": "sender.send(b'X')",
}


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_a_frame_that_was_not_asked_for_is_a_cheat(tmp_path: Path, name: str) -> None:
    error = ended(tmp_path, SENDER + in_run(FRAMES[name] + ("; time.sleep(0.1)" if "after" in name else "")))
    assert (error.status, error.failure.kind) == (Status.CHEAT, "protocol")


PREPARE = "    return {"


@pytest.mark.parametrize(
    "said", ["{}", '{"prepare_ns": -1}', '{"prepare_ns": true}', '{"prepare_ns": "9"}', '{"prepare_ns": 1e9}']
)
def test_an_answer_made_up_is_a_cheat(tmp_path: Path, said: str) -> None:
    source = SENDER + HONEST.replace(PREPARE, f"    sender.send(b'K' + {said!r}.encode())\n{PREPARE}")
    error = ended(tmp_path, source)
    assert (error.status, error.failure.kind) == (Status.CHEAT, "protocol")


def test_a_kernel_cannot_say_which_walls_stand(tmp_path: Path) -> None:
    forged = json.dumps({"device": "cuda:0", "about": {}, "isolation": {"seccomp": "on"}})
    error = ended(tmp_path, SENDER + f"sender.send(b'K' + {forged!r}.encode())\n" + HONEST)
    assert (error.status, error.failure.kind) == (Status.CHEAT, "protocol")
