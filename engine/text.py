"""Cleans text from outside (data, model output, logs, names) before it can reach a terminal."""

from __future__ import annotations

from typing import Any, Final

_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)
# Joiners (U+200C, U+200D) stay: Persian, Indic scripts and emoji need them.
_INVISIBLE = (0x200B, 0x2060, 0xFEFF)


def _table() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
    table[0x7F] = "\u2421"
    table |= dict.fromkeys(range(128, 160), "�")
    table |= dict.fromkeys((*_BIDI, 8232, 8233), "�")
    table |= dict.fromkeys(_INVISIBLE, "")
    table |= dict.fromkeys(range(55296, 57344), "�")
    return table


_CLEAN: Final = _table()
_ESCAPED: Final = {code: f"\\u{code:04x}" for code in _CLEAN}


def clean(text: str) -> str:
    """`text` with every character that could steer a terminal made visible.

    Escape and other control characters become their control pictures, C1 and
    bidirectional controls become U+FFFD, carriage returns before a line feed
    vanish; newlines and tabs stay.
    """
    return text.replace("\r\n", "\n").translate(_CLEAN)


def in_json(text: str) -> str:
    """A JSON document in which everything that `clean` would change is written as an escape."""
    return text.translate(_ESCAPED)


def one_line(text: str, width: int = 0) -> str:
    """`text` cleaned and folded to one line, cut with an ellipsis at `width` characters if given."""
    line = " ".join(clean(text).split())
    if width and len(line) > width:
        return line[: max(width - 1, 0)] + "…"
    return line


def quoted(text: str, width: int = 0) -> str:
    """`text` on one line between « and », which it cannot end by itself: words that came from outside."""
    return f"«{one_line(text, width).replace('«', '<').replace('»', '>')}»"


def sayable(value: Any) -> Any:
    """`value` with every text in it such that UTF-8 can say it.

    Python reads a file name that is not UTF-8 with lone surrogates in it; they become question marks.
    """
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [sayable(item) for item in value]
        case dict():
            return {sayable(name): sayable(item) for name, item in value.items()}
    return value


def amount(count: int) -> str:
    """Bytes for people, in GiB from one on, else in MiB or KiB."""
    if count >= 2**30:
        return f"{count / 2**30:,.1f} GiB"
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"
