"""Addresses of machines in the public internet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from engine.data.checks.personal.hit import Hit

_FOUR: Final = re.compile(r"(?<![\w.+-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_SIX: Final = re.compile(
    r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){2,7}(?::|[0-9a-fA-F]{1,4})(?::?[0-9a-fA-F]{1,4})*(?![\w:])"
)
_VERSION: Final = re.compile(
    r"(?:\bv|versions?|release|build|firmware|driver|section|chapter|clause|\bno\.?|§)\W{0,3}$", re.IGNORECASE
)
_NAME_SERVERS: Final = """
8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 4.2.2.2 114.114.114.114
2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001
"""
"""Everybody's, which say nothing of anybody."""
_EVERYBODYS: Final = frozenset(_NAME_SERVERS.split())


def addresses(text: str) -> Iterator[Hit]:
    """Global IPv4 and IPv6 addresses; no private, documentation or test ones, and no version numbers."""
    patterns = [_FOUR] if text.count(".") >= 3 else []
    patterns += [_SIX] if text.count(":") >= 3 else []
    for pattern in patterns:
        for found in pattern.finditer(text):
            if _is_public(found.group()) and not _VERSION.search(
                text, max(found.start() - 20, 0), found.start()
            ):
                yield Hit("IP", found.start(), found.end())


def _is_public(written: str) -> bool:
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast or written.lower() in _EVERYBODYS:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in _GLOBAL_UNICAST
    # Four single digits are the number of a version or of a section.
    return max(map(len, written.split("."))) > 1 and not written.endswith((".0", ".255"))


_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
