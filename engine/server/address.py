"""Where an engine is found: its socket, its key, and the home's symlink that points there."""

from __future__ import annotations

import logging
import os
import threading
from multiprocessing.managers import BaseManager
from pathlib import Path

from engine.bus import Mailboxes, key_file
from engine.paths import engine_link, engine_name, socket_folder
from engine.problem import Problem


class Address:
    """Serves mailboxes to this user's processes for as long as the engine lives.

    Raises:
        Problem: on creation, where the folder for sockets is not private.
    """

    def __init__(self, root: Path, boxes: Mailboxes) -> None:
        self._root = root
        self._boxes = boxes
        self._trouble = ""
        self.socket = self._serve()

    def keep(self) -> None:
        """Listen again where someone, such as a cleaner of /tmp, has removed the socket, key or symlink."""
        try:
            if not self._stands():
                logging.warning("%s was removed or replaced: listening again", self.socket)
                self._serve()
            self._trouble = ""
        except (Problem, OSError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                logging.error("nobody can attach: %s", error)

    def withdraw(self) -> None:
        """Take the address away, unless a newer engine has put its own there."""
        link = engine_link(self._root)
        if link.is_symlink() and link.readlink().name == self.socket.name:
            link.unlink(missing_ok=True)
        key_file(self.socket).unlink(missing_ok=True)  # the listener removes its socket at exit

    def _serve(self) -> Path:
        # A path of its own for each engine: who finds a dead one's cannot take it for the next one's.
        key = os.urandom(32)
        folder, name = socket_folder(), engine_name(self._root)
        socket = folder / f"{name}-{os.getpid()}.sock"
        _sweep(folder, name)
        _write_private(key_file(socket), key)

        class Served(BaseManager):
            pass

        Served.register("mailboxes", callable=lambda: self._boxes, exposed=("take", "exchange"))
        server = Served(address=str(socket), authkey=key).get_server()
        threading.Thread(target=server.serve_forever, name="bus", daemon=True).start()
        link = engine_link(self._root)
        temporary = link.with_suffix(f".{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(socket.name)
        temporary.replace(link)
        return socket

    def _stands(self) -> bool:
        link = engine_link(self._root)
        linked = link.is_symlink() and link.readlink().name == self.socket.name
        return linked and self.socket.is_socket() and key_file(self.socket).is_file()


def _sweep(folder: Path, name: str) -> None:
    """Remove what earlier engines of this home have left; whoever serves holds its lock, so none lives."""
    for left in (*folder.glob(f"{name}-*.sock"), *folder.glob(f"{name}-*.key")):
        left.unlink(missing_ok=True)


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
