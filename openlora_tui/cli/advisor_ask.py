"""`openlora advisor ask`: a question about a run, answered as it comes."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from engine import paths
from engine.advisor.read.own import case_of_run
from engine.findings import Finding
from engine.local_model import talk
from engine.local_model.asking import asked
from engine.problem import WORK_FAILED, Problem
from engine.recipe.edit import written
from engine.recipe.yaml import text_of
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.text import clean, one_line
from openlora_tui import figures
from openlora_tui.cli.advise import found_of
from openlora_tui.cli.document import print_document
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.outlet import write_over
from openlora_tui.cli.session import Session, Talk


def add_words(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    parser.add_argument("question", help='such as "why did the loss jump at 410?"; - takes stdin')
    parser.add_argument("--run", metavar="RUN", help="its number, its name, or last [the last one]")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="ask about a recipe that was not run")
    parser.add_argument("--step", type=int, metavar="N", help="the step that is meant")
    parser.add_argument("--rules", action="store_true", help="ask no model")
    parser.add_argument("--model", type=Path, metavar="FILE", help="ask this GGUF, only now")


def run(args: argparse.Namespace) -> int:
    """Ask, print the answer, and say what it rests on."""
    text = sys.stdin.read() if args.question == "-" else args.question
    if not text.strip():
        raise Problem("There is nothing to ask.", do='Write it in quotes: openlora advisor ask "what next?"')
    model = str(args.model.expanduser().absolute()) if args.model is not None else ""
    spec = talk.Spec(model=model, rules=args.rules)
    recipe = text_of(args.recipe) if args.recipe is not None else ""
    with Session(paths.home()) as session:
        state = _state(session, args)
        findings = findings_of(RunDir(paths.home(), state.run), state) if state is not None else []
        question = asked(1, text, state, findings, session.lessons(), recipe=recipe, step=args.step)
        with session.begin("advisor", talk.encode(spec)) as line:
            listener = Listener(line, as_json=args.json)
            answer = listener.ask(question)
    if args.json:
        print_document({"text": answer.text, "by": answer.by, "cites": answer.cites, "findings": findings,
                        "proposal": answer.proposal, "note": answer.note})  # fmt: skip
    else:
        _tell(answer, findings, _recipe_path(args, state), streamed=listener.streamed)
    return INTERRUPTED if answer.cancelled else 0


def findings_of(directory: RunDir, state: RunState) -> list[Finding]:
    """What is wrong with the run, numbered as `openlora advise` lists it."""
    return found_of(directory.root, directory, state, case_of_run(directory, state))[0]


def _state(session: Session, args: argparse.Namespace) -> RunState | None:
    if args.run is not None:
        return session.state(session.named(args.run))
    rows = session.rows(1) if args.recipe is None else []
    return session.state(rows[0].run) if rows else None


def _recipe_path(args: argparse.Namespace, state: RunState | None) -> Path | None:
    if args.recipe is not None or state is None:
        return Path(args.recipe) if args.recipe is not None else None
    return RunDir(paths.home(), state.run).recipe


def _tell(answer: talk.Answer, findings: list[Finding], recipe: Path | None, *, streamed: bool) -> None:
    """The answer for people, the findings that it cites, and how its proposal is applied."""
    if not streamed:
        print(clean(answer.text))
    for number in answer.cites:
        found = findings[number - 1]
        print(f"\n[{number}] {found.severity}: {one_line(found.title)}", end="")
    print(end="\n" if answer.cites else "", flush=True)
    made = answer.proposal
    if made is not None and recipe is not None:
        sets = [f"--set {shlex.quote(f'{name}={written(new)}')}" for name, new in made.patch.recipe.items()]
        print(f"\n> {one_line(made.patch.label)}")
        print(f"  openlora train {shlex.quote(str(recipe))} {' '.join(sets)}")
        for warning in made.warnings:
            print(f"  but: {one_line(warning)}")
    if answer.note:
        print(f"note: {one_line(answer.note)}", file=sys.stderr)


class Listener:
    """The front end's side of one question: pieces go to a terminal as they come.

    Attributes:
        streamed: True where the answer stands on the terminal already.
    """

    def __init__(self, line: Talk, *, as_json: bool) -> None:
        self.streamed = False
        self._line = line
        self._bodies = line.bodies()
        self._shows = not as_json and sys.stdout.isatty()
        self._tells = not as_json and sys.stderr.isatty()
        self._cancelled = False

    def ask(self, question: talk.Question) -> talk.Answer:
        """The answer; ctrl+c ends it, and what was said by then stays.

        Raises:
            Problem: there is no answer at all.
        """
        begun = False
        with self._stoppable():
            self._line.tell(talk.encode(question))
            while True:
                said = self._heard()
                if isinstance(said, talk.Failed):
                    raise Problem(**said.problem, exit_status=WORK_FAILED)
                if isinstance(said, talk.Answer):
                    self._over("")
                    print(end="\n" if begun else "", flush=True)
                    self.streamed = begun and said.by == "model"
                    return said
                if isinstance(said, talk.Ready) and said.note:
                    self._over("")
                    print(f"note: {one_line(said.note)}", file=sys.stderr)
                if isinstance(said, talk.Loading):
                    of = f" {figures.percent(said.done / said.total)}" if said.total else ""
                    self._over(f"{one_line(said.what, 60)}{of}")
                if isinstance(said, talk.Piece) and self._shows:
                    self._over("" if not begun else None)
                    print(clean(said.text), end="", flush=True)
                    begun = True

    def _over(self, text: str | None) -> None:
        if self._tells and text is not None:
            write_over(text)

    def _heard(self) -> talk.ToFront | None:
        body = next(self._bodies, None)
        if body is None:
            raise Problem("The advisor ended by itself.", do="Ask again.", exit_status=WORK_FAILED)
        return talk.to_front(body)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            if self._cancelled:
                raise KeyboardInterrupt
            self._cancelled = True
            self._line.tell(talk.encode(talk.Cancel()))

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
