"""An output held against the float64 reference.

1. A kernel's output is a list of plain NumPy arrays of the stated count, dtype and shape, to the letter: nothing is
   broadcast, cast or squeezed into fitting.
2. Integers and bytes are equal. Floats lie within `tolerance`: a few times the rounding that float32 sums of that
   length and size show in any order, which refuses half-precision intermediates and differences that cancel.
3. Every comparison asks whether a value is *right*, never whether it is wrong: any comparison with NaN is false, so NaN
   cannot pass, and no largest error skips it.
4. Of a top-k, the score of each returned id is computed anew, so garbage ids under right scores are refused; ids may
   differ from the reference's where, and only where, their scores are tied within the tolerance.
5. The first failure is told with its place and its numbers. A *truth* that contradicts itself is a defect of the
   target, and raises.

Source of the bound: Higham, Mary: A new approach to probabilistic rounding error analysis, 2019 (the sqrt(n));
``docs/oracle.md`` has its calibration.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lar.contracts import MAX_ABS_ERR, NO_ID, Bounded, Exact, Failure, HostArray, Ranked, Spec, Truth, Verdict

UNIT_ROUNDOFF = 2.0**-24
"""u of float32."""

MARGIN = 4.0
"""c of the rounding budget: measured, honest float32 ends at 1.5 and half precision begins at 28."""

SMALLEST_MAGNITUDE = 0.01
"""Magnitudes below it count as it: next to inputs of unit size, nearly nothing needs no relative accuracy."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def tolerance(magnitude: npt.ArrayLike, terms: int) -> Floats:
    """Return the largest absolute error that passes: ``min(4 sqrt(n) u max(S, 0.01), MAX_ABS_ERR max(1, S))``.

    Parameters
    ----------
    magnitude : array_like
        S: for each value, the sum of its terms' absolute values.
    terms : int
        n: length of the longest sum behind a value.
    """
    size = np.asarray(magnitude, np.float64)
    budget = MARGIN * math.sqrt(terms) * UNIT_ROUNDOFF * np.maximum(size, SMALLEST_MAGNITUDE)
    return np.minimum(budget, MAX_ABS_ERR * np.maximum(size, 1.0))


def errors(got: npt.ArrayLike, expected: npt.ArrayLike) -> Floats:
    """Return absolute errors: 0 where both are NaN or the same infinity, +inf where only one of them is."""
    with np.errstate(invalid="ignore"):  # signalling NaNs, and infinity minus itself, which `same` settles
        got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
        same = (got == expected) | (np.isnan(got) & np.isnan(expected))
        difference = np.abs(got - expected)
    return np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))


