"""Knows a secret by its variable or its form, and takes it out of every text that is written or shown."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from engine.text import clean

HIDDEN: Final = "•••"
_NAME: Final = re.compile(r"TOKEN(?!IZERS)|SECRET|PASSWORD|PASSWD|CREDENTIAL|KEY|_PROXY$", re.I)
_VALUE: Final = re.compile(r"://[^/\s]*@|\bhf_\w{20,}")
_SPOKEN: Final = re.compile(r"TOKEN(?!IZERS)|SECRET|PASSWORD|PASSWD|CREDENTIAL|_KEY$", re.I)
"""Names whose whole value is a secret: narrower than `_NAME`, lest ordinary words be hidden."""
_SHORTEST: Final = 8
_SIGNED: Final = r"X-Amz-[\w-]+|Signature|Policy|Key-Pair-Id|sig|token|access_token"
_FORMS: Final = (
    (re.compile(r"\bhf_(?:[A-Za-z0-9]{20,}|(?:oauth|jwt|app)_[\w.-]{20,})"), HIDDEN),
    (re.compile(r"(://)[^/\s@\"'\\]*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b((?:Bearer|Basic) )[\w.~+/=-]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(rf"([?&](?:{_SIGNED})=)[^&\s\"'\\]+", re.I), rf"\1{HIDDEN}"),
)
"""Tokens of the hub, names and passwords in addresses, headers of authorisation, signed addresses."""


def is_secret(name: str, value: str) -> bool:
    """True for a variable that must never be written down."""
    return bool(_NAME.search(name) or _VALUE.search(value))


def hidden(text: str) -> str:
    """`text` without the values of this process's secret variables, and without what looks like a secret."""
    return _hidden(text, _known())


def hidden_in(value: Any, known: list[str] | None = None) -> Any:
    """A tree of plain values with every text in it `hidden`; names of fields stay."""
    known = _known() if known is None else known
    match value:
        case str():
            return _hidden(value, known)
        case list():
            return [hidden_in(item, known) for item in value]
        case dict():
            return {name: hidden_in(item, known) for name, item in value.items()}
    return value


def _hidden(text: str, known: list[str]) -> str:
    for value in known:
        text = text.replace(value, HIDDEN)
    for form, put in _FORMS:
        text = form.sub(put, text)
    return text


def _known() -> list[str]:
    """Values of secret variables, the longest first; a path to a secret is none."""
    found = {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and not value.startswith(("/", "~")) and _SPOKEN.search(name)
    }
    return sorted(found, key=len, reverse=True)


class Outlet:
    """A text stream whose words are changed on their way out.

    Attributes:
        bare: the stream itself.
    """

    def __init__(self, bare: TextIO, change: Callable[[str], str]) -> None:
        self.bare = bare
        self._change = change

    def write(self, text: str) -> int:
        """Write `text` as it is changed."""
        self.bare.write(self._change(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write all `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


def keep_from_console() -> None:
    """From now on nothing secret goes to this process's standard streams, whoever's code prints it."""
    sys.stdout = _kept(sys.stdout)
    sys.stderr = _kept(sys.stderr)


def _kept(stream: TextIO) -> Any:
    return Outlet(stream, (lambda text: clean(hidden(text))) if stream.isatty() else hidden)
