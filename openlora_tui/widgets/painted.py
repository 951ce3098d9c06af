"""The one way in which the widgets draw: rows of coloured text, of which only changed cells are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from engine.text import clean

if TYPE_CHECKING:
    from openlora_tui.host import Host
    from openlora_tui.themes import Look

# Two changed spans closer than this go out as one: moving the terminal's cursor costs about as many bytes.
_GAP: Final = 8
_ASCII: Final = str.maketrans("…–°·→‹›“”", '~- -><>""')


class Row:
    """One line as it is being written: pieces of plain text, each with a role of the theme."""

    __slots__ = ("pieces", "width")

    def __init__(self, text: str = "", role: str = "text") -> None:
        self.pieces: list[tuple[str, str]] = []
        self.width = 0
        self.add(text, role)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and self.pieces == other.pieces

    __hash__ = None  # type: ignore[assignment]

    def add(self, text: str, role: str = "text") -> Row:
        """Append text; a line stays one line, and steers no terminal, whatever it holds."""
        if not text.isprintable():
            text = clean(text).replace("\n", " ").replace("\t", " ")
        if text:
            self.pieces.append((text, role))
            self.width += cell_len(text)
        return self

    def to(self, column: int) -> Row:
        """Fill with blanks up to `column`."""
        return self.add(" " * (column - self.width))

    def join(self, other: Row) -> Row:
        """Append the pieces of another row."""
        self.pieces += other.pieces
        self.width += other.width
        return self

    def cut(self, width: int, ellipsis: str = "…") -> Row:
        """The row itself, or where it is too long a copy that ends in an ellipsis."""
        if self.width <= width:
            return self
        short = Row()
        for text, role in self.pieces:
            left = width - 1 - short.width
            if cell_len(text) > left:
                return short.add(set_cell_size(text, max(left, 0)), role).add(ellipsis[: max(width, 0)], role)
            short.add(text, role)
        return short

    def on(self, ground: str) -> Row:
        """A copy over a background role."""
        copy = Row()
        for text, role in self.pieces:
            copy.add(text, f"{role.partition(' on ')[0]} on {ground}")
        return copy

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(text for text, _ in self.pieces)


def between(left: Row, right: Row, width: int) -> Row:
    """`left` at the left edge and `right` at the right one; the left gives way."""
    if right.width >= width:
        return right.cut(width)
    left = left.cut(max(width - right.width - 1, 0))
    row = Row().join(left)
    return row.to(width - right.width).join(right)


def columns(parts: Iterable[Row], gap: str) -> Row:
    """Rows side by side."""
    row = Row()
    for part in parts:
        if part.width:
            row.add(gap if row.width else "").join(part)
    return row


def fitting(parts: list[Row], gap: str, width: int) -> Row:
    """As many of the first parts side by side as fit whole."""
    row = columns(parts, gap)
    while row.width > width and len(parts) > 1:
        parts = parts[:-1]
        row = columns(parts, gap)
    return row


class Painted(Widget):
    """A widget that writes all its rows anew and repaints the cells that differ."""

    ALLOW_SELECT = False
    JUMP: ClassVar[str] = ""
    """The action that jump mode runs for a widget that does not take the focus."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []
        self._painted_for: tuple[int, int, Look | None] = (0, 0, None)

    @property
    def tui(self) -> Host:
        """The app, by its own type."""
        return cast("Host", self.app)

    def rows(self, width: int, height: int) -> list[Row]:
        """All rows of the widget; what does not fit is cut."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Write the rows and send what changed; costs nothing while the widget cannot be seen."""
        width, height = self.size
        if not width or not height or not self.is_attached:
            return
        look = self.tui.look
        known = self._rows if self._painted_for == (width, height, look) else None
        self._write(width, height, look)
        if known is None:
            self.refresh()
            return
        spans = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(known, self._rows, strict=True))
            if old != new
            for start, end in _changed(old, new, width)
        ]
        if spans:
            self.refresh(*spans)

    def render_line(self, y: int) -> Strip:
        """The strip of row y, written now if it has not been for this size and look."""
        width, height = self.size
        look = self.tui.look
        if self._painted_for != (width, height, look):
            self._write(width, height, look)
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return _strip(self._rows[y], width, look).apply_style(self.rich_style)

    def _write(self, width: int, height: int, look: Look) -> None:
        glyphs = self.tui.glyphs
        rows = [row.cut(width, glyphs.ellipsis) for row in self.rows(width, height)[:height]]
        if not glyphs.braille:
            rows = [_plain(row) for row in rows]
        self._rows = rows + [Row() for _ in range(height - len(rows))]
        self._painted_for = (width, height, look)


def _plain(row: Row) -> Row:
    """A row without the few characters beyond ASCII that the app's own words hold."""
    copy = Row()
    for text, role in row.pieces:
        copy.add(text.translate(_ASCII), role)
    return copy


def _strip(row: Row, width: int, look: Look) -> Strip:
    segments = [Segment(text, look.style(role)) for text, role in row.pieces]
    if row.width < width:
        segments.append(Segment(" " * (width - row.width)))
    return Strip(segments, max(width, row.width))


def _changed(old: Row, new: Row, width: int) -> list[tuple[int, int]]:
    """The spans of columns in which two rows differ; the whole line where a character is not one cell."""
    before, after = _cells(old, width), _cells(new, width)
    if before is None or after is None:
        return [(0, width)]
    spans: list[tuple[int, int]] = []
    for x in range(width):
        if before[x] == after[x]:
            continue
        if spans and x - spans[-1][1] < _GAP:
            spans[-1] = (spans[-1][0], x + 1)
        else:
            spans.append((x, x + 1))
    return spans


def _cells(row: Row, width: int) -> list[tuple[str, str]] | None:
    cells = [(char, role) for text, role in row.pieces for char in text]
    if any(not text.isascii() and any(cell_len(char) != 1 for char in text) for text, _ in row.pieces):
        return None
    return cells[:width] + [(" ", "text")] * (width - len(cells))
