"""Characters that nobody sees, that turn a text around, or that were lost on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import around
from engine.data.checks.seen import Seen

_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_OVERRIDE: Final = re.compile("[\u202d\u202e]")
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LOST: Final = re.compile("[\ufffd\ufdd0-\ufdef\ufffe\uffff\ue000-\uf8ff\U000f0000-\U0010fffd]")
_SOUTH_EAST: Final = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1980-\u19df\ua9e0-\ua9ff\uaa60-\uaa7f"
"""Thai, Lao, Tibetan, Myanmar, Khmer and New Tai Lue: no spaces, so U+200B marks where words part."""
_INVISIBLE: Final = re.compile(
    f"(?<![{_SOUTH_EAST}\u200b])\u200b+(?![{_SOUTH_EAST}\u200b])"
    "|[\u2060\ufeff\u00ad\u206a-\u206f\ufff9-\ufffb]"
    # Joiners are letters' and emoji's own; between Latin letters or at a space they join nothing.
    "|(?<=[A-Za-z0-9])[\u200c\u200d](?=[\\sA-Za-z0-9])"
    f"|(?<![{_SOUTH_EAST}\u200b-\u200d])[\u200b-\u200d]{{3,}}(?![{_SOUTH_EAST}])"
    # Tags spell out a flag behind U+1F3F4, variation selectors come one by one: else they hide a text.
    "|(?<!\U0001f3f4)(?<![\U000e0020-\U000e007e])[\U000e0000-\U000e007f]+"
    "|[\U000e0100-\U000e01ef]{2,}"
)
_BREAKS: Final = re.compile("[\u2028\u2029]")
_VARIED: Final = re.compile("[\U000e0100-\U000e01ef]{2,}")
"""These count as printable, so that they are not among a row's odd characters."""
_MARKS: Final = re.compile("[\u200e\u200f\u061c]")
_SPACES: Final = re.compile(
    # Narrow and unbroken spaces are right in numbers, at French marks, at quotes, and behind the words of one
    # letter of Czech and Polish; U+3000 is in East Asia.
    "(?<![\\d«“„‹—–])(?<!\\b[^\\W\\d_])[\u00a0\u202f](?![\\d:;!?»”%€°—–])|[\u1680\u2000-\u2008\u200a\u205f\u2028\u2029]"
)


def _seek(pattern: re.Pattern[str]) -> Callable[[Seen], str]:
    def look(seen: Seen) -> str:
        if not seen.odd:
            return ""
        return _found(pattern, seen.answer) or _found(pattern, seen.prompt)

    return look


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return _around(text, found) if found else ""


def _around(text: str, found: re.Match[str]) -> str:
    code = f"U+{ord(found.group()[0]):04X}"
    return f"{code} in {around(text, found.start(), found.end())}"


def _bidi(seen: Seen) -> str:
    if not seen.odd:
        return ""
    return _turned(seen.answer) or _turned(seen.prompt)


def _turned(text: str) -> str:
    """Overrides anywhere, and other controls where nothing runs from right to left."""
    found = _OVERRIDE.search(text) or (None if _RIGHT_TO_LEFT.search(text) else _BIDI.search(text))
    return _around(text, found) if found else ""


def _invisible(seen: Seen) -> str:
    if seen.odd:
        return _hidden(seen.answer) or _hidden(seen.prompt)
    if seen.answer.isascii() and seen.prompt.isascii():
        return ""
    return _found(_VARIED, seen.answer) or _found(_VARIED, seen.prompt)


def _hidden(text: str) -> str:
    return _found(_INVISIBLE, text) or ("" if _RIGHT_TO_LEFT.search(text) else _found(_MARKS, text))


def _lost(seen: Seen) -> str:
    if not seen.odd and "\ufffd" not in seen.answer and "\ufffd" not in seen.prompt:
        return ""
    return _found(_LOST, seen.answer) or _found(_LOST, seen.prompt)


def tidied(text: str) -> str:
    """`text` without what these checks find; sound texts of any script stay as they are.

    Lost characters stay too: nobody knows what they were.
    """
    if text.isascii() and text.isprintable():
        return text
    while (made := _once_tidied(text)) != text:  # what is taken out may have stood between two others
        text = made
    return text


def _once_tidied(text: str) -> str:
    text = _CONTROL.sub("", text)
    if _turned(text):
        text = _BIDI.sub("", text)
    text = _VARIED.sub("", _INVISIBLE.sub("", text))
    if not _RIGHT_TO_LEFT.search(text):
        text = _MARKS.sub("", text)
    return _SPACES.sub(" ", _BREAKS.sub("\n", text))


CHARACTERS: Final = (
    RowCheck(
        name="lost_character",
        category="dataset_encoding_or_parse",
        severity="warning",
        title="hold characters that were lost on the way",
        cause="U+FFFD stands where a character could not be read; private codes come from PDF files.",
        remedy="Make the data again from its source with the right encoding, or leave these rows out.",
        look=_lost,
        lines=True,
    ),
    RowCheck(
        name="control",
        category="dataset_encoding_or_parse",
        severity="warning",
        title="hold control characters",
        cause="They come from terminals, printers and broken encodings, and are no part of any text.",
        remedy="Take them out.",
        look=_seek(_CONTROL),
        mend="clean",
        lines=True,
    ),
    RowCheck(
        name="bidi",
        category="quality",
        severity="warning",
        title="hold characters that turn the direction of the text around",
        cause="What is read on the screen is not what is learnt (as in CVE-2021-42574).",
        remedy="Take them out, and look at who wrote these rows.",
        look=_bidi,
        mend="clean",
        lines=True,
    ),
    RowCheck(
        name="invisible",
        category="quality",
        severity="note",
        title="hold characters that nobody sees",
        cause="Zero-width characters, soft hyphens or tags stand where no script needs them: copied along, "
        "put there as a mark, or hiding a text. They split words into other tokens.",
        remedy="Take them out.",
        look=_invisible,
        mend="clean",
        lines=True,
    ),
    RowCheck(
        name="space",
        category="quality",
        severity="note",
        title="hold unusual spaces",
        cause="Words beside a no-break or typographic space become other tokens than beside a usual one.",
        remedy="Replace them with usual spaces.",
        look=_seek(_SPACES),
        share=0.02,
        mend="clean",
        lines=True,
    ),
)
