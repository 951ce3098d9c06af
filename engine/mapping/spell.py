"""Writes a mapping as a person pastes it into a recipe."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.mapping.mapping import Mapping, plain


def spelt(mapping: Mapping) -> str:
    """On one line, as YAML and JSON both read it."""
    return msgspec.json.encode(plain(mapping)).decode()


def lines(mapping: Mapping, indent: str = "  ") -> list[str]:
    """A field a line, as a block below `mapping:`."""
    return [f"{indent}{name}: {_value(value)}" for name, value in plain(mapping).items()]


def _value(value: Any) -> str:
    return msgspec.json.encode(value).decode()
