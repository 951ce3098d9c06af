"""Bank accounts and payment cards, proven by their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from engine.data.checks.personal.hit import Hit

_REGISTRY: Final = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20
EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30
KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23
PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26
UA29 VA22 VG24 XK20 YE30
"""
"""Characters of an IBAN by country: SWIFT's IBAN registry, release 99."""
_LENGTHS: Final = {word[:2]: int(word[2:]) for word in _REGISTRY.split()}
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})\d{2}(?=[ A-Z0-9])")
_CARD: Final = re.compile(
    r"(?<![\d.,/+-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|3[47]\d{2}([ -])\d{6}\2\d{5}|\d{13,19})"
    r"(?![\d/]|[.,-]\d)"
)
_BRANDS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[68]\d)\d{11}"  # Diners Club
    r"|(?:6011|65\d{2}|64[4-9]\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}"  # UnionPay
)
"""Leading digits and lengths of ISO/IEC 7812 issuers."""


def ibans(text: str, begin: int, end: int) -> Iterator[Hit]:
    """International bank account numbers whose check digits agree (ISO 13616, mod 97)."""
    for found in _IBAN.finditer(text, begin, end):
        length = _LENGTHS.get(found[1])
        if length is None:
            continue
        whole = _rest(length).match(text, found.start())
        if whole is not None and _mod97(whole.group().replace(" ", "")):
            yield Hit("IBAN", whole.start(), whole.end())


def cards(text: str, begin: int, end: int) -> Iterator[Hit]:
    """Numbers of payment cards: an issuer's digits and length, and Luhn's check digit."""
    for found in _CARD.finditer(text, begin, end):
        digits = re.sub(r"\D", "", found.group())
        if _BRANDS.fullmatch(digits) and luhn(digits):
            yield Hit("CARD", found.start(), found.end())


def luhn(digits: str) -> bool:
    """True where the last digit is the check digit of those before it (ISO/IEC 7812-1)."""
    odd = [int(digit) for digit in digits[-1::-2]]
    even = [2 * int(digit) for digit in digits[-2::-2]]
    return (sum(odd) + sum(value - 9 if value > 9 else value for value in even)) % 10 == 0


@lru_cache
def _rest(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Z]{{2}}(?: ?[A-Z0-9]){{{length - 2}}}(?![A-Za-z0-9])")


def _mod97(account: str) -> bool:
    return int("".join(str(int(letter, 36)) for letter in account[4:] + account[:4])) % 97 == 1
