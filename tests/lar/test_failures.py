"""What a worker says is told as far as it can be printed, and believed no further."""

import io
import json

import pytest

from lar import failures
from lar.contracts import Status
from lar.failures import KernelFailedError


def error_frame(kind: object, message: object = "told") -> bytes:
    return b"E" + json.dumps({"kind": kind, "message": message}).encode()


@pytest.mark.parametrize(
    ("kind", "status"),
    [("shape", Status.INCORRECT), ("alias", Status.INCORRECT), ("import", Status.CRASH), ("memory", Status.CRASH)],
)
def test_an_error_keeps_its_kind(kind: str, status: Status) -> None:
    error = failures.told(error_frame(kind), "case", opening=False)
    assert (error.status, error.failure.kind, error.failure.case) == (status, kind, "case")


def test_a_library_is_missing_only_before_there_is_a_kernel() -> None:
    assert failures.told(error_frame("missing"), None, opening=True).status is Status.UNAVAILABLE
    assert failures.told(error_frame("missing"), None, opening=False).failure.kind == "protocol"


@pytest.mark.parametrize("kind", ["forged", "nothing", None, 7, ["type"]])
def test_an_error_of_no_known_kind_is_a_cheat(kind: object) -> None:
    if isinstance(kind, list):
        kind = json.dumps(kind)
    error = failures.told(error_frame(kind), None, opening=False)
    assert (error.status, error.failure.kind) == (Status.CHEAT, "protocol")


def test_a_message_is_one_short_line_without_control_characters() -> None:
    sly = "\x1b[2J\x1b]0;title\x07 one\n\ttwo \u202e three" + "x" * 10_000
    message = failures.told(error_frame("exception", sly), None, opening=False).failure.message
    assert message.isprintable()
    assert "one two" in message
    assert len(message) <= 500


@pytest.mark.parametrize("frame", [b"", b"K", b"K[]", b"Knull", b"K" + b"[" * 50_000, b"D{}", b"K{", b"K\xff"])
def test_a_frame_that_is_no_answer_is_a_cheat(frame: bytes) -> None:
    with pytest.raises(KernelFailedError) as caught:
        failures.reply(frame, b"K", "case")
    assert (caught.value.status, caught.value.failure.kind) == (Status.CHEAT, "protocol")


@pytest.mark.parametrize("value", [None, True, -1, 1.0, "1", 1 << 63, [1], {}])
def test_a_number_is_a_natural_number(value: object) -> None:
    with pytest.raises(KernelFailedError):
        failures.number({"calls": value}, "calls", None)
    assert failures.number({"calls": 3}, "calls", None) == 3


@pytest.mark.parametrize(
    ("code", "kind", "word"), [(-9, "signal", "SIGKILL"), (139, "signal", "SIGSEGV"), (3, "exit", "3")]
)
def test_an_end_is_told_by_its_code_and_the_last_words(code: int, kind: str, word: str) -> None:
    error = failures.ended(code, io.BytesIO(b"first\nlast \x1b[31mwords\n"), "case")
    assert (error.status, error.failure.kind) == (Status.CRASH, kind)
    assert word in error.failure.message
    assert error.failure.message.endswith("last [31mwords")


def test_a_code_that_is_no_signals_is_a_code() -> None:
    assert failures.ended(250, io.BytesIO(b""), None).failure.kind == "exit"
    assert failures.ended(128 + 63, io.BytesIO(b""), None).failure.kind == "exit"
