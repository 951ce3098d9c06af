"""Writes the draft down behind the app's back, one write after the other, so that the last one wins."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openlora_tui.draft import Kept
    from openlora_tui.draft_file import DraftFile


class Keeper:
    """All its work is done in one thread of its own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "draft")
        self._file: DraftFile | None = None
        self._closed = False

    def left(self) -> Future[Kept | None]:
        """The draft that an app that is gone has left."""
        return self._pool.submit(self._left)

    def keep(self, kept: Kept | None) -> Future[None] | None:
        """Keep the draft as it is now; None where it is saved, or not wanted. Nothing is done once closed."""
        return None if self._closed else self._pool.submit(self._keep, kept)

    def close(self) -> None:
        """Wait for what is under way, and let the draft go for whoever opens the app next."""
        self._closed = True
        self._pool.submit(self._drop)
        self._pool.shutdown(wait=True)

    def _left(self) -> Kept | None:
        from engine.paths import home

        if not any((home() / "drafts").glob("*.json")):
            return None
        return self._opened().left()

    def _keep(self, kept: Kept | None) -> None:
        if kept is not None:
            self._opened().write(kept)
        elif self._file is not None:
            self._file.clear()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.drop()

    def _opened(self) -> DraftFile:
        if self._file is None:
            from engine.paths import home
            from openlora_tui.draft_file import DraftFile

            self._file = DraftFile(home())
        return self._file
