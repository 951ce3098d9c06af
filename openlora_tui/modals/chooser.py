"""Type or pick: a line to type into over a list that follows it, with a word on what is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input

from engine.text import one_line
from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Painted, Row, between
from openlora_tui.widgets.pick_list import Item, PickList

_HELP: Final = 13
"""Column in which the help of an option begins."""
_MISFIT: Final = 5


@dataclass
class Option:
    """Something to choose."""

    value: str
    label: str
    note: str = ""
    """Said at the right edge."""
    about: list[Row] = field(default_factory=list)
    """Shown below the list while the option is under the cursor."""
    refusal: str = ""
    """Why it cannot be chosen."""
    role: str = "text"
    help: str = ""
    """Said after the label, in a column of its own."""

    def __post_init__(self) -> None:
        self.lowered = self.label.lower()


@dataclass(frozen=True)
class Question:
    """What a chooser asks, and how it judges what is typed."""

    title: str
    prompt: str
    empty: str
    """Shown where there is nothing to pick."""
    options: Callable[[], Sequence[Option]]
    """Called in a thread."""
    typed: Callable[[str], Option | None]
    """What a typed text means, None where it is only a filter; called in a thread."""
    value: str = ""
    about_rows: int = 6
    act: str = "choose"
    looked_at: Callable[[Option], None] = lambda option: None
    """Called when an option comes under the cursor."""


def fit(option: Option, text: str) -> int:
    """How well an option answers to a lower-case text: 0 is its very name, `_MISFIT` not at all."""
    label = option.lowered
    if not text:
        return 1
    if label == text:
        return 0
    if label.startswith(text):
        return 1
    words = text.split()
    if all(any(part.startswith(word) for part in label.split()) for word in words):
        return 2
    if all(word in label for word in words):
        return 3
    around = f"{label} {option.help} {option.note}".lower()
    return 4 if all(word in around for word in words) else _MISFIT


class About(Painted):
    """The word on what is chosen."""

    DEFAULT_CSS = "About { margin: 1 0 0 0; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """What the option says of itself."""
        screen = self.screen
        assert isinstance(screen, Chooser)
        option = screen.option
        return option.about if option is not None else []


class Chooser(Dialogue[str | None]):
    """Gives the value of an option or the text that was typed."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("down,ctrl+n,tab", "next", show=False, priority=True),
        Binding("up,ctrl+p,shift+tab", "before", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("enter", "choose", show=False, priority=True),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self._all: list[Option] = []
        self._typed: Option | None = None
        self._loading = True
        self._sought = ""
        self.set_class(question.about_rows == 0, "-brief")

    def compose(self) -> ComposeResult:
        """The line, the list, the word."""
        with Vertical(id="frame"):
            yield Title(self._question.title)
            line = Line(
                self._question.value, placeholder=self._question.prompt, compact=True, select_on_focus=False
            )
            line.cursor_blink = False
            yield line
            yield Lines([Row()])
            yield PickList(id="options", empty=self._empty)
            if self._question.about_rows:
                yield About()
            yield Lines([Row(), keys(("enter", self._question.act), ("up down", "move"), ("esc", "cancel"))])

    def on_mount(self) -> None:
        """Read the options in the background."""
        self.query_one("#options", PickList).styles.height = "1fr"
        self.query_one("#options", PickList).can_focus = False
        if self._question.about_rows:
            self.query_one(About).styles.height = self._question.about_rows
        self.query_one(Input).focus()
        self.run_worker(self._load(), exclusive=True, group="load")

    @property
    def option(self) -> Option | None:
        """What enter would choose: a typed text that means something, else the option under the cursor."""
        if self._typed is not None:
            return self._typed
        current = self.query_one("#options", PickList).current
        return current.extra if current is not None and isinstance(current.extra, Option) else None

    def action_next(self) -> None:
        """One down."""
        self._typed = None
        self.query_one("#options", PickList).action_down()
        self._say()

    def action_before(self) -> None:
        """One up."""
        self._typed = None
        self.query_one("#options", PickList).action_up()
        self._say()

    def action_page(self, way: int) -> None:
        """A page down or up."""
        listed = self.query_one("#options", PickList)
        listed.action_page_down() if way > 0 else listed.action_page_up()

    async def action_choose(self) -> None:
        """Take it, unless there is a reason not to."""
        text = self.query_one(Input).value.strip()
        if text and self._typed is None:
            self._typed = await asyncio.to_thread(self._question.typed, text)
        option = self.option
        if option is None:
            self.tui.tell(
                self._question.empty if not text else f"Nothing here is called {one_line(text, 40)}."
            )
        elif option.refusal:
            self._say()
            self.tui.tell(option.refusal)
        else:
            self.dismiss(option.value)

    async def _load(self) -> None:
        self._all = list(await asyncio.to_thread(self._question.options))
        self._loading = False
        self._show()

    @on(Input.Changed)
    async def _changed(self, event: Input.Changed) -> None:
        text = event.value.strip()
        self._typed = await asyncio.to_thread(self._question.typed, text) if text else None
        if self.is_attached:
            self._show()

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._say()

    @on(PickList.Chosen)
    async def _clicked(self) -> None:
        self._typed = None
        await self.action_choose()

    def _show(self) -> None:
        text = " ".join(self.query_one(Input).value.lower().split())
        ranked = [(fit(option, text), option) for option in self._all]
        fitting = [option for rank, option in sorted(ranked, key=lambda pair: pair[0]) if rank < _MISFIT]
        if self._typed is not None and not fitting:
            fitting = self._all
        items = [Item(o.value or o.label, self._line(o), extra=o) for o in fitting]
        listed = self.query_one("#options", PickList)
        listed.show(items)
        if items and text != self._sought:
            listed.choose(items[0].key)
        self._sought = text
        self._say()

    def _say(self) -> None:
        if self.option is not None:
            self._question.looked_at(self.option)
        for about in self.query(About):
            about.repaint()

    def _line(self, option: Option) -> Callable[[int], Row]:
        """Written when it comes into view: there may be thousands."""

        def line(width: int) -> Row:
            left = Row(one_line(option.label), "dim" if option.refusal else option.role)
            if option.help:
                left.to(_HELP).add(f" {one_line(option.help)}", "dim")
            return between(left, Row(one_line(option.note, 44), "dim"), width)

        return line

    def _empty(self, width: int) -> list[Row]:
        return [Row(" ").add("Looking …" if self._loading else self._question.empty, "dim")]
