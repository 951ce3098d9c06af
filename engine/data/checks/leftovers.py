"""What a web page leaves in a text that was copied from it."""

from __future__ import annotations

import re
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import around, prose
from engine.data.checks.seen import Seen

_MARKUP: Final = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|#[0-9]{2,5}|#x[0-9a-f]{2,5}|[lr][sd]quo|[mn]dash|hellip);"
    r"|<(?:/(?:p|div|span|a|b|i|u|em|strong|li|ul|ol|td|tr|h[1-6]|font|center|blockquote)|br ?/?)>",
    re.IGNORECASE,
)
_PAGE: Final = re.compile(
    r"^\W{0,4}(?:skip to (?:main )?content|accept (?:all )?cookies|we use cookies\b.{0,80}|back to top"
    r"|share on (?:facebook|twitter)|sign up for our newsletter.{0,40}|subscribe to our newsletter.{0,40}"
    r"|click here to (?:subscribe|read more|sign up)\b.{0,40}|please enable javascript.{0,60}"
    r"|javascript is (?:disabled|required).{0,60})\W{0,4}$|\[(?:edit|citation needed)\]",
    re.IGNORECASE | re.MULTILINE,
)
_WANTED: Final = re.compile(
    r"\b(?:html|xml|css|svg|markup|tags?|react|web|webpage|website|code)\b|javascript|escape|entit|网页|标签|代码",
    re.IGNORECASE,
)


def _look(seen: Seen) -> str:
    text = seen.answer
    found = _MARKUP.search(text) if "<" in text or ("&" in text and ";" in text) else None
    if found is None:
        return _page(text)
    if _WANTED.search(seen.prompt) or _MARKED.search(text):
        return ""
    plain = prose(text)
    found = _MARKUP.search(plain)
    return around(plain, found.start(), found.end()) if found else ""


def _page(text: str) -> str:
    if not (
        "ookie" in text
        or "[edit]" in text
        or "[citation" in text
        or "ewsletter" in text
        or "avaScript" in text
    ):
        return ""
    found = _PAGE.search(text)
    return around(text, found.start(), found.end()) if found else ""


_MARKED: Final = re.compile(
    r"<(?:!DOCTYPE|html|head|body|script|style|svg|\?xml|input|form|button)\b|\{%|\{\{|\bclass=",
    re.IGNORECASE,
)
"""A whole page is an answer; a tag in the middle of a sentence is a leftover."""

LEFTOVERS: Final = RowCheck(
    name="web_leftovers",
    category="quality",
    severity="note",
    title="hold leftovers of web pages",
    cause="Entities such as &nbsp;, tags and menu lines were copied along; the model learns to write them.",
    remedy="Strip the markup, or leave these rows out.",
    look=_look,
    share=0.005,
)
