"""What stands around a conversation: who answers, how, and what to do while there is nothing to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.chat.spoken import Side, Spec
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.conversation import Conversation, company
from openlora_tui.widgets.painted import Painted, Row, between, fitting
from openlora_tui.widgets.run_head import model_name
from openlora_tui.widgets.wrap import tail, wrapped

if TYPE_CHECKING:
    from openlora_tui.host import Host


class Chatting(Protocol):
    """The screen of a chat, as what stands around the conversation sees it."""

    spec: Spec | None
    problem: dict[str, str] | None
    conversation: Conversation
    sides: tuple[Side, ...]
    began: float

    @property
    def tui(self) -> Host:
        """The app."""


class ChatHead(Painted):
    """Two lines: whom one talks to, and how prompts reach them."""

    DEFAULT_CSS = "ChatHead { height: 2; padding: 0 1; }"

    def __init__(self, chat: Chatting) -> None:
        super().__init__()
        self._chat = chat

    def rows(self, width: int, height: int) -> list[Row]:
        """Title with status, then the facts or what to mind."""
        chat = self._chat
        status = self._status(chat)
        title = self._title(chat, width - status.width - 1)
        return [between(title, status, width), self._facts(chat, width)]

    def _title(self, screen: Chatting, width: int) -> Row:
        spec = screen.spec
        if spec is None:
            return Row("Chat", "bright")
        model = model_name(spec.model)
        parts = [Row(one_line(spec.name, 40) or model, "bright")]
        if spec.adapter:
            parts.append(Row(model).add(" and its adapter", "dim"))
        if spec.run:
            parts.append(Row(f"run {one_line(spec.run)}", "dim"))
        return fitting(parts, f" {self.tui.glyphs.dot} ", width)

    def _status(self, screen: Chatting) -> Row:
        if screen.problem is not None:
            return Row(f"{self.tui.glyphs.status['failed']} failed", "bold bad")
        if screen.conversation.ready is None:
            return Row("loading ", "bold accent").add(self.tui.spinner, "accent")
        if screen.conversation.answering:
            return Row("answering ", "bold accent").add(self.tui.spinner, "accent")
        return Row("ready", "ok")

    def _facts(self, screen: Chatting, width: int) -> Row:
        conversation = screen.conversation
        ready = conversation.ready
        if ready is None:
            return Row()
        note = ready.note or company(ready, self.tui.session.newest_first())
        if note:
            return Row("! ", "warn").add(one_line(note, width - 2), "warn")
        *where, form = conversation.about()
        parts = [Row(form, "warn" if ready.trained not in (None, conversation.form) else "dim")]
        return fitting([*parts, *(Row(fact, "dim") for fact in where)], f" {self.tui.glyphs.dot} ", width)


class ChatRule(Painted):
    """Between transcript and line: who answers the next prompt, and how it is drawn."""

    DEFAULT_CSS = "ChatRule { height: 1; padding: 0 1; }"

    def __init__(self, chat: Chatting) -> None:
        super().__init__()
        self._chat = chat

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        screen = self._chat
        glyphs, conversation = self.tui.glyphs, screen.conversation
        if conversation.ready is None:
            return [Row(glyphs.rule * width, "faint")]
        left = Row(glyphs.rule * 2, "faint").add(" ")
        for side in conversation.ready.sides:
            chosen = side in screen.sides
            role = ("bold ok" if side == "adapter" else "bold bright") if chosen else "faint"
            left.add(side, role).add(" ")
        right = Row(" ").add(_drawn(conversation), "dim").add(" ").add(glyphs.rule * 2, "faint")
        if left.width + right.width + 2 > width:
            right = Row()
        left.add(glyphs.rule * max(width - left.width - right.width, 0), "faint")
        return [left.join(right)]


def loading_rows(screen: Chatting, width: int) -> list[Row]:
    """What happens before the first answer can be."""
    seconds = figures.duration(screen.tui.clock() - screen.began) if screen.began else ""
    doing = screen.conversation.doing or "waiting for a worker"
    if screen.spec is None:
        doing, seconds = "reading the run", ""
    rows = [Row(), Row("  ").add(f"{doing[:1].upper()}{doing[1:]} ", "bright").add(seconds, "dim"), Row()]
    if screen.spec is not None:
        rows.append(_fact("model", screen.spec.model, width))
        if screen.spec.adapter:
            rows.append(_fact("adapter", screen.spec.adapter, width))
            text = "Both sides answer from the same weights, which are read once."
            rows += [Row(), *(Row(f"  {line}", "dim") for line in wrapped(text, width - 2))]
    return rows


def empty_rows(conversation: Conversation, width: int) -> list[Row]:
    """Teach: what may be typed, and prompts to begin with."""
    rows = [Row(), Row("  Type a prompt and press enter.", "bright"), Row()]
    ready = conversation.ready
    if ready is not None and ready.suggestions:
        rows.append(Row("  up     ", "bold accent").add("the prompts of this run's samples:", "dim"))
        rows += [Row(" " * 9).add(one_line(text, width - 11)) for text in ready.suggestions]
        rows.append(Row())
    for key, words in (
        ("tab", "model and adapter, or one of them"),
        ("ctrl+g", "temperature, the longest answer, a system turn"),
        ("esc", "leaves the line; then y copies, j and k scroll"),
    ):
        rows.append(Row(f"  {key:<7}", "bold accent").add(words, "dim"))
    return rows


def problem_rows(problem: dict[str, str], width: int, again: str) -> list[Row]:
    """Why nobody answers, and what to do."""
    rows = [Row(), *(Row(f"  {line}", "bold bad") for line in wrapped(one_line(problem["what"]), width - 2))]
    for name in ("where", "why", "do"):
        lines = wrapped(one_line(problem.get(name, "")), width - 10) if problem.get(name) else []
        rows += [Row("  ").add((name if i == 0 else "").ljust(8), "dim").add(s) for i, s in enumerate(lines)]
    return [*rows, Row(), Row(f"  {again}", "bold accent").add("  tries again", "dim")]


def _fact(label: str, text: str, width: int) -> Row:
    return Row("  ").add(label.ljust(9), "dim").add(tail(one_line(text), width - 11))


def _drawn(conversation: Conversation) -> str:
    sampling = conversation.sampling
    parts = ["likeliest token" if sampling.temperature <= 0 else f"temperature {sampling.temperature:g}"]
    if sampling.temperature > 0:
        parts += [f"top_p {sampling.top_p:g}"] if sampling.top_p < 1 else []
        parts += [f"top_k {sampling.top_k}"] if sampling.top_k else []
    parts += [f"penalty {sampling.repetition_penalty:g}"] if sampling.repetition_penalty != 1 else []
    parts += [f"up to {sampling.max_new_tokens:,} tokens"]
    return ", ".join([*parts, *(["system turn"] if conversation.system else [])])
