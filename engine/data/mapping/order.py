"""What comes first: numbers, dates and texts with numbers in them, as a person would sort them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from engine.data.mapping.group import Order
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.text import one_line

_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DIGITS: Final = re.compile(r"\d+")
_SLASHED: Final = re.compile(r"\d{1,2}/\d{1,2}/\d{2,4}\b")
_DATE: Final = re.compile(r"\d{4}-\d|\d{8}T|[A-Z][a-z]{2}[, ]|\d{1,2}\.\d{1,2}\.\d{4}|\d{4}[/.年]")
_FORMS: Final = (
    "%a %b %d %H:%M:%S %z %Y",
    "%a %b %d %H:%M:%S %Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y %H:%M",
)


def order_of(text: str, row: Row) -> Order:
    """Where a row whose `order_by` column holds `text` comes among its conversation's.

    Raises:
        Refusal: a date of which nobody can tell the day from the month.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) and len(text) < 300:
        return Order(float(text), text)
    if _SLASHED.match(text):
        raise Refusal(
            "dataset_format",
            f"The rows cannot be put in order by {one_line(repr(text), 40)}.",
            where=row.where,
            why="Nobody can tell its day from its month.",
            do="Write dates like 2024-03-14 15:09, or leave out order_by where the file is in order.",
        )
    if _DATE.match(text):
        moment = _moment(text)
        if moment is not None:
            return Order(moment, text)
    # `turn 10` comes after `turn 9`.
    return Order(None, _DIGITS.sub(lambda found: found.group().zfill(12), text))


def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date; one without a zone is taken for UTC."""
    found = None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = next((moment for form in _FORMS if (moment := _by(text, form))), None)
    if found is None:
        try:
            found = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _by(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None
