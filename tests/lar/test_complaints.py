"""What a kernel did wrong, as a kind and one line."""

import os

import pytest

from lar import complaints
from lar.complaints import WrongOutputError, bind, describe


@pytest.mark.parametrize(
    ("error", "importing", "kind"),
    [
        (WrongOutputError("shape", "a\nb"), False, "shape"),
        (MemoryError(), False, "memory"),
        (MemoryError(), True, "memory"),
        (ImportError("x"), True, "import"),
        (ValueError("x"), False, "exception"),
        (ValueError("assignment destination is read-only"), False, "mutated"),
        (ValueError("output array is read-only"), False, "mutated"),
        (TypeError("No matching definition for argument type(s) readonly array(float32, 1d, C)"), False, "exception"),
        (type("TypingError", (Exception,), {"__module__": "numba.core.errors"})("x"), False, "compile"),
        (type("CompileException", (Exception,), {"__module__": "cupy.cuda.compiler"})("x"), False, "compile"),
    ],
)
def test_every_error_has_its_kind_and_one_line(error: Exception, importing: bool, kind: str) -> None:
    found = describe(error, importing=importing)
    assert found["kind"] == kind
    assert "\n" not in found["message"]


def test_a_long_message_is_cut() -> None:
    assert len(describe(ValueError("x" * 10_000), importing=False)["message"]) < 500


def test_the_place_is_the_kernels_own() -> None:
    code = compile("def run():\n    return 1 / 0\n", "/somewhere/kernel.py", "exec")
    space: dict[str, object] = {}
    exec(code, space)
    with pytest.raises(ZeroDivisionError) as caught:
        space["run"]()  # type: ignore[operator]  # it is the function above
    assert "(/somewhere/kernel.py, line 2)" in describe(caught.value, importing=False)["message"]


def _raised(source: str, filename: str) -> dict[str, object]:
    space: dict[str, object] = {"WrongOutputError": WrongOutputError}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the source raises
        exec(compile(source, filename, "exec"), space)
    frames = caught.tb.tb_next  # in the worker, the frame that catches is the harness's own
    return describe(caught.value.with_traceback(frames), importing=False)


def test_a_kernel_that_raises_the_harnesss_own_error_raises_an_exception_like_others() -> None:
    source = "raise WrongOutputError('missing', 'no such device')"
    assert _raised(source, "/somewhere/kernel.py")["kind"] == "exception"
    package = os.path.dirname(complaints.__file__)  # noqa: PTH120 - as in a traceback
    assert _raised(source, f"{package}/targets/pq_l2/tuned/numpy.py")["kind"] == "exception"
    assert _raised(source, f"{package}/worker.py")["kind"] == "missing"


def test_an_exception_that_raises_when_it_is_described_is_described_all_the_same() -> None:
    source = "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E"
    told = _raised(source, "/somewhere/kernel.py")
    assert told["kind"] == "exception"
    assert "SystemExit" in str(told["message"])


@pytest.mark.parametrize(
    "function",
    [lambda xp, state, query, *, depth: None, lambda xp, state: None, lambda xp, state, query, extra, *, k: None],
)
def test_a_function_that_does_not_take_what_it_is_given_is_refused(function: object) -> None:
    with pytest.raises(WrongOutputError) as caught:
        bind(function, (1, 2, 3), {"k": 10})  # type: ignore[arg-type]  # a wrong one on purpose
    assert caught.value.kind == "signature"


def test_defaults_and_unknown_signatures_are_no_fault() -> None:
    bind(lambda xp, state, query, /, *, k, unroll=4: None, (1, 2, 3), {"k": 10})
    bind(os.stat, (1,), {})  # a builtin
