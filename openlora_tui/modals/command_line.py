"""The form as a command line, to be read and copied."""

from __future__ import annotations

from openlora_tui.modals.readers import Reader
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped


class CommandLine(Reader):
    """The commands that do the same as the form."""

    def __init__(self, run: list[str], others: list[tuple[str, str]]) -> None:
        super().__init__("The same on the command line", "copied")
        self._run, self._others = run, others

    def write(self, width: int) -> list[Row]:
        """The run first, then what the other keys do."""
        rows = [Row(line, "bright") for command in self._run for line in wrapped(command, width)]
        rows += [Row(), Row("And the rest of this screen", "dim"), Row()]
        for label, command in self._others:
            first, *rest = wrapped(command, max(width - 26, 20))
            rows.append(Row(f"  {label}".ljust(26), "dim").add(first))
            rows += [Row(" " * 26).add(line) for line in rest]
        return rows
