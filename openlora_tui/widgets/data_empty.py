"""What stands in the place of the rows of the Data screen while there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.text import one_line
from openlora_tui.inspecting import Inspecting
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import near, wrapped

_TEACH = (
    "Look at the rows before you train on them: which shape they have,",
    "how long they are, what max_length would cut off, and which words",
    "of each row the model learns.",
)


def empty_rows(about: Inspecting, key: Callable[[str], str], folder: Path, width: int) -> list[Row]:
    """Teach: what would be here, and the key that brings it; or what went wrong, and what to do."""
    if about.problem is not None:
        other = _way(key("other_data"), "look at another file")
        return [*_trouble(about.problem, folder, width), Row(), other]
    if about.report is not None:
        return [Row(), Row("  The file holds no rows.", "bright")] if about.report.done else []
    if about.spec is not None:
        return [Row(), Row("  Reading the first rows …", "bright")]
    return [
        Row(),
        Row("  No data yet", "bright"),
        Row(),
        *(Row(f"  {line}", "dim") for line in _TEACH),
        Row(),
        _way(key("other_data"), "choose a data file"),
        _way(key("data_model"), "choose the model whose tokenizer counts"),
        Row(),
        Row("  In the shell: ", "dim").add("openlora inspect rows.jsonl --model M", "bright"),
    ]


def _way(key: str, does: str) -> Row:
    return Row("  ").add(key, "bold accent").add(f"   {does}")


def _trouble(problem: dict[str, str], folder: Path, width: int) -> list[Row]:
    rows = [Row(), Row("  ").add(one_line(problem.get("what", "")), "bold bad"), Row()]
    for name in ("where", "why", "do"):
        lines = wrapped(near(problem[name], folder), width - 10) if problem.get(name) else []
        for number, line in enumerate(lines):
            rows.append(Row("  ").add((name if not number else "").ljust(7), "dim").add(line))
    return rows
