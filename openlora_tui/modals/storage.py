"""What takes room on the disk, the largest of each kind first, and what of it can go."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.storage.prune import goes_unasked, prune
from engine.storage.survey import ABOUT, KINDS, Item, survey
from engine.text import amount, one_line
from openlora_tui.figures import age
from openlora_tui.modals.ask import Ask, Choice
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets import pick_list
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.pick_list import PickList
from openlora_tui.widgets.wrap import wrapped


class Storage(Dialogue[None]):
    """Looks in a thread; whatever goes is asked for first."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("d,enter", "remove", show=False),
        Binding("P", "remove_all", show=False),
    ]

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._found: list[Item] = []
        self._looking = True

    def compose(self) -> ComposeResult:
        """The list, and a word on what is under the cursor."""
        with Vertical(id="frame"):
            yield Title("Disk use")
            yield PickList(id="items", empty=self._empty)
            yield Lines([Row()] * 4, id="about")
            yield Foot(("d", "remove"), ("P", "remove what nobody needs"), ("esc", "close"))

    def on_mount(self) -> None:
        """Begin to look."""
        super().on_mount()
        listed = self.query_one("#items", PickList)
        listed.styles.height = "1fr"
        listed.focus()
        self.run_worker(self._look(), exclusive=True, group="look")

    async def _look(self) -> None:
        self._found = await asyncio.to_thread(survey, self._home)
        self._looking = False
        self.query_one("#items", PickList).show(
            [pick_list.Item(item.path, partial(_line, item, time.time()), extra=item) for item in self._found]
        )
        title = self.query_one(Title)
        sums = [(kind, sum(item.bytes for item in self._found if item.kind == kind)) for kind in KINDS]
        title.remark = "   ".join(f"{kind} {amount(size)}" for kind, size in sums if size)
        title.repaint()
        self._say()

    def on_pick_list_moved(self) -> None:
        """Another word."""
        self._say()

    def on_pick_list_chosen(self) -> None:
        """A second click."""
        self.action_remove()

    @property
    def _current(self) -> Item | None:
        current = self.query_one("#items", PickList).current
        return current.extra if current is not None and isinstance(current.extra, Item) else None

    def action_remove(self) -> None:
        """Remove what is under the cursor, once it is confirmed."""
        item = self._current
        if item is None:
            return
        if item.held:
            self.tui.tell(f"It cannot go: {item.held}.")
        else:
            self._ask([item], item.loses or ABOUT[item.kind])

    def action_remove_all(self) -> None:
        """Remove what can be made again and nobody holds, once it is confirmed."""
        items = [
            item
            for item in self._found
            if goes_unasked(item, ("checkpoints", "tokens"), older_than=0.0, now=time.time())
        ]
        if not items:
            self.tui.tell("There is nothing that nobody needs.")
            return
        self._ask(items, "checkpoints of finished runs, and encoded rows that no run uses")

    def _ask(self, items: list[Item], about: str) -> None:
        if self.tui.readonly:
            self.tui.tell("OpenLoRA was opened to watch only (--readonly).")
            return
        name = one_line(items[0].name, 40) if len(items) == 1 else f"{len(items)} of them"
        size = amount(sum(item.bytes for item in items))
        answers = [Choice("cancel", "cancel", "change nothing")]
        answers.append(Choice("remove", "remove", f"frees {size}", "bad"))
        question = Ask(f"Remove {name}?", f"{about[:1].upper()}{about[1:]}.", answers)
        self.app.push_screen(question, partial(self._answered, items))

    def _answered(self, items: list[Item], answer: str | None) -> None:
        if answer == "remove":
            self.run_worker(self._remove(items), exclusive=True, group="look")

    async def _remove(self, items: list[Item]) -> None:
        why = [await asyncio.to_thread(prune, item, self._home) for item in items]
        freed = sum(item.bytes for item, kept in zip(items, why, strict=True) if not kept)
        for kept in dict.fromkeys(filter(None, why)):
            self.tui.tell(f"Something stays: {kept}.")
        if freed:
            self.tui.tell(f"{amount(freed)} freed.", good=True)
        await self._look()

    def _say(self) -> None:
        item = self._current
        rows = [Row()] * 4
        if item is not None:
            words = f"It stays: {item.held}." if item.held else item.loses or ABOUT[item.kind]
            lines = wrapped(f"{words[:1].upper()}{words[1:]}", max(self.size.width - 4, 20))[:2]
            rows = [Row(), *(Row(line, "warn" if item.loses else "dim") for line in lines)]
            rows += [Row()] * (4 - len(rows))
        self.query_one("#about", Lines).show(rows)

    def _empty(self, width: int) -> list[Row]:
        return [Row(" ").add("Looking …" if self._looking else "Nothing takes room here.", "dim")]


def _line(item: Item, now: float, width: int) -> Row:
    role = "dim" if item.held else "text"
    remark = item.held or ("unfinished" if item.loses else "")
    right = Row(f"{one_line(remark, 30)}  ", "warn").add(f"{age(max(now - item.used, 0.0))} ago", "dim")
    left = Row(item.kind.ljust(13), "dim").add(amount(item.bytes).rjust(10), role)
    left.add("  ").add(one_line(item.name, max(width - left.width - right.width, 20)), role)
    return between(left, right, width)
