"""The line over the table that says which rows it shows, and which finding's rows one goes through."""

from __future__ import annotations

from collections.abc import Callable

from engine.inspection.talk import TOKENS
from engine.text import one_line
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.inspecting import Inspecting
from openlora_tui.trail import Trail
from openlora_tui.widgets.painted import Painted, Row, between, fitting


class TrailLine(Painted):
    """Nothing while all rows are shown in their order; the style sheet hides it then."""

    DEFAULT_CSS = "TrailLine { height: 1; padding: 0 1; display: none; background: $ol-surface; }"

    def __init__(
        self, about: Inspecting, trail: Callable[[], Trail | None], place: Callable[[], int]
    ) -> None:
        super().__init__()
        self._about, self._trail, self._place = about, trail, place

    def rows(self, width: int, height: int) -> list[Row]:
        """The finding at the left; where one is, and the keys, at the right."""
        about, trail, key = self._about, self._trail(), self.tui.facts().key
        view = about.view
        keys = [Row(key("close"), "bold accent").add(" all rows" if view else " end", "dim")]
        said = Row()
        if trail is not None:
            finding, glyphs = trail.finding, self.tui.glyphs
            said.add(f"{glyphs.severity[finding.severity]} ", SEVERITY_ROLE[finding.severity])
            said.add(one_line(finding.title))
            if trail.rows:
                pressed = f"{key('find_next')} {key('find_before')}"
                keys.insert(0, Row(pressed, "bold accent").add(" next", "dim"))
                at = self._place() if view is not None and view.finding else trail.at
                keys.insert(0, Row(f"{at + 1:,} of {len(trail.rows):,}", "bright"))
            if view is None or not view.finding:
                keys.insert(-1, Row(key("only_these"), "bold accent").add(" only these", "dim"))
        if view is not None and view.by:
            name = "tokens" if view.by == TOKENS else one_line(view.by, 24)
            order = Row("by ", "dim").add(name).add(", falling" if view.down else ", rising", "dim")
            if trail is None:
                said.add("sorted ", "dim").join(order)
            else:
                keys.insert(0, order)
        if view is not None and view.note:
            said.add(f"   {view.note}", "warn")
        right = fitting(keys, "   ", width)
        return [between(said, right, width)]
