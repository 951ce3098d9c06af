"""Prints the JSON that `--json` promises."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.text import sayable

_STEERING: Final = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
"""What JSON may hold as it is and a terminal would obey; JSON has another spelling for it."""


def print_document(document: object) -> None:
    """One JSON document on a line of stdout, at once."""
    try:
        text = msgspec.json.encode(document)
    except UnicodeEncodeError:  # a file name that is not UTF-8
        text = msgspec.json.encode(sayable(msgspec.to_builtins(document)))
    print(text.decode().translate(_STEERING), flush=True)


def print_line(line: bytes) -> None:
    """One line of a run's events; what is no JSON is left out, for the reader could not go on."""
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    print(line.decode("utf-8", "replace").translate(_STEERING))
