"""One data file as its readers see it: unpacked, its encoding known, and how much of it was read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

from engine import reading
from engine.data.read import complaints
from engine.data.read.alphabets import PAGES
from engine.data.read.encoding import ASCII, Encoding, decided, is_utf8, marked
from engine.data.read.kinds import MAGIC_BYTES, prove_text
from engine.data.read.packing import packing, unpacked
from engine.data.refusal import Refusal
from engine.inspection.losses import Places

_BEYOND: Final = re.compile(rb"[\x80-\xff]")
_HEAD: Final = 1 << 16
_PART: Final = 1 << 20
_SAMPLE: Final = 1 << 18
"""Bytes beyond the first one that is not ASCII, among which the encoding is decided."""


class Source:
    """A data file, named by its path; `open` as often as wanted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Bytes of the file as it lies on the disk."""
        self.packed: str | None = None
        self.guessed = Places()
        """Lines that were read in an encoding that nothing proves."""
        self._encoding: Encoding | None = None
        self._head: bytes | None = None
        self._raw: BinaryIO | None = None
        self._magic = b""
        self._last_guessed = 0
        self.remarks: list[str] = []
        """What a person should know of how the file was read."""
        self.dirty = False
        """True once a byte was met that could not be decoded."""
        self.layout: object = None
        """What a reader found out of the file as a whole, and need not find out again."""

    @property
    def encoding(self) -> Encoding:
        """What is known of it now: ASCII, until something else is met."""
        return self._encoding or ASCII

    @property
    def settled(self) -> bool:
        """True once the encoding is known for the whole file."""
        return self._encoding is not None

    @property
    def head(self) -> bytes:
        """The first bytes, unpacked.

        Raises:
            Refusal: the file cannot be opened, or holds no text.
        """
        if self._head is None:
            with self._open() as file:
                self._head = _up_to(file, _HEAD)
            prove_text(self.path, self._head)
            self._encoding = marked(self._head)
        return self._head

    @property
    def mark(self) -> int:
        """Bytes of the byte-order mark.

        Raises:
            Refusal: as `head`.
        """
        return self.encoding.mark if self.head else 0

    @property
    def first_bytes(self) -> bytes:
        """Of the file as it lies on the disk.

        Raises:
            Refusal: the file cannot be opened.
        """
        with self._open() as file:
            return self._magic if self.packed else file.read(MAGIC_BYTES)

    @property
    def wide(self) -> bool:
        """True where characters are no single bytes even in ASCII, so that lines are found in text only."""
        return bool(self.head) and self.encoding.codec.startswith(("utf-16", "utf-32"))

    @property
    def old_mac(self) -> bool:
        """True where lines end with a carriage return alone."""
        return not self.wide and b"\r" in self.head.rstrip(b"\r") and b"\n" not in self.head

    @property
    def share(self) -> float:
        """How much of a packed file was taken in, 0 to 1."""
        if self._raw is None or self._raw.closed:
            return 1.0
        return min(self._raw.tell() / max(self.size, 1), 1.0)

    def open(self, offset: int = 0) -> BufferedReader:
        """Its unpacked bytes from `offset` on; behind the byte-order mark where that is at the top.

        Raises:
            Refusal: the file cannot be opened, or holds no text.
        """
        offset = offset or self.mark
        file = self._open()
        if self.packed is None:
            file.seek(offset)
            return file
        try:
            while offset and (part := file.read(min(offset, _PART))):
                offset -= len(part)
        except Refusal:
            file.close()
            raise
        return file

    def decide(self, offset: int) -> Encoding:
        """Settle the encoding at the first stretch beyond ASCII, none of which is before `offset`."""
        if self._encoding is None:
            reading_it = self._raw
            with self.open(offset) as file:
                part = b""
                while part.isascii() and (part := file.read(_PART)):
                    pass
                first = _BEYOND.search(part)
                begin = part.rfind(b"\n", 0, first.start() if first else 0) + 1
                raw = part[begin : begin + _SAMPLE]
                if len(raw) < _SAMPLE:
                    raw += _up_to(file, _SAMPLE - len(raw))
            self._encoding = decided(raw, cut=len(raw) == _SAMPLE) if raw else None
            self._raw = reading_it
        return self.encoding

    def met(self, line: int) -> None:
        """Count a line whose text depends on a guess, when the file is read from its top."""
        if line > self._last_guessed:
            self._last_guessed = line
            self.guessed.add(f"{self.path}:{line}")

    def texts(self, offset: int = 0) -> Iterator[str]:
        """Its text from `offset` on in parts; a byte that cannot be decoded is a surrogate U+DC80 to U+DCFF.

        Raises:
            Refusal: the file cannot be opened, is no text, or breaks off within a character.
        """
        with self.open(offset) as file:
            at, rest, raw = offset, b"", b""
            decoder: codecs.IncrementalDecoder | None = None
            while True:
                raw = file.read1(_PART)
                data = rest + raw
                if self._encoding is None and not data.isascii():
                    self.decide(at)
                codec = self.encoding.codec
                if codec == "utf-8":
                    text, used = self._utf8(data, last=not raw)
                else:
                    decoder = decoder or codecs.getincrementaldecoder(codec)(self._errors)
                    self.dirty = True  # not known, and such files are rare
                    try:
                        text, used = decoder.decode(data, not raw), len(data)
                    except UnicodeDecodeError as error:
                        raise complaints.breaks_off(self.path, self.encoding, error) from None
                rest = data[used:]
                at += used
                if text:
                    yield text
                if not raw:
                    return

    def bytes_of(self, text: str) -> int:
        """How many bytes a part of the text is in the file."""
        return len(text) if text.isascii() and not self.wide else len(self.raw_of(text))

    def raw_of(self, text: str) -> bytes:
        """The bytes of a part of the text."""
        return text.encode(self.encoding.codec, self._errors)

    def undecodable(self, line: int, raw: bytes) -> Refusal:
        """What is said of a line that is not in the file's encoding."""
        return complaints.undecodable(self.path, line, raw, self.encoding)

    def mixed(self, raw: bytes) -> bool:
        """True where a line decodes, and yet is in another encoding than the file: UTF-8 in a code page."""
        return self.encoding.codec in PAGES and is_utf8(raw)

    @property
    def _errors(self) -> str:
        return "surrogatepass" if self.wide else "surrogateescape"

    def _utf8(self, data: bytes, *, last: bool) -> tuple[str, int]:
        try:
            return codecs.utf_8_decode(data, "strict", last)
        except UnicodeDecodeError:
            self.dirty = True
            return codecs.utf_8_decode(data, "surrogateescape", last)

    def _open(self) -> BufferedReader:
        try:
            raw = cast(BufferedReader, reading.opened(self.path))
            self._magic = raw.read(MAGIC_BYTES)
            raw.seek(0, 2)
            self.size = raw.tell()
            raw.seek(0)
        except OSError as error:
            raise complaints.unopened(self.path, error) from None
        self._raw = raw
        self.packed = packing(self._magic)
        return unpacked(self.path, raw, self.packed) if self.packed else raw


def _up_to(file: BufferedReader, size: int) -> bytes:
    """So many bytes, fewer at the end of the file or where it breaks off; refused where none comes."""
    found = b""
    with suppress(Refusal):
        while len(found) < size and (part := file.read1(size - len(found))):
            found += part
    return found or file.read1(size)
