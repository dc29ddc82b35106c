"""The texts that `fsst` compresses: made of drawn tokens or of bytes, the same to the bit on every machine."""

import functools
from collections.abc import Sequence

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import HostArray

_HEX = tuple(f"{i:02x}" for i in range(256))
_TWO = tuple(f"{i:02d}" for i in range(100))
_THREE = tuple(f"{i:03d}" for i in range(1000))
_HOSTS = ("www.example.com", "api.service.internal", "cdn.images.example.net", "shop.store.example.org")
_PATHS = ("products", "users", "images/thumbs", "api/v1/items", "search", "static/js", "blog/2026", "cart/checkout")
_LEVELS = ("INFO", "INFO", "INFO", "WARN", "ERROR", "DEBUG")
_STATUS = ("200", "200", "200", "204", "301", "404", "500")
_COMMON = ("the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "was", "on", "with", "as", "be", "at")
_WORDS = 1_024

_RECORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "urls": (
        ("https://",), _HOSTS, ("/",), _PATHS, ("/",), _THREE, _THREE, ("?id=",), _TWO, _THREE, ("&session=",),
        _HEX, _HEX, _HEX, _HEX, ("\n",),
    ),
    "logs": (
        ("2026-11-",), _TWO[1:31], ("T",), _TWO[:24], (":",), _TWO[:60], (":",), _TWO[:60], ("Z ",), _LEVELS,
        (" worker-",), _TWO[:64], (" request completed in ",), _THREE, (" ms status=",), _STATUS, ("\n",),
    ),
    "hex": (*(_HEX,) * 4, ("-",), *(_HEX,) * 2, ("-",), *(_HEX,) * 2, ("-",), *(_HEX,) * 2, ("-",), *(_HEX,) * 6),
}  # fmt: skip
"""Of each kind, the tokens that stand in each place of a record."""


def text(kind: str, key: int, size: int) -> HostArray:
    """Draw a text.

    Parameters
    ----------
    kind : str
        ``urls``, ``logs``, ``hex`` (identifiers), ``words`` (skewed as a language is), ``random`` (any byte), ``high``
        (bytes from 128 on), ``mixed`` (words, half of whose bytes are high), ``runs`` (addresses between runs of 255),
        ``zeros``.
    key : int
        Of `lar.sampling`.
    size : int
        Bytes.

    Returns
    -------
    array
        uint8 (size,).
    """
    out: HostArray
    match kind:
        case "random":
            out = drawn_bytes(key, size)
        case "high":
            out = drawn_bytes(key, size) | np.uint8(128)
        case "zeros":
            out = np.zeros(size, np.uint8)
        case "mixed":
            high = drawn_bytes(sampling.key(key, "high"), size)
            out = np.where(high & 1, high | np.uint8(128), text("words", key, size))
        case "runs":
            lengths = sampling.integers(sampling.key(key, "lengths"), (size + 2,), 40)
            lengths[::2] //= 4
            run = np.repeat(np.arange(size + 2) % 2 == 1, 1 + lengths)[:size]
            out = np.where(run, np.uint8(255), text("urls", key, size))
        case "words":
            tokens = _tokens(_vocabulary())
            count = size // 4 + 1
            ranks = [sampling.integers(sampling.key(key, i), (count,), _WORDS) for i in range(2)]
            out = _joined(tokens, ranks[0] * ranks[1] // _WORDS, size)  # small ranks are drawn far more often
        case _:
            places = _RECORDS[kind]
            tokens, mean = _record_tokens(kind)
            count, first = int(size / mean) + 1, 0
            numbers = np.empty((count, len(places)), np.int64)
            for i, place in enumerate(places):
                numbers[:, i] = first + sampling.integers(sampling.key(key, i), (count,), len(place))
                first += len(place)
            out = _joined(tokens, numbers.reshape(-1), size)
    return out


def drawn_bytes(key: int, size: int) -> HostArray:
    """Draw uint8 (size,), every byte as likely as any other."""
    words = sampling.words(key, -(-size // 8)).astype("<u8", copy=False)  # in the same order on every machine
    return words.view(np.uint8)[:size].copy()


_Tokens = tuple[HostArray, HostArray]
"""All tokens end to end, and where each begins."""


@functools.cache
def _vocabulary() -> tuple[str, ...]:
    """Return words of one to four syllables with a space behind each; the first ones are English."""
    own = sampling.key(0, "fsst", "vocabulary")
    letters = sampling.integers(own, (_WORDS, 4, 2), 2**32)
    syllables = 1 + sampling.integers(sampling.key(own, "syllables"), (_WORDS,), 4)
    words = [
        "".join("bcdfghklmnprstvw"[a % 16] + "aeiou"[b % 5] for a, b in one[:count])
        for one, count in zip(letters.tolist(), syllables.tolist(), strict=True)
    ]
    words[: len(_COMMON)] = _COMMON
    return tuple(f"{word} " for word in words)


def _tokens(tokens: Sequence[str]) -> _Tokens:
    encoded = [one.encode() for one in tokens]
    starts = np.cumsum([0, *map(len, encoded)])
    return np.frombuffer(b"".join(encoded), np.uint8), starts


@functools.cache
def _record_tokens(kind: str) -> tuple[_Tokens, float]:
    """Return the tokens of all places one after the other, and the mean length of a record."""
    places = _RECORDS[kind]
    mean = sum(sum(map(len, place)) / len(place) for place in places)
    return _tokens([one for place in places for one in place]), mean


def _joined(tokens: _Tokens, numbers: HostArray, size: int) -> HostArray:
    out = np.empty(size, np.uint8)
    _join(*tokens, numbers, out)
    return out


@njit
def _join(tokens: HostArray, starts: HostArray, numbers: HostArray, out: HostArray) -> None:
    """Write the numbered tokens end to end, from the first one again where they do not fill `out`."""
    at = i = 0
    while at < out.size:
        number = numbers[i % numbers.size]
        for j in range(starts[number], min(starts[number + 1], starts[number] + out.size - at)):
            out[at] = tokens[j]
            at += 1
        i += 1
