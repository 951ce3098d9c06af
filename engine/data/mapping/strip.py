"""Takes out of texts what nobody wants learnt: markup, quoted replies, signatures."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

from engine.mapping.mapping import Strip

_LINES: Final = """
address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li
main nav ol p pre section table tbody td tfoot th thead tr ul
"""
_WITHIN: Final = """
a abbr acronym b bdi bdo big body button center cite code data del dfn em font html i iframe img input ins kbd
label link mark meta q s samp small span strike strong sub sup time tt u var wbr
"""
_BLOCKS: Final = frozenset(_LINES.split())
_INLINE: Final = frozenset(_WITHIN.split())
_UNSEEN: Final = frozenset({"script", "style", "head", "template"})
_TAGGED: Final = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]\w*);")
_GAPS: Final = re.compile(r"[ \t]*\n(?:[ \t]*\n)+[ \t]*")

_HEADER: Final = re.compile(
    r"""^[ \t>]*(?:
        -{2,}\s*(?:Original\ Message|Forwarded\ message|Ursprüngliche\ Nachricht|Message\ d'origine
            |Mensaje\ original|Messaggio\ originale|Oorspronkelijk\ bericht|原始邮件|Исходное\ сообщение).*
        |On\b.{4,160}\bwrote:|Am\b.{4,160}\bschrieb\b.{0,160}:|Le\b.{4,160}\ba\ écrit\s?:
        |El\b.{4,160}\bescribió:|Il\b.{4,160}\bha\ scritto:|Em\b.{4,160}\bescreveu:
        |Op\b.{4,160}\bschreef\b.{0,160}:
        |Dnia\b.{4,160}\bnapisał(?:\(a\))?:|.{4,160}(?:пишет|написал(?:а)?):|.{0,60}[于在].{4,120}写道[:：]
        |From:\ .+\n(?:Sent|Date|To):\ |Von:\ .+\n(?:Gesendet|Datum|An):\ |De\ ?:\ .+\n(?:Envoyé|Date|À)\ ?:\ 
    )""",
    re.MULTILINE | re.VERBOSE,
)
_QUOTE: Final = re.compile(r"^[ \t]*>.*(?:\n|\Z)", re.MULTILINE)

_DASHES: Final = re.compile(r"^-- ?$", re.MULTILINE)
_SENT: Final = re.compile(
    r"^(?:Sent from my |Get Outlook for |Von meinem .{1,40} gesendet|Gesendet mit |Envoyé de mon "
    r"|Enviado desde mi |Inviato da |发自我的|从我的)",
    re.MULTILINE,
)
_CLOSING: Final = re.compile(
    r"^(?:(?:best|kind|warm|many)? ?(?:regards|wishes)|best|cheers|sincerely(?: yours)?|yours (?:sincerely"
    r"|truly|faithfully)|(?:many )?thanks(?: (?:and|in advance).{0,20})?|mit (?:freundlichen|besten|vielen) "
    r"grüßen|(?:viele|liebe|beste|freundliche) grüße|mfg|lg|vg|cordialement|bien à vous|(?:un )?(?:cordial )?"
    r"saludos?(?: cordiales)?|atentamente|cordiali saluti|distinti saluti|atenciosamente"
    r"|met vriendelijke groet|с уважением|此致|敬礼|よろしくお願いいたします)[,.!，。！]?\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_SIGNED: Final = 8
"""Lines that a name, a title, an address and a telephone number below a closing take at most."""
_SHORT: Final = 60
"""Characters of the longest of such lines; a longer one is a sentence that still says something."""


def html(text: str) -> str:
    """The words of a page or a mail: known tags go, blocks become lines, `&amp;` becomes `&`.

    What only looks like markup stays: `a < b`, `List<int>`, `<think>`.
    """
    if ("<" not in text and "&" not in text) or not _TAGGED.search(text):
        return text
    reader = _Words()
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, ValueError):  # the parser gives up on some broken declarations
        return text
    return _GAPS.sub("\n\n", "".join(reader.words)).strip()


def quoted_replies(text: str) -> str:
    """A mail without the earlier mails below it, and without lines that begin with `>`."""
    header = _HEADER.search(text) if "\n" in text else None
    if header is not None and text[: header.start()].strip():
        text = text[: header.start()]
    if ">" in text:
        text = _QUOTE.sub("", text)
    return text.strip()


def signatures(text: str) -> str:
    """A mail without what stands below its last words: `-- `, a closing with a name, `Sent from my …`."""
    if "\n" not in text:
        return text.strip()
    for mark in (_DASHES, _SENT):
        found = mark.search(text)
        if found is not None and text[: found.start()].strip():
            text = text[: found.start()]
    found = None
    for closing in _CLOSING.finditer(text):
        found = closing
    if found is None or not text[: found.start()].strip():
        return text.strip()
    below = [line.strip() for line in text[found.end() :].splitlines() if line.strip()]
    if len(below) <= _SIGNED and all(len(line) <= _SHORT for line in below):
        text = text[: found.start()]
    return text.strip()


STRIPS: Final[dict[Strip, Callable[[str], str]]] = {
    "html": html,
    "quoted_replies": quoted_replies,
    "signatures": signatures,
}
"""In the order in which they have to be done."""


class _Words(HTMLParser):
    """Gathers what a reader of the page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag of HTML ends a line or says nothing; any other is text."""
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag in _BLOCKS:
            self._say("- " if tag == "li" else "", line=True)
        elif tag not in _INLINE:
            self._say(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """As `handle_starttag`."""
        if self._unseen and tag == self._unseen[-1]:
            self._unseen.pop()
        elif tag in _BLOCKS:
            self._say("", line=True)
            if tag in ("p", "ul", "ol", "table", "blockquote", "pre") or tag.startswith("h"):
                self._say("\n")
        elif tag not in _INLINE and tag not in _UNSEEN:
            self._say(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        self._say(data)

    def _say(self, text: str, *, line: bool = False) -> None:
        if self._unseen:
            return
        if line and self.words and not self.words[-1].endswith("\n"):
            self.words.append("\n")
        if text:
            self.words.append(text)
