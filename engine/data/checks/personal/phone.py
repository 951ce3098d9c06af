"""Phone numbers: international ones, North American ones, and any behind a word for a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.data.checks.personal.hit import Hit

_COUNTRIES: Final = re.compile(
    r"1|7|2[07]|2(?:1[1-8]|[2346]\d|5[0-8]|9[0178])|3[0123469]|3(?:5\d|7\d|8[0-35-79])|4[013-9]|42[013]"
    r"|5[1-8]|5(?:0\d|9\d)|6[0-6]|6(?:7[02-9]|8\d|9[0-2])|8[1246]|8(?:5[02356]|80|86)|9[0-58]|9(?:6\d|7[0-79]|9[2-68])"
)
"""Country codes of ITU-T E.164, as prefixes."""
_WORLD: Final = re.compile(r"(?<![\w+)])\+\(?\d[\d ().\u2011-]{6,20}\d(?![\d%])")
_AMERICA: Final = re.compile(
    r"(?<![\d.$€£+/(-])(?:1[-. ])?(?:\([2-9]\d{2}\) ?[2-9]\d{2}[-. ]\d{4}|[2-9]\d{2}([-.])[2-9]\d{2}\1\d{4})"
    r"(?![\d-]|\.\d)"
)
_RUN: Final = re.compile(r"\(?\d[\d ()./\u2011-]{5,18}\d(?![\d%])")
_NAME: Final = re.compile(
    r"(?:\b(?:(?:tele)?phone|tel|mobile|cell|call|fax|whatsapp|telefon(?:nummer)?|handy|mobil|tél|тел)\b|t[ée]l[ée]phone"
    r"|tel[ée]fono|m[óo]vil|telefone|celular|телефон\w*|电话|手机|電話|手機|携帯|전화|휴대폰|هاتف|تلفن|موبایل|جوال|फ़?ोन|फोन|मोबाइल)"
    r"(?:[\s.:：#=()\"'’,-]|number|no\b|nr\b|is\b|at\b|us\b|me\b|on\b|号码?|番号|是|为|번호|नंबर|है|номер|numéro|nummer|número"
    r"|est|ist|es){0,8}\Z",
    re.IGNORECASE,
)
"""A word for a phone just before a number, in the languages most written."""
_REACH: Final = 40
_CHINA: Final = re.compile(r"(?<![\d.])1[3-9]\d-?\d{4}-?\d{4}(?![\d.])")
_DATE: Final = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}\b|\d{1,2}([-/.])\d{1,2}\2\d{2,4}\b|(?:19|20)\d\d *[-/] *(?:19|20)\d\d\b"
)
_COUNTED: Final = "01234567890123456789", "98765432109876543210"
_TOLL_FREE: Final = frozenset({"800", "833", "844", "855", "866", "877", "888"})


def phones(text: str, begin: int, end: int) -> Iterator[Hit]:
    """Numbers of 7 to 15 digits (E.164) under which somebody may be reached."""
    if text.find("+", begin, end) >= 0:
        for found in _WORLD.finditer(text, begin, end):
            digits = _digits(found.group())
            if 8 <= len(digits) <= 15 and _COUNTRIES.match(digits) and _real(found.group(), digits):
                yield Hit("PHONE", found.start(), found.end())
    for found in _AMERICA.finditer(text, begin, end):
        if _real(found.group(), _digits(found.group())):
            yield Hit("PHONE", found.start(), found.end())
    for found in _RUN.finditer(text, begin, end):
        digits = _digits(found.group())
        if not 7 <= len(digits) <= 15 or not _NAME.search(
            text, max(found.start() - _REACH, 0), found.start()
        ):
            continue
        if _real(found.group(), digits):
            yield Hit("PHONE", found.start(), found.end())
    if not text.isascii():
        for found in _CHINA.finditer(text, begin, end):
            if _real(found.group(), _digits(found.group())):
                yield Hit("PHONE", found.start(), found.end())


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _real(written: str, digits: str) -> bool:
    """False for dates, for numbers that nobody has, and for those of services."""
    if (
        " / " in written
        or _DATE.match(written.lstrip("+("))
        or len(set(digits)) < 3
        or re.fullmatch(r"\+?\d+\.\d+", written)
    ):
        return False
    if any(digits[at : at + 7] in row for row in _COUNTED for at in range(len(digits) - 6)):
        return False
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    if len(national) == 10 and (
        national[3:6] == "555" or national[:3] == "555" or national[:3] in _TOLL_FREE
    ):
        return False  # 555 is kept for stories by the North American Numbering Plan
    return not (len(digits) == 7 and digits.startswith("555"))
