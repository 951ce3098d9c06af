"""Configurations of popular base models, so that a run can be priced where none of their files is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.hub.cache import commit_of, read_json, repository
from engine.hub.names import MAIN, is_hub_id

_FILE: Final = Path(__file__).with_name("catalogue.json")


class Base(msgspec.Struct, frozen=True):
    """What is known of a model without its files."""

    ids: list[str]
    """Its hub ids; those of one architecture and size share an entry."""
    parameters: int
    """As its card on the hub counts them."""
    config: dict[str, Any]
    """The fields of its config.json that decide about its tensors."""


@cache
def bases() -> list[Base]:
    """All models of the catalogue."""
    return msgspec.json.decode(_FILE.read_bytes(), type=list[Base])


def known(model: str) -> Base | None:
    """The catalogue's entry for a hub id, or for the name behind its slash; None where it has none."""
    return _by_name().get(model.lower())


@cache
def _by_name() -> dict[str, Base]:
    short = {id.rpartition("/")[2].lower(): base for base in bases() for id in base.ids}
    return short | {id.lower(): base for base in bases() for id in base.ids}


def config_of(
    model: str, revision: str | None = None, env: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """The model's configuration: from its folder, else the hub's cache, else the catalogue; None if nowhere.

    Weights need not be there.
    """
    folder = Path(model).expanduser()
    if os.path.isdir(folder):
        return read_json(folder / "config.json") or None
    if is_hub_id(model):
        cached = repository(model, env)
        commit = commit_of(cached, revision or MAIN)
        if commit and (config := read_json(cached / "snapshots" / commit / "config.json")):
            return config
    base = known(model)
    return dict(base.config) if base is not None else None
