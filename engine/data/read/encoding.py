"""In which encoding a text is: its byte-order mark, its null bytes, or its first bytes beyond ASCII tell."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.data.read.alphabets import Guess, guesses, iconv_name, sureness


class Encoding(NamedTuple):
    """How bytes become text."""

    name: str
    """As a person and iconv know it; empty where none is sure."""
    codec: str
    """Python's name; of a text that is in no sure encoding, what reads its ASCII lines."""
    mark: int = 0
    """Bytes of the byte-order mark."""
    sure: float = 1.0
    """1 for what a mark or UTF-8 itself proves; of a guess, how far it leads the next one; 0 for none."""
    candidates: tuple[Guess, ...] = ()
    """What a guess was made among."""

    @property
    def guessed(self) -> bool:
        """True where nothing in the file proves it."""
        return self.sure < 1 or bool(self.candidates)

    @property
    def told(self) -> str:
        """For a report: `UTF-8`, `WINDOWS-1251 (95 % sure)`, `unknown`."""
        if not self.name:
            return "unknown"
        return f"{self.name} ({self.sure:.0%} sure)".replace("%", " %") if self.guessed else self.name


ASCII: Final = Encoding("ASCII", "utf-8")
"""As long as nothing else was met."""
UTF8: Final = Encoding("UTF-8", "utf-8")
_MARKS: Final[dict[bytes, Encoding]] = {
    b"\xef\xbb\xbf": Encoding("UTF-8 with byte-order mark", "utf-8", 3),
    b"\xff\xfe\0\0": Encoding("UTF-32LE", "utf-32-le", 4),
    b"\0\0\xfe\xff": Encoding("UTF-32BE", "utf-32-be", 4),
    b"\xff\xfe": Encoding("UTF-16LE", "utf-16-le", 2),
    b"\xfe\xff": Encoding("UTF-16BE", "utf-16-be", 2),
}
_UNMARKED: Final = 4096
"""Bytes of a file's beginning in which a UTF-16 text without a mark shows its null bytes."""
_LEAST_NULLS: Final = 8
_LEAST_SHARE: Final = 0.2
"""Share of its characters that are ASCII, at least: brackets, quotes, digits and blanks in any language."""
_STRANGE: Final = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_BORDERS: Final = re.compile(rb'[\n"]')
_GUESSED: Final = 0.99
"""No guess is more sure than this."""
_JUDGED: Final = 600
"""Pieces of text that are enough to tell a code page; fifty were in nearly every trial."""
_JUDGED_BYTES: Final = 1 << 15
"""Of those pieces, at most: what is no text at all is one long piece."""


def marked(head: bytes) -> Encoding | None:
    """What a file that begins with `head` shows by a mark or null bytes; None where its lines are to tell."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    return _wide(head[:_UNMARKED])


def decided(raw: bytes, *, cut: bool = False) -> Encoding:
    """The encoding of a file in which `raw`, cut off or not, is the first stretch with bytes beyond ASCII."""
    pieces = [piece for piece in _BORDERS.split(raw) if not piece.isascii()]
    if cut and len(pieces) > 1:
        pieces.pop()  # it may end within a character
    whole = not cut or len(pieces) > 1
    others = [piece for piece in pieces if not is_utf8(piece, whole=whole)]
    if 2 * len(others) <= len(pieces):
        return UTF8
    size, judged = 0, []
    for piece in others[:_JUDGED]:
        judged.append(piece[:_JUDGED_BYTES])
        size += len(piece)
        if size >= _JUDGED_BYTES:
            break
    found = guesses(judged)
    sure = sureness(found)
    if not sure:
        return Encoding("", "ascii", 0, 0.0, tuple(found))
    return Encoding(iconv_name(found[0].codec), found[0].codec, 0, min(sure, _GUESSED), tuple(found))


def is_utf8(raw: bytes, *, whole: bool = True) -> bool:
    """True for UTF-8, that may end within a character where it is not the whole."""
    try:
        codecs.utf_8_decode(raw, "strict", whole)
    except UnicodeDecodeError:
        return False
    return True


def readings(found: Sequence[Guess], most: int = 3) -> list[tuple[str, str]]:
    """For a person who has to choose: encodings, and how the first piece reads in each."""
    return [(iconv_name(guess.codec), guess.lines[0][:60].strip()) for guess in found[:most]]


def _wide(head: bytes) -> Encoding | None:
    """UTF-16 without a mark, where only one order of bytes makes text."""
    nulls = head.count(0)
    if nulls < max(_LEAST_NULLS, _LEAST_SHARE * len(head) / 2):
        return None
    for name, codec, high in (("UTF-16LE", "utf-16-le", head[1::2]), ("UTF-16BE", "utf-16-be", head[::2])):
        text = head[: len(head) // 2 * 2].decode(codec, "replace").rstrip("\ufffd")
        if high.count(0) == nulls and not _STRANGE.search(text):
            return Encoding(name, codec, 0, _GUESSED)
    return None