def max_abs_err(got: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the largest of `errors`, 0 for empty arrays."""
    return float(np.max(errors(got, expected), initial=0.0))


def stacked(specs: Sequence[Spec], calls: int) -> tuple[Spec, ...]:
    """Return the specs of the outputs of many calls, stacked along a new first axis as `Target.audit` has them."""
    return tuple(Spec((calls, *spec.shape), spec.dtype) for spec in specs)


def judge(truth: Truth, specs: Sequence[Spec], outputs: Any, case: str = "") -> Verdict:
    """Hold what a kernel returned against the truth.

    Parameters
    ----------
    truth : Exact, Bounded or Ranked
        What the reference says; its type chooses the comparison.
    specs : sequence of Spec
        Shape and dtype of each output.
    outputs : any
        What came back. Only a tuple or list of NumPy arrays of exactly these specs can pass.
    case : str
        Named in the failure.

    Returns
    -------
    Verdict
        With a largest error of +inf where the outputs could not be compared to the end.

    Raises
    ------
    ValueError
        If the truth does not fit the specs, or is not finite where it has to be.
    """
    failure = _form(specs, outputs)
    if failure is not None:
        verdict = Verdict(math.inf, failure)
    elif isinstance(truth, Exact):
        verdict = _exact(truth, specs, outputs)
    elif isinstance(truth, Bounded):
        verdict = _bounded(truth, specs, outputs)
    else:
        verdict = _ranked(truth, specs, outputs)
    if verdict.failure is not None:
        verdict = replace(verdict, failure=replace(verdict.failure, case=case))
    return verdict


def _form(specs: Sequence[Spec], outputs: Any) -> Failure | None:
    if not isinstance(outputs, (tuple, list)):
        return Failure("type", f"the result is a {type(outputs).__name__}, expected a tuple of arrays")
    if len(outputs) != len(specs):
        return Failure("count", f"{len(outputs)} outputs, expected {len(specs)}")
    for i, (array, spec) in enumerate(zip(outputs, specs, strict=True)):
        if type(array) is not np.ndarray:  # a subclass may compute when it is compared
            return Failure("type", f"output {i} is a {type(array).__name__}, expected a plain array")
        if array.dtype != np.dtype(spec.dtype):
            return Failure("dtype", f"output {i} is {array.dtype}, expected {np.dtype(spec.dtype)}")
        if array.shape != spec.shape:
            return Failure("shape", f"output {i} has shape {list(array.shape)}, expected {list(spec.shape)}")
    return None


def _exact(truth: Exact, specs: Sequence[Spec], outputs: Sequence[HostArray]) -> Verdict:
    _fits("values", truth.values, [spec.shape for spec in specs])
    failure, largest = None, 0.0
    for i, (got, expected) in enumerate(zip(outputs, truth.values, strict=True)):
        if expected.dtype != got.dtype:
            raise ValueError(f"the truth's output {i} is {expected.dtype}, its spec says {got.dtype}")
        bits = f"u{got.dtype.itemsize}"  # a NaN's payload counts, and so does the sign of zero
        right = got.view(bits) == expected.view(bits)
        if not right.all():  # of equal bits the error is 0: to compute it would take most of a short run's time
            failure = failure or _first("value", f"output {i}", right, got, expected)
            largest = max(largest, max_abs_err(got, expected))
    return Verdict(largest, failure)


def _bounded(truth: Bounded, specs: Sequence[Spec], outputs: Sequence[HostArray]) -> Verdict:
    _fits("values", truth.values, [spec.shape for spec in specs])
    # A value that is not finite is meant where its magnitude is finite (a padding), and an overflow where that is not.
    _fits("magnitudes", truth.magnitudes, [spec.shape for spec in specs], sizes=True)
    failure, largest = None, 0.0
    for i, (got, expected, magnitude) in enumerate(zip(outputs, truth.values, truth.magnitudes, strict=True)):
        error, allowed = errors(got, expected), tolerance(magnitude, truth.terms)
        alike = np.isfinite(got) | (error == 0.0)
        failure = failure or _first("nan", f"output {i}", alike, got, expected)
        failure = failure or _first("value", f"output {i}", error <= allowed, got, expected, allowed)
        largest = max(largest, float(np.max(error, initial=0.0)))
    return Verdict(largest, failure)


def _ranked(truth: Ranked, specs: Sequence[Spec], outputs: Sequence[HostArray]) -> Verdict:
    if len(specs) != 2 or specs[0].shape != specs[1].shape or not specs[0].shape:
        raise ValueError(f"specs are {list(specs)}, expected scores and ids of one shape (..., k)")
    scores, ids = outputs[0], outputs[1].astype(np.int64)
    kept = min(specs[0].shape[-1], truth.rows)
    head, head_ids = scores[..., :kept], ids[..., :kept]
    if truth.best is not None and truth.magnitudes is not None:
        _fits("best", [truth.best], [head.shape], finite=True)
        _fits("magnitudes of the best", [truth.magnitudes], [head.shape], sizes=True)
    elif truth.best is not truth.magnitudes:
        raise ValueError("the truth has only one of best and magnitudes")
    failure = (
        _first("nan", "scores", np.isfinite(head), head)
        or _first("range", "ids", (head_ids >= 0) & (head_ids < truth.rows), head_ids, note=f"of {truth.rows} rows")
        or _first("padding", "scores", scores[..., kept:] == _worst(truth, scores.dtype), scores[..., kept:], at=kept)
        or _first("padding", "ids", ids[..., kept:] == NO_ID, ids[..., kept:], at=kept)
        or _first("duplicate", "ids", _first_occurrences(head_ids), head_ids, note="again in the same row")
        or _first("order", "scores", _in_order(head, truth.largest), head, note="better than the one before it")
    )
    if failure is not None:
        return Verdict(math.inf, failure)
    return _scores(truth, head, head_ids)


def _scores(truth: Ranked, head: HostArray, ids: HostArray) -> Verdict:
    """Compare each returned score with that of the returned id, and that with the best at its rank."""
    own, magnitude = truth.score_of(ids) if ids.size else (np.zeros(ids.shape), np.zeros(ids.shape))
    _fits("scores of ids", [own], [ids.shape], finite=True)
    _fits("magnitudes of ids", [magnitude], [ids.shape], sizes=True)
    allowed = tolerance(magnitude, 0 if truth.score_bits else truth.terms)
    error = errors(head, own)
    failure = _first("value", "scores", error <= allowed, head, own, allowed, note="for the returned id")
    largest = float(np.max(error, initial=0.0))
    if truth.best is not None and truth.magnitudes is not None:
        # Two rows may change places where either's rounding could have made it so.
        allowed = np.maximum(allowed, tolerance(truth.magnitudes, 0 if truth.score_bits else truth.terms))
        right = errors(own, truth.best) <= allowed
        failure = failure or _first(
            "value", "ids", right, own, truth.best, allowed, note="by the returned id's own score"
        )
        largest = max(largest, max_abs_err(head, truth.best))
    return Verdict(largest, failure)


def _worst(truth: Ranked, dtype: np.dtype[Any]) -> Any:
    """Return what pads scores: what no row could be worse than."""
    if dtype.kind == "f":
        return -np.inf if truth.largest else np.inf
    return np.iinfo(dtype).min if truth.largest else np.iinfo(dtype).max


def _first_occurrences(ids: HostArray) -> Mask:
    """Return, along the last axis, whether an id has not occurred before."""
    order = np.argsort(ids, axis=-1, kind="stable")
    in_order = np.take_along_axis(ids, order, axis=-1)
    fresh = np.ones(ids.shape, np.bool_)
    np.put_along_axis(fresh, order[..., 1:], in_order[..., 1:] != in_order[..., :-1], axis=-1)
    return fresh


def _in_order(scores: HostArray, largest: bool) -> Mask:
    right = np.ones(scores.shape, np.bool_)
    earlier, later = scores[..., :-1], scores[..., 1:]
    right[..., 1:] = later <= earlier if largest else later >= earlier
    return right


def _first(
    kind: str,
    name: str,
    right: Mask,
    got: HostArray,
    expected: HostArray | None = None,
    allowed: Floats | None = None,
    *,
    note: str = "",
    at: int = 0,
) -> Failure | None:
    """Return the failure at the first place that is not right, `at` further along the last axis; None if all is."""
    if right.all():
        return None
    place = tuple(int(i) for i in np.unravel_index(int(np.argmin(right)), right.shape))
    index = (*place[:-1], place[-1] + at) if at else place
    value = float(got[place])
    message = f"{name}{list(index)} is {got[place]!s}"
    if expected is None:
        return Failure(kind, f"{message} {note}".rstrip(), index=index, got=value)
    wanted, error = float(expected[place]), float(errors(got[place], expected[place]))
    message += f", expected {expected[place]!s} {note}".rstrip() + f": error {error:.3g}"
    if allowed is None:
        return Failure(kind, message, index=index, got=value, expected=wanted, error=error)
    limit = float(allowed[place])
    return Failure(kind, f"{message}, tolerance {limit:.3g}", None, index, value, wanted, error, limit)


def _fits(
    name: str,
    arrays: Sequence[HostArray],
    shapes: Sequence[tuple[int, ...]],
    *,
    finite: bool = False,
    sizes: bool = False,
) -> None:
    """Hold the truth itself against the specs.

    Raises
    ------
    ValueError
        If the number or a shape of the arrays is wrong, or an entry is not finite, or not a size, where it must be.
    """
    if [array.shape for array in arrays] != list(shapes):
        raise ValueError(f"the truth's {name} have shapes {[list(a.shape) for a in arrays]}, expected {list(shapes)}")
    for array in arrays:
        if (finite or sizes) and not np.all(np.isfinite(array)):
            raise ValueError(f"the truth's {name} are not all finite")
        if sizes and not np.all(array >= 0):
            raise ValueError(f"the truth's {name} are not all sums of absolute terms")
