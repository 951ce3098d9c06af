"""Finds all of it in a text, shows it masked, and writes over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.data.checks.personal.bank import cards, ibans
from engine.data.checks.personal.email import emails
from engine.data.checks.personal.hit import Hit, Kind
from engine.data.checks.personal.network import addresses
from engine.data.checks.personal.phone import phones
from engine.data.checks.personal.secret import secrets

_NO_DIGITS: Final = bytes(code for code in range(256) if code not in b"0123456789")
_FEW: Final = 3
"""Digits that a key or an address has at least, but for the keys of Hugging Face."""
_KEY: Final = b"k" * 20
"""The shortest token that any maker of keys gives out, as `_TOKENS` writes it."""
_NUMBER: Final = b"0" * 7
"""The shortest phone number, as `_DIGITS` writes it; no account and no card has fewer digits."""
_ALNUM: Final = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TOKENS: Final = bytes(0x6B if code in _ALNUM + b"_-" else 0x20 for code in range(256))
_DIGITS: Final = bytes(
    0x30 if code in b"0123456789" else 0x2E if code == 0x2E else 0x20 for code in range(256)
)
_BETWEEN: Final = b" ()-.:"
"""What people write between the digits of one number."""
_RUN: Final = re.compile(r"[0-9][0-9 ()./:\u2011-]{5,}[0-9]")
_BEFORE: Final = 16
_AFTER: Final = 34
"""Characters around a row of digits that may belong to an account's number."""
_FOUR: Final = re.compile(rb"0\.0{1,3}\.0{1,3}\.0")
_NAMES: Final[dict[Kind, str]] = {
    "EMAIL": "e-mail address",
    "PHONE": "phone number",
    "IBAN": "bank account (IBAN)",
    "CARD": "payment card",
    "KEY": "key or token",
    "IP": "public IP address",
}


def hits(text: str) -> Iterator[Hit]:
    """Everything personal or secret in `text`; two hits may overlap.

    A text without any of it is passed over by searches for bytes, at a few microseconds a kilobyte.
    """
    if "@" in text:
        yield from emails(text)
    written = text.encode("utf-8", "replace")
    digits = len(written.translate(None, _NO_DIGITS))
    if (digits >= _FEW or b"hf_" in written) and _KEY in written.translate(_TOKENS):
        yield from secrets(text)
    if digits >= len(_NUMBER) and _NUMBER in written.translate(_DIGITS, _BETWEEN):
        for begin, end in _numbers(text):
            yield from ibans(text, begin, end)
            yield from cards(text, begin, end)
            yield from phones(text, begin, end)
    if digits >= _FEW and (_may_hold_four(written) or _may_hold_six(written)):
        yield from addresses(text)


def _may_hold_four(written: bytes) -> bool:
    return written.count(b".") >= 3 and _FOUR.search(written.translate(_DIGITS)) is not None


def _may_hold_six(written: bytes) -> bool:
    colons = written.count(b":")
    return colons >= 7 or (colons >= 3 and b"::" in written)


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """The surroundings of each row of digits that is long enough, none of them twice."""
    begin = end = 0
    for found in _RUN.finditer(text):
        if sum(map(str.isdecimal, found.group())) < len(_NUMBER):
            continue
        if found.start() - _BEFORE > end:
            if end:
                yield begin, end
            begin = max(found.start() - _BEFORE, 0)
        end = min(found.end() + _AFTER, len(text))
    if end:
        yield begin, end


def redact(text: str) -> str:
    """`text` with `[EMAIL]`, `[PHONE]`, `[IBAN]`, `[CARD]`, `[KEY]` and `[IP]` where such things stood."""
    parts: list[str] = []
    done = 0
    # Of two that overlap the one that begins first stands, and of those the longer.
    for hit in sorted(hits(text), key=lambda hit: (hit.begin, -hit.end)):
        if hit.begin < done:
            continue
        parts += [text[done : hit.begin], f"[{hit.kind}]"]
        done = hit.end
    return "".join([*parts, text[done:]]) if parts else text


def masked(text: str, hit: Hit) -> str:
    """What was found, by its kind and as little of it as tells one from another: `e-mail address a…@…`."""
    found = text[hit.begin : hit.end]
    shown = f"{found[0]}…@…" if hit.kind == "EMAIL" else f"{found[: _SHOWN[hit.kind]]}…"
    return f"{_NAMES[hit.kind]} {shown}"


_SHOWN: Final[dict[Kind, int]] = {"PHONE": 2, "IBAN": 2, "CARD": 1, "KEY": 3, "IP": 1}
