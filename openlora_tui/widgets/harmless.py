"""Textual's widgets to type into: what they hold may come from a file or a paste, and is drawn cleaned."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input

from engine.text import clean


def harmless(strip: Strip) -> Strip:
    """The strip with characters that steer a terminal drawn as their pictures."""
    if all(text.isprintable() for text, _, _ in strip):
        return strip
    shown = [Segment(clean(text).replace("\n", " ").replace("\t", " "), style) for text, style, _ in strip]
    return Strip(shown).adjust_cell_length(strip.cell_length)


class Line(Input):
    """One line to type into."""

    def render_line(self, y: int) -> Strip:
        """Textual's own strip, cleaned."""
        return harmless(super().render_line(y))
