"""What became of each key of another trainer's file, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from engine.recipe.foreign.translation import Line, Outcome, Translation

_TITLES: Final[dict[Outcome, str]] = {
    "same": "the same here",
    "translated": "translated",
    "default": "not in the file, and written out: what {tool} takes by itself",
    "ignored": "without effect here",
}


def told(taken: Translation) -> Iterator[str]:
    """Lines for a terminal, what changes the run last, because there it is seen."""
    counts = Counter(line.outcome for line in taken.lines)
    said = sum(counts.values()) - counts["default"]
    yield f"{taken.tool}: {said} keys, {counts['default']} defaults"
    for outcome, title in _TITLES.items():
        lines = [line for line in taken.lines if line.outcome == outcome]
        if not lines:
            continue
        yield f"{title.format(tool=taken.tool)}:"
        if outcome == "same":
            yield "  " + ", ".join(line.key for line in lines)
            continue
        silent = [line.key for line in lines if line.outcome == "ignored" and line.value in ("null", "false")]
        spoken = [line for line in lines if line.key not in silent]
        for consequence in dict.fromkeys(line.consequence for line in spoken):
            for line in spoken:
                if line.consequence == consequence:
                    yield _line(line)
            if consequence:
                yield f"      {consequence}"
        if silent:
            yield f"  unset or off: {', '.join(silent)}"


def document(path: Path | None, text: str, taken: Translation | None) -> dict[str, Any]:
    """The document that `openlora new --json` prints."""
    return {
        "path": None if path is None else str(path.absolute()),
        "recipe": text,
        "tool": None if taken is None else taken.tool,
        "keys": [] if taken is None else taken.lines,
    }


def _line(line: Line) -> str:
    value = "" if line.outcome == "default" else f": {line.value}"
    field = f"{line.field}: " if line.field else ""
    becomes = f" -> {field}{line.becomes}" if line.becomes else ""
    return f"  {line.key}{value}{becomes}"
