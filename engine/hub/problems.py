"""Says in words why the hub, the network or the disk did not give a model, and what to do about it."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from engine.data.refusal import Refusal
from engine.hub import cache
from engine.problem import WORK_FAILED, Problem
from engine.text import one_line

NETWORK: Final = HfHubHTTPError.__mro__[1]
"""The class above all errors of the HTTP client, whichever client the hub's library uses."""
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def explaining(model: str, revision: str, kind: cache.Kind = "models") -> Iterator[None]:
    """Turn what goes wrong in the body into a Refusal, where it is known what it means to a person."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        refusal = _refusal(error, model, revision, kind)
        if refusal is None:
            raise
        # Not chained: the library's own message holds addresses that are signed for one person.
        raise refusal from None


def _refusal(error: Exception, model: str, revision: str, kind: cache.Kind) -> Refusal | None:
    match error:
        case GatedRepoError():
            return _gated(error, page(model, kind), model)
        case RepositoryNotFoundError():
            return _not_found(model, kind)
        case RevisionNotFoundError():
            return _no_revision(page(model, kind), model, revision)
        case OfflineModeIsEnabled():
            return offline(model, kind)
        case HfHubHTTPError():
            return _answered(error, model)
        case ConnectionError() | TimeoutError():
            return _unreachable(error)
        case OSError():
            return _disk(error)
    return _unreachable(error) if isinstance(error, NETWORK) else None


def passing(error: Exception) -> bool:
    """True for what may be gone when it is tried again."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _BUSY
    if isinstance(error, OfflineModeIsEnabled):
        return False
    return isinstance(error, (NETWORK, ConnectionError, TimeoutError))


def page(model: str, kind: cache.Kind = "models") -> str:
    """The page of a model or dataset on the hub that is in use."""
    return f"{_endpoint()}/{'datasets/' if kind == 'datasets' else ''}{model}"


def offline(model: str, kind: cache.Kind = "models") -> Refusal:
    """The model, or dataset, is not here, and nothing may be fetched."""
    pull = f"{'--dataset ' if kind == 'datasets' else ''}{model}"
    return _refused(
        f"{model} is not in the hub's cache on this machine, and nothing may be fetched.",
        where=str(cache.cache_folder()),
        why="HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set.",
        do=f"Unset it and `openlora pull {pull}`, or copy the {kind[:-1]} here and name its folder.",
    )


def _gated(error: GatedRepoError, place: str, model: str) -> Refusal:
    account = _account()
    if account is None:
        why = "Nobody is logged in here."
        do = f"Accept the terms on {place}, then `hf auth login` with that account, or set HF_TOKEN."
    else:
        why = f"The account {account} is not one of them, or its token may not read gated repositories."
        do = f"Accept the terms on {place} with the account {account}, then try again."
    said = one_line(error.server_message or "", 300)
    return _refused(
        f"{model} is gated: its owner hands it only to accounts that accepted its terms.",
        where=place,
        why=f"{why} The hub says: {said}" if said else why,
        do=do,
    )


def _account() -> str | None:
    """Whose token is in use; None where there is none. The token itself is never told."""
    if get_token() is None:
        return None
    try:
        return one_line(str(HfApi().whoami()["name"]), 80)
    except Exception:
        return "that the token belongs to"


def _not_found(model: str, kind: cache.Kind) -> Refusal:
    noun = kind[:-1]
    here = cache.models() if kind == "models" else cache.datasets()
    near = difflib.get_close_matches(model, [found.name for found in here], n=1, cutoff=0.6)
    guess = f"Did you mean {near[0]}? " if near else ""
    hidden = "" if get_token() else f" A private {noun} needs `hf auth login`."
    return _refused(
        f"The hub knows no {noun} {model}.",
        where=page(model, kind),
        why="No folder of that name is here either.",
        do=f"{guess}Check the spelling; write a folder as a path, such as ./{model}.{hidden}",
        exit_status=2,
    )


def _no_revision(place: str, model: str, revision: str) -> Refusal:
    return _refused(
        f"{model} has no revision {revision}.",
        where=place,
        do=f"{place}/commits/main lists its commits; branches and tags work too.",
        exit_status=2,
    )


def _answered(error: HfHubHTTPError, model: str) -> Refusal:
    status = error.response.status_code
    said = one_line(error.server_message or "", 300)
    if status in (401, 403):
        return _refused(
            f"The hub does not accept the token for {model}.",
            where=page(model),
            why=said or f"It answered {status}.",
            do="`hf auth login` stores a new one; where HF_TOKEN is set, it comes first.",
        )
    return _refused(
        f"The hub answered {status}.",
        where=_endpoint(),
        why=said,
        do="Try again later; what has come so far is kept.",
    )


def _unreachable(error: Exception) -> Refusal:
    said = one_line(f"{type(error).__name__}: {error}", 200)
    return _refused(
        "The hub cannot be reached.",
        where=_endpoint(),
        why=f"{said.rstrip('.')}.",
        do="Check the network and HTTPS_PROXY, or set HF_ENDPOINT to a mirror; what has come so far is kept.",
    )


def _disk(error: OSError) -> Refusal | None:
    where = str(error.filename or cache.cache_folder())
    if error.errno in _FULL:
        do = "Free some space (`hf cache ls`, `hf cache rm`), then try again: what has come so far is kept."
        return _refused("The disk is full.", category="save_or_disk", where=where, do=do)
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        do = "Set HF_HOME to a folder that you may write to."
        return _refused("The hub's cache may not be written.", category="save_or_disk", where=where, do=do)
    return None


def _endpoint() -> str:
    """The hub's address, without a password that may be in it."""
    scheme, mark, rest = constants.ENDPOINT.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _refused(
    what: str,
    *,
    category: Literal["hub_auth_or_gated", "save_or_disk"] = "hub_auth_or_gated",
    where: str = "",
    why: str = "",
    do: str = "",
    exit_status: int = WORK_FAILED,
) -> Refusal:
    return Refusal(category, what, where=where, why=why, do=do, exit_status=exit_status)
