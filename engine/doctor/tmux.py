"""tmux around the app: what it lets through to the terminal, and how fast."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from engine.doctor.check import Check, good, note, warning

_ESCAPE: Final = 50
"""Milliseconds: a lone escape is felt as late beyond this; tmux waited 500 before 3.5."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What tmux says of itself and of the terminal around it."""

    version: str = ""
    terminal: str = ""
    """The outer terminal's name."""
    features: tuple[str, ...] = ()
    """What tmux believes that it can, such as `RGB` and `clipboard`."""
    inner: str = ""
    """TERM inside, by `default-terminal`."""
    clipboard: str = ""
    escape: int | None = None


def look() -> Iterator[Check]:
    """Nothing where there is no tmux around."""
    if os.environ.get("STY") and not os.environ.get("TMUX"):
        yield note("screen", "passes on neither the clipboard nor true colour", "tmux does.")
    if not os.environ.get("TMUX"):
        return
    try:
        settings = _asked()
    except (OSError, subprocess.SubprocessError) as error:
        why = "did not answer in 2 s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        yield warning("tmux", f"its server {why}", "Should it be stopped: kill -CONT its process.")
        return
    yield from checks(settings, os.environ)


def checks(settings: Settings, env: Mapping[str, str]) -> Iterator[Check]:
    """The version, then what spoils the app."""
    yield good("tmux", f"{settings.version} in {settings.terminal or 'an unknown terminal'}")
    yield _clipboard(settings)
    yield _colours(settings, env)
    yield _escape(settings)


def _clipboard(settings: Settings) -> Check:
    if settings.clipboard != "on":
        do = "tmux set -s set-clipboard on (and in ~/.tmux.conf): then y copies to your own clipboard."
        return note(
            "clipboard", f"set-clipboard is {settings.clipboard or 'unknown'}: what is copied stays here", do
        )
    if settings.features and "clipboard" not in settings.features:
        do = f"tmux set -as terminal-features ',{settings.terminal or '*'}:clipboard'"
        return note("clipboard", f"on, but tmux thinks that {settings.terminal} has none", do)
    return good("clipboard", "on")


def _colours(settings: Settings, env: Mapping[str, str]) -> Check:
    if not settings.inner.startswith(("tmux", "screen")):
        do = "tmux set -g default-terminal tmux-256color"
        return note(
            "colours", f"default-terminal is {settings.inner or 'unknown'}, which is not tmux's own", do
        )
    announced = env.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    if "RGB" in settings.features:
        if announced:
            return good("true colour", "goes through")
        return note("colours", "would go through", "export COLORTERM=truecolor, and the app uses it.")
    if announced:
        do = f"tmux set -as terminal-features ',{settings.terminal or '*'}:RGB', then attach again."
        return note("true colour", "is announced, and tmux makes 256 colours of it", do)
    return good("true colour", "none is announced; 256 colours")


def _escape(settings: Settings) -> Check:
    if settings.escape is None:
        return note("escape-time", "unknown", "tmux show -sv escape-time says it.")
    if settings.escape > _ESCAPE:
        do = "tmux set -sg escape-time 10 (and in ~/.tmux.conf): esc is felt at once."
        return note("escape-time", f"{settings.escape} ms", do)
    return good("escape-time", f"{settings.escape} ms")


def _asked() -> Settings:
    escape = _tmux("show-options", "-sv", "escape-time")
    told = _tmux("display-message", "-p", "#{version}\t#{client_termname}\t#{client_termfeatures}")
    version, terminal, features = [*told.split("\t"), "", ""][:3]
    return Settings(
        version=version,
        terminal=terminal,
        features=tuple(features.split(",")) if features else (),
        inner=_tmux("show-options", "-gv", "default-terminal"),
        clipboard=_tmux("show-options", "-sv", "set-clipboard"),
        escape=int(escape) if escape.isdigit() else None,
    )


def _tmux(*words: str) -> str:
    done = subprocess.run(["tmux", *words], capture_output=True, text=True, timeout=2, check=False,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    return done.stdout.rstrip("\n")
