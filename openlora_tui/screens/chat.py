"""Chat: talks to what a run left, with the adapter and without it, on the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from engine.chat import spoken, target
from engine.chat.spoken import SIDES, Side, Spec
from engine.problem import Problem
from engine.text import one_line
from openlora_tui.actions import bindings, tables
from openlora_tui.conversation import Conversation
from openlora_tui.modals.dialogue import Lines
from openlora_tui.screens.place import Place
from openlora_tui.widgets.bars import KeyBar, TooSmall, TopBar
from openlora_tui.widgets.chat_head import ChatHead, ChatRule, empty_rows, loading_rows, problem_rows
from openlora_tui.widgets.find_line import FindLine
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.prompt_line import PromptLine
from openlora_tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from openlora_tui.session import Change, Talk

_UNSEEN = 300.0
"""Seconds away from the screen after which the model is let go: it holds memory, and maybe a card."""

_TURN = 0.5
"""Seconds between two looks of the spinner."""


class ChatScreen(Place):
    """The conversation, and the line below it.

    Attributes:
        spec: whom the chat is with, None until a run's state has come.
        problem: why nobody answers; None while someone does, or may yet.
        sides: who answers the next prompt.
        began: when the worker was asked for, by the app's clock.
    """

    CSS_PATH = "chat.tcss"
    TABLES = tables("chat")
    BINDINGS = bindings(*TABLES)
    AUTO_FOCUS = "#prompt"

    def __init__(self) -> None:
        super().__init__()
        self.spec: Spec | None = None
        self.problem: dict[str, str] | None = None
        self.conversation = Conversation()
        self.sides: tuple[Side, ...] = SIDES
        self.began = 0.0
        self._run = ""
        self._talk: Talk | None = None
        self._transcript = Transcript()
        self._painting = False
        self._away: Timer | None = None

    def compose(self) -> ComposeResult:
        """Head, transcript, line."""
        yield TopBar()
        yield ChatHead(self)
        yield Page(self._rows, tail=True)
        yield FindLine("search")
        yield ChatRule(self)
        with Horizontal(id="line"):
            yield Lines([Row("> ", "bold accent")], id="mark")
            yield PromptLine(self._past)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """The app paints for what comes from the engine; here the clock matters too."""
        super().on_mount()
        self.set_interval(_TURN, self._turn)

    # --- whom with ---

    def open_run(self, run: str) -> None:
        """Talk to what a run left; goes on with the conversation where it is the one already open."""
        if run == self._run and self.problem is None:
            return
        self._begin_anew()
        self._run = run
        self._meet()

    def open_spec(self, spec: Spec) -> None:
        """Talk to a model or an adapter."""
        self._begin_anew()
        self.spec = spec
        self._load()

    def _begin_anew(self) -> None:
        self._let_go()
        self.spec, self.problem, self._run = None, None, ""
        self.conversation = Conversation()
        self.sides = SIDES

    def _meet(self) -> None:
        """Once the run's state is there, begin."""
        state = self.tui.session.state
        if not self._run or self.spec is not None or state is None or state.run != self._run:
            return
        try:
            self.spec = target.of_run(state)
        except Problem as problem:
            self.problem = problem.as_dict()
            self._repaint()
            return
        self._load()

    def _load(self) -> None:
        assert self.spec is not None
        self.problem, self.began = None, self.tui.clock()
        self.conversation.ready = None
        body = spoken.encode(self.spec)
        self._talk = self.tui.session.begin("chat", body, self._said, self._ended)
        self._repaint()

    def _let_go(self) -> None:
        if self._talk is not None:
            self._talk.end()
        self._talk, self.conversation.ready = None, None

    def on_screen_suspend(self) -> None:
        """Nobody looks: keep the model for a while."""
        self._away = self.set_timer(_UNSEEN, self._let_go)

    def on_screen_resume(self) -> None:
        """Somebody looks again."""
        if self._away is not None:
            self._away.stop()
        if self.spec is not None and self._talk is None and self.problem is None:
            self._load()
        super().on_screen_resume()

    # --- what the worker says ---

    def _said(self, body: bytes) -> None:
        was_ready = self.conversation.ready is not None
        self.conversation.take(body)
        if not was_ready and self.conversation.ready is not None:
            there = self.conversation.ready.sides
            self.sides = tuple(side for side in self.sides if side in there) or ("base",)
        self._repaint()

    def _ended(self, problem: dict[str, str] | None) -> None:
        self._talk = None
        self.problem = problem or {"what": "The chat's worker has ended."}
        self.conversation.broken(self.problem)
        self._repaint()

    # --- painting ---

    def _repaint(self) -> None:
        """Paint once for all that has come, as soon as it is taken in."""
        if not self._painting and self.ready:
            self._painting = True
            self.call_later(self._paint)

    def _turn(self) -> None:
        loading = self.problem is None and self.conversation.ready is None
        if loading or self.conversation.answering:
            self._repaint()

    def _paint(self) -> None:
        self._painting = False
        if self.is_current:
            with self.app.batch_update():
                self.paint_all()

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """The head and the spinner turn with the clock; the rest when something was said."""
        self._meet()
        self.query_one(ChatHead).repaint()
        self.query_one(Page).repaint()
        self.query_one(ChatRule).repaint()
        self.paint_bars()

    def _rows(self, width: int) -> list[Row]:
        if self.conversation.exchanges:
            return self._transcript.rows(self.conversation, width, self.tui.glyphs, self.tui.spinner)
        if self.problem is not None:
            return problem_rows(self.problem, width, self.tui.facts().key("ask_again"))
        if self.conversation.ready is None:
            return loading_rows(self, width)
        return empty_rows(self.conversation, width)

    def _past(self) -> list[str]:
        """What up and down go through: suggestions first, as if they were asked long ago."""
        ready = self.conversation.ready
        suggestions = list(reversed(ready.suggestions)) if ready is not None else []
        return suggestions + [exchange.prompt for exchange in self.conversation.exchanges]

    @property
    def line(self) -> PromptLine:
        """Where a prompt is typed."""
        return self.query_one(PromptLine)

    # --- actions ---

    def why_not(self, id: str) -> str:
        """What needs an answer, a model, or two sides."""
        conversation = self.conversation
        ready = conversation.ready
        match id:
            case "sides" if ready is not None and len(ready.sides) < 2:
                return "There is no adapter here: the model answers alone."
            case "ask_again" if self.problem is None and not conversation.exchanges:
                return "Nothing has been asked yet."
            case "stop_answer" if not conversation.answering and not self.line.has_focus:
                return ""
            case "copy_answer" | "keep" if self._last() is None:
                return "Nothing has been answered yet."
            case "sampling" | "form" if ready is None:
                return "The model is not ready yet."
        return ""

    @on(PromptLine.Sent)
    def _sent(self, event: PromptLine.Sent) -> None:
        if self._talk is None or self.conversation.ready is None:
            self.line.put(event.text + self.line.text)
            self.tui.tell("The model is not ready yet; the prompt waits in the line.")
        else:
            self._tell(self.conversation.ask(event.text, self.sides))

    @on(PromptLine.Helped)
    def _helped(self) -> None:
        self.tui.action_do("help")

    @on(FindLine.Left)
    def _found(self) -> None:
        self.query_one(Page).focus()

    @on(FindLine.Changed)
    def _searched(self, event: FindLine.Changed) -> None:
        self.query_one(Page).search(event.value)

    def action_scroll(self, way: str) -> None:
        """Move in the transcript while a prompt is typed."""
        getattr(self.query_one(Page), f"action_{way}")()

    def do_say(self) -> None:
        """Send what is typed; away from the line, go back to it."""
        if not self.line.has_focus:
            self.line.focus()
        elif self.line.text.strip():
            self.line.post_message(PromptLine.Sent(self.line.take()))

    def _tell(self, said: spoken.Said | None) -> None:
        if self._talk is not None and said is not None:
            self._talk.tell(spoken.encode(said))
            self.query_one(Page).action_bottom()
        self._repaint()

    def do_new_line(self) -> None:
        """A new line in the prompt."""
        self.line.insert("\n")

    def do_stop_answer(self) -> None:
        """Stop the answer, else leave the line, else the chat."""
        if self.conversation.answering:
            self._tell(spoken.Stop())
        elif self.line.has_focus:
            self.query_one(Page).focus()
            self.paint_bars()
        else:
            self.do_back()

    def do_back(self) -> None:
        """Back to the run, else to the runs."""
        self.tui.action_do("train" if self._run else "runs")

    def do_sides(self) -> None:
        """Both, then the adapter, then the model alone."""
        ready = self.conversation.ready
        if ready is not None and len(ready.sides) == 2:
            order: list[tuple[Side, ...]] = [SIDES, ("adapter",), ("base",)]
            self.sides = order[(order.index(self.sides) + 1) % 3]
            self._repaint()

    def do_ask_again(self) -> None:
        """The last prompt once more; after a failure, the model once more."""
        if self._talk is None and self.spec is not None:
            self._load()
            return
        if self.problem is not None:
            self.problem = None
            self._meet()
        elif self.conversation.ready is not None:
            if self.conversation.sampling.temperature <= 0:
                key = self.tui.facts().key("sampling")
                self.tui.tell(f"At temperature 0 the answer stays the same; {key} changes that.")
            self._tell(self.conversation.again(self.sides))

    def do_fresh(self) -> None:
        """Forget what was said."""
        if self.conversation.answering:
            self._tell(spoken.Stop())
        self.conversation.reset()
        self.line.focus()
        self._repaint()

    def do_form(self) -> None:
        """Turns of the chat template, or prompts as typed."""
        self.conversation.form = "verbatim" if self.conversation.form == "chat" else "chat"
        self.tui.tell(f"From now on: {self.conversation.written()}.", good=True)
        self._repaint()

    def do_sampling(self) -> None:
        """The dialogue with its figures."""
        from openlora_tui.modals.sampling import SamplingDialogue

        self.app.push_screen(SamplingDialogue(self.conversation), lambda _: self._repaint())

    def do_copy_answer(self) -> None:
        """The last answer, the adapter's where both answered."""
        text = self._last()
        if text is not None:
            self.app.copy_to_clipboard(text)
            self.tui.tell("Copied the last answer.", good=True)

    def do_keep(self) -> None:
        """Save the conversation in the folder that the app was opened in."""
        side: Side = "adapter" if "adapter" in self.sides else "base"
        name = one_line(self.spec.name if self.spec else "model").replace("/", "-").replace(" ", "-")
        path = _free(self.tui.folder, f"chat-{name}")
        try:
            with path.open("xb") as file:
                file.writelines(self.conversation.transcript(side))
        except OSError as error:
            self.tui.tell(f"{path.name} cannot be written: {error.strerror}.")
            return
        self.tui.tell(f"Saved what the {side} said in {path.name}.", good=True)

    def _last(self) -> str | None:
        answers = [a for e in self.conversation.exchanges for a in e.answers.values() if a.done is not None]
        return answers[-1].text.strip() if answers else None


def _free(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.jsonl", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.jsonl", number + 1
    return path
