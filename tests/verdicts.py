"""What tests of the oracle share."""

from lar.contracts import Verdict


def refused(verdict: Verdict, kind: str) -> str:
    """Assert that a verdict refuses for `kind`; return its message."""
    assert not verdict.passed
    assert verdict.failure is not None
    assert verdict.failure.kind == kind, verdict.failure
    assert verdict.failure.case == "case"
    assert "\n" not in verdict.failure.message
    return verdict.failure.message
