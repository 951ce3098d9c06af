"""The machines that share a run, in torchrun's words."""

from __future__ import annotations

import re
import socket

import msgspec

from engine.problem import Problem

_WRITTEN = re.compile(r"(\d{1,5})/(\d{1,5})@(.+):(\d{1,5})")


class Node(msgspec.Struct, frozen=True):
    """This machine among them; the first one leads, and is met at `host` and `port`."""

    number: int = 0
    count: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    """0 for one that is free, where there is one machine."""

    def __str__(self) -> str:
        return f"{self.number}/{self.count}@{self.host}:{self.port}"

    def told(self, ranks: int) -> dict[str, str]:
        """The variables that tell ranks how many they are and where they meet."""
        return {
            "WORLD_SIZE": str(ranks * self.count),
            "LOCAL_WORLD_SIZE": str(ranks),
            "GROUP_RANK": str(self.number),
            "MASTER_ADDR": self.host,
            "MASTER_PORT": str(self.port or _free_port()),
        }


def node_in(text: str) -> Node:
    """The node that `str(node)` wrote."""
    found = _WRITTEN.fullmatch(text)
    assert found is not None, text
    return Node(int(found[1]), int(found[2]), found[3], int(found[4]))


def node_of(count: int, number: int, endpoint: str | None) -> Node:
    """What a person said of the machines.

    Raises:
        Problem: it does not go together.
    """
    if count == 1 and number == 0:
        return Node()
    host, _, port = (endpoint or "").rpartition(":")
    if not 0 <= number < count:
        raise Problem(f"There is no node {number} of {count}.", where="--node-rank", do="Number them from 0.")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise Problem(
            "Several machines need a place to meet.",
            where="--rdzv-endpoint",
            do="Name the first machine and a free port of it, as in node0:29500.",
        )
    return Node(number, count, host.strip("[]"), int(port))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
