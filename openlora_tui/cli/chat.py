"""`openlora chat`: talks to a model with or without an adapter, in lines or for a program."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine import paths
from engine.chat import spoken, target
from engine.chat.spoken import Side, Spec
from engine.problem import Problem
from engine.run_dir import is_run
from engine.text import one_line
from openlora_tui.cli.chat_talk import Chat, tell
from openlora_tui.cli.document import print_document
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.session import Session
from openlora_tui.conversation import Exchange
from openlora_tui.sampling import OPTIONS, changed

HELP = "talk to a model, with and without the adapter that a run left"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument(
        "target",
        metavar="RUN|MODEL",
        help="a run (its number, its name, or `last`), a folder with a model or an adapter, or a hub id "
        "whose files are on this machine",
    )
    parser.add_argument(
        "--prompt",
        action="append",
        metavar="T",
        help="answer this and leave; given again, the next turn. Without a terminal, stdin is asked",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a prompt on stdout")
    sides = parser.add_mutually_exclusive_group()
    for side, words in (
        ("adapter", "the model with its adapter [where there is one]"),
        ("base", "the model alone"),
        ("both", "one after the other, on the same weights"),
    ):
        sides.add_argument(f"--{side}", dest="sides", action="store_const", const=side, help=words)
    parser.add_argument("--system", metavar="T", default="", help="a system turn before all others")
    forms = parser.add_mutually_exclusive_group()
    for word, form, words in (
        ("raw", "verbatim", "prompts go in as typed, each by itself [where training did so]"),
        ("chat", "chat", "prompts are turns of the chat template [else]"),
    ):
        forms.add_argument(f"--{word}", dest="form", action="store_const", const=form, help=words)
    for option in OPTIONS:
        text = f"{option.help}; {option.bounds}"
        parser.add_argument(f"--{option.name.replace('_', '-')}", metavar="X", help=text)
    parser.add_argument(
        "--trust-remote-code",
        metavar="WORDS",
        help="let the model's own code run, in the words of its refusal",
    )
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto", help="auto takes a free card")


def run(args: argparse.Namespace) -> int:
    """Answer the prompts given, or what stdin holds, or a person."""
    typed = {o.name: value for o in OPTIONS if (value := getattr(args, o.name)) is not None}
    changed(spoken.Sampling(), typed)  # a mistake is told before anything is loaded
    prompts = _prompts(args)
    with Session(paths.home()) as session:
        spec = msgspec.structs.replace(
            _spec(session, args.target), device=args.device, trust=args.trust_remote_code
        )
        sides = _sides(args.sides, spec)
        rows = session.rows(50)
        if not args.json:
            tell(f"loading {one_line(spec.name)} …")
        with session.begin("chat", spoken.encode(spec)) as talk:
            chat = Chat(talk, sides)
            chat.load()
            conversation = chat.conversation
            conversation.system = args.system
            conversation.form = args.form or conversation.form
            conversation.sampling = changed(conversation.sampling, typed)
            if not args.json:
                chat.introduce(spec, rows)
            if prompts is not None:
                return _answered(chat, prompts, as_json=args.json)
            from openlora_tui.cli.chat_lines import converse

            converse(chat)
            return 0


def _answered(chat: Chat, prompts: list[str], *, as_json: bool) -> int:
    for index, prompt in enumerate(prompts):
        if index and not as_json:
            print()
        exchange = chat.answer(prompt, show=not as_json)
        if as_json:
            print_document(document(exchange))
        if chat.interrupted:
            return INTERRUPTED
    return 0


def document(exchange: Exchange) -> dict[str, object]:
    """What `--json` prints of a prompt: `text`, the adapter's where it was asked; both where both were."""
    texts: dict[str, object] = {side: answer.text for side, answer in exchange.answers.items()}
    chosen: Side = "adapter" if "adapter" in exchange.answers else "base"
    done = exchange.answers[chosen].done
    assert done is not None
    return {
        "text": texts[chosen],
        **(texts if len(texts) > 1 else {}),
        "prompt": exchange.prompt,
        "form": exchange.form,
        "tokens": done.tokens,
        "tokens_per_second": round(done.tokens_per_second, 2),
        "stopped_by": done.stopped_by,
        "sampling": exchange.sampling,
    }


def _prompts(args: argparse.Namespace) -> list[str] | None:
    """What was given by option or on stdin; None where a person sits at a terminal."""
    if args.prompt:
        return list(args.prompt)
    if sys.stdin.isatty():
        if args.json:
            raise Problem("There is nothing to ask.", do="Give --prompt, or a text on stdin.")
        return None
    text = sys.stdin.read().removesuffix("\n")
    if not text.strip():
        raise Problem("There is nothing to ask.", do="Give --prompt, or a text on stdin.")
    return [text]


def _spec(session: Session, word: str) -> Spec:
    spec = None if is_run(word) else target.of_name(word)
    if spec is not None:
        return spec
    try:
        run = session.named(word)
    except Problem:
        raise Problem(
            f"There is no run, model or adapter called {one_line(word, 200)!r}.",
            do="`openlora runs` lists the runs; a folder or a hub id such as Qwen/Qwen2.5-0.5B works too.",
        ) from None
    return target.of_run(session.state(run))


def _sides(wanted: str | None, spec: Spec) -> tuple[Side, ...]:
    if wanted in ("adapter", "both") and not spec.adapter:
        why = f"{one_line(spec.name)} is a model by itself."
        raise Problem(
            "There is no adapter here.", where=f"--{wanted}", why=why, do="Name a run or an adapter's folder."
        )
    if wanted == "both":
        return spoken.SIDES
    return ("adapter",) if spec.adapter and wanted != "base" else ("base",)
