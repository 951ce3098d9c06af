"""Chooses in which order the rows of data are shown."""

from __future__ import annotations

from engine.inspection.talk import TOKENS
from engine.text import one_line
from openlora_tui.inspecting import Inspecting
from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.widgets.painted import Row


def order(about: Inspecting) -> Chooser:
    """Gives `up:COLUMN` or `down:COLUMN`; without a column it is the order of the files."""

    def options() -> list[Option]:
        files = Option("up:", "as in the files", "", [Row("Every row in its place.", "dim")])
        tokens = [
            Option(f"down:{TOKENS}", "longest first", "by tokens", _about("tokens as the model counts them")),
            Option(f"up:{TOKENS}", "shortest first", "by tokens", _about("tokens as the model counts them")),
        ]
        columns = [
            Option(f"{way}:{name}", f"{one_line(name, 40)} {word}", "by a column", _about(_CASE))
            for name in about.columns
            for way, word in (("up", "rising"), ("down", "falling"))
        ]
        return [files, *(tokens if about.lengths is not None else []), *columns]

    return Chooser(
        Question(
            title="Order of the rows",
            prompt="filter",
            empty="There is no such column.",
            options=options,
            typed=lambda text: None,
            about_rows=2,
            act="sort",
        )
    )


_CASE = "numbers by their size, then texts, capitals like small letters; the first 200,000 rows"


def _about(text: str) -> list[Row]:
    return [Row(text, "dim")]
