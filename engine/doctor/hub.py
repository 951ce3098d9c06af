"""The hub: its cache, the token, and whether anything may be fetched."""

from __future__ import annotations

import os
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from engine.doctor.check import Check, gib, good, note, warning
from engine.hub import cache

_OFFLINE: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_YES: Final = frozenset({"1", "on", "yes", "true"})
_PUBLIC: Final = "https://huggingface.co"
_SECONDS: Final = 6.0


def look() -> Iterator[Check]:
    """What is here, and whether more may come; nothing is asked of the network."""
    yield cached()
    yield token_check(os.environ)
    yield _endpoint()


def cached() -> Check:
    """What the cache holds, and whether it may grow."""
    models = cache.models()
    whole = [model for model in models if model.complete]
    size = gib(sum(model.bytes for model in models))
    found = f"{len(whole)} model{'' if len(whole) == 1 else 's'}, {size} in {cache.cache_folder()}"
    broken = [model.name for model in models if not model.complete and model.bytes > 1 << 20]
    folder = cache.cache_folder()
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        return warning("models", f"{found}, which cannot be written", "Set HF_HOME to a folder of yours.")
    if broken:
        return note(
            "models", f"{found}; not whole: {', '.join(broken[:3])}", "`openlora pull` goes on with one."
        )
    return good("models", found)


def token_check(env: Mapping[str, str]) -> Check:
    """Is there a token? It is never shown."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if env.get(name):
            return good("token", f"one is set by {name}")
    path = _token_file(env)
    try:
        mode = path.stat().st_mode
    except OSError:
        return good("token", "none; only gated and private models need one (`hf auth login`)")
    if stat.S_IMODE(mode) & 0o077:
        return warning("token", f"one lies in {path}, which others may read", f"chmod 600 {path}")
    return good("token", f"one lies in {path}")


def _token_file(env: Mapping[str, str]) -> Path:
    named = env.get("HF_TOKEN_PATH")
    if named:
        return Path(os.path.expandvars(named)).expanduser()
    caches = env.get("XDG_CACHE_HOME") or "~/.cache"
    home = env.get("HF_HOME") or os.path.join(caches, "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "token"


def _endpoint() -> Check:
    offline = [name for name in _OFFLINE if os.environ.get(name, "").lower() in _YES]
    if offline:
        return note(
            "hub", f"offline: {offline[0]} is set, and nothing is fetched", f"Unset {offline[0]} to fetch."
        )
    return good("hub", f"{shown(endpoint())} is asked when a model is missing; --online tries it")


def endpoint() -> str:
    """Where models come from."""
    return (os.environ.get("HF_ENDPOINT") or _PUBLIC).rstrip("/")


def shown(url: str) -> str:
    """An address without the name and password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def reach() -> Iterator[Check]:
    """Ask the hub for a page, as a fetch would: by the proxy that is set, and with no token."""
    where = endpoint()
    request = urllib.request.Request(f"{where}/api/models?limit=1", headers={"User-Agent": "openlora-doctor"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        do = "Check the network, HTTPS_PROXY and HF_ENDPOINT; models already here are used without it."
        yield warning("reached", f"{shown(where)} cannot be reached: {why}", do)
        return
    if status < 400:
        yield good("reached", f"{shown(where)} answers")
    else:
        yield warning(
            "reached", f"{shown(where)} answers with status {status}", "Check HF_ENDPOINT and the proxy."
        )
