"""`openlora demo`: makes a model from nothing, tunes it, and shows what it answers before and after."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Final

import msgspec

from engine import events as ev
from engine import paths
from engine.packages import check_training
from engine.recipe import check_paths, read
from engine.run_state import RunState
from engine.starter.cache import Plan
from engine.starter.lesson import Lesson, lay_out
from engine.starter.story import Sample, pairs
from engine.text import one_line
from openlora_tui.cli import watching
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import Session
from openlora_tui.figures import duration
from openlora_tui.terminal.surroundings import drawable

HELP: Final = (
    "the whole story in two minutes, with nothing downloaded: make a model, tune it, before and after"
)
_EVERY: Final = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("--headless", action="store_true", help="in lines, as it is without a terminal")
    parser.add_argument("--json", action="store_true", help="print events on stdout, one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Tell the whole story: in the app where there is a terminal for it."""
    if not (args.headless or args.json) and _on_a_terminal():
        os.execv(sys.executable, [sys.executable, "-P", "-m", "openlora_tui.start", "--demo"])
    return tell_story(as_json=args.json, plan=Plan(), lesson=Lesson())


def _on_a_terminal() -> bool:
    return drawable(os.environ) and sys.stdin.isatty() and sys.stdout.isatty()


def tell_story(*, as_json: bool, plan: Plan, lesson: Lesson) -> int:
    """Make the starter model if need be, tune it by an ordinary run, and show before and after."""
    home = paths.home()
    check_training()
    began = time.monotonic()
    making = MakingPrinter(as_json=as_json)
    printer = StoryPrinter(as_json=as_json)
    with Session(home) as session:
        making.title("1 of 2: a small model, made here from nothing (about a minute, once)")
        _make(session, plan, making)
        making.title("2 of 2: LoRA teaches it to answer in the voice of a ship's log")
        path = lay_out(home, lesson)
        recipe = read(path)
        check_paths(recipe)
        run_id = session.submit(recipe)
        printer.say(f"run {run_id}; ctrl+c stops and saves, closing the terminal leaves it running")
        status = watching.to_the_end(session, run_id, RunState(), printer)
    if not as_json and printer.samples:
        print(story(printer.samples, printer.held_out, path, run_id, time.monotonic() - began))
    return status


def _make(session: Session, plan: Plan, printer: MakingPrinter) -> None:
    with session.begin("starter", msgspec.json.encode(plan)) as talk:
        for body in talk.bodies():
            event = ev.decode(body)
            if event is not None:
                printer.event(event)


class MakingPrinter:
    """Tells how far the starter model is: events on stdout with `as_json`, else words on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._first: ev.Progress | None = None
        self._next = 0.0

    def title(self, text: str) -> None:
        """Head a stage."""
        if not self._as_json:
            print(f"\n{text}", file=sys.stderr, flush=True)

    def event(self, event: ev.Event) -> None:
        """One event of the maker."""
        if self._as_json:
            print(ev.encode(event).decode(), end="", flush=True)
        elif isinstance(event, ev.Progress):
            self._progress(event)
        elif isinstance(event, ev.Phase):
            self._first = None
            self._say(f"{event.name} {event.detail}".rstrip())

    def _progress(self, event: ev.Progress) -> None:
        first = self._first = self._first or event
        now = time.monotonic()
        if now < self._next and event.done < event.total:
            return
        self._next = now + _EVERY
        done = event.done - first.done
        seconds = (event.t - first.t) / done * (event.total - event.done) if done else None
        left = f"  left {duration(seconds)}" if seconds is not None else ""
        self._say(f"{event.unit} {event.done:,}/{event.total:,}{left}")

    def _say(self, text: str) -> None:
        print(one_line(text, 160), file=sys.stderr, flush=True)


class StoryPrinter(Printer):
    """Prints a run, and gathers what the model answered at its first and its last sampling."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(as_json=as_json)
        self._json = as_json
        self._sampled: list[ev.Sampled] = []
        self.held_out: list[float] = []
        """The losses on the rows held out, oldest first."""

    @property
    def samples(self) -> list[Sample]:
        """Both answers to each prompt that was answered twice."""
        return [sample for sample in pairs(self._sampled) if sample.after]

    def __call__(self, state: RunState, lines: list[bytes]) -> None:
        """Print what `lines` say, samples added to the last event."""
        shown = []
        for line in lines:
            event = ev.decode(line)
            if isinstance(event, ev.Evaluated) and event.loss is not None:
                self.held_out.append(event.loss)
            if isinstance(event, ev.Sampled):
                self._sampled.append(event)
                if not self._json:
                    continue
            shown.append(self._with_samples(line) if isinstance(event, ev.Finished | ev.Failed) else line)
        super().__call__(state, shown)

    def _with_samples(self, line: bytes) -> bytes:
        if not self._json:
            return line
        return msgspec.json.encode({**msgspec.json.decode(line), "samples": self.samples})


def story(samples: list[Sample], held_out: list[float], recipe: Path, run_id: str, seconds: float) -> str:
    """Before and after for people, and what to do next."""
    width = min(shutil.get_terminal_size().columns, 100)
    lines = [
        "",
        "The same prompts, answered by the model before and after. No training row has them.",
        "",
    ]
    for sample in samples:
        for label, text in (("prompt", sample.prompt), ("before", sample.before), ("after", sample.after)):
            lines += textwrap.wrap(
                one_line(text) or "(nothing)",
                width=max(width - 1, 40),
                initial_indent=f"  {label:<8}",
                subsequent_indent=" " * 10,
            )
        lines.append("")
    return "\n".join([
        *lines,
        *_measured(held_out),
        f"That took {duration(seconds)}; run {run_id}, recipe {recipe}",
        f"Next:  openlora chat {run_id} --both     talk to it, before and after side by side",
        "       openlora new your.yaml      a recipe for your own model and data",
        "       openlora train your.yaml    runs it",
        "       openlora-tui                the full-screen app",
    ])  # fmt: skip


def _measured(held_out: list[float]) -> list[str]:
    if len(held_out) < 2:
        return []
    return [f"Loss on rows that were held out: {held_out[0]:.3f} before, {held_out[-1]:.3f} after."]
