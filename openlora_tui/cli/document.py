"""Prints the JSON that `--json` promises."""

from __future__ import annotations

import msgspec

from engine.text import in_json, sayable


def print_document(document: object) -> None:
    """One JSON document on a line of stdout, at once."""
    try:
        text = msgspec.json.encode(document)
    except UnicodeEncodeError:  # a file name that is not UTF-8
        text = msgspec.json.encode(sayable(msgspec.to_builtins(document)))
    print(in_json(text.decode()), flush=True)


def print_line(line: bytes) -> None:
    """One line of a run's events; what is no JSON is left out, for the reader could not go on."""
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    print(in_json(line.decode("utf-8", "replace")))
