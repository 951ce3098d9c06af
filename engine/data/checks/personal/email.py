"""E-mail addresses of people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.data.checks.personal.hit import Hit

_DOMAIN: Final = re.compile(r"@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}))(?![\w-])")
_LOCAL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\Z")
_LEADING: Final = ".!#$%&'*+/=?^`{|}~-"
_RESERVED: Final = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|local|internal)$|(?:^|\.)example\.\w+$", re.IGNORECASE
)
"""RFC 2606 and 6762: domains that belong to nobody."""
_MADE_UP: Final = re.compile(
    r"^(?:[\w-]*example[\w-]*|e?mail|domain|company|your-?\w*|my-?(?:domain|company|email)|website|site|abc|xyz|acme|sample)"
    r"\.(?:com|org|net|edu|co)$",
    re.IGNORECASE,
)
_NOBODY: Final = re.compile(
    r"^(?:your?[._-]?\w*|(?:user|first|last|full)?[._-]?name|user(?:name)?\d*|e?mail|someone|somebody|test\d*"
    r"|(?:john|jane)[._-]?(?:doe|smith)\b.*|doe|j\.?doe|foo|bar|no-?reply|do-?not-?reply|git|noreply|recipient|sender"
    r"|(?:first|given)[._-]?(?:name)?[._-]?(?:last|family|sur)[._-]?name)$",
    re.IGNORECASE,
)
_ENDINGS: Final = (
    "png jpg jpeg gif svg webp bmp ico pdf js ts css html htm json xml yaml yml txt md py java cpp zip gz"
)
_FILES: Final = frozenset(_ENDINGS.split())


def emails(text: str) -> Iterator[Hit]:
    """Addresses at which a person could be reached; none of examples, files and logins of programs."""
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        local = _LOCAL.search(text, max(at - 64, 0), at)
        if local is None:
            continue
        name = local.group().lstrip(_LEADING)
        if not name or name.endswith(".") or _NOBODY.match(name):
            continue
        if domain[2].lower() in _FILES or _RESERVED.search(domain[1]) or _MADE_UP.match(domain[1]):
            continue
        yield Hit("EMAIL", at - len(name), domain.end())
