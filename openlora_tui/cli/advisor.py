"""`openlora advisor`: the local language model that explains findings, and what it is asked."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from engine import paths
from engine.hub.names import is_hub_id, is_revision, split
from engine.llama.gguf import Gguf, head
from engine.local_model.chosen import ADD, INSTALL, PACKAGE, Chosen, choose, chosen
from engine.problem import Problem
from engine.text import amount, one_line
from openlora_tui.cli import advisor_ask
from openlora_tui.cli.document import print_document

HELP: Final = (
    "questions about runs; the local model that answers them, else rules: ask, pull, use, status, off"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    actions = parser.add_subparsers(metavar="ACTION")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(act=_status)
    _action(actions, "status", "which model there is, and whether it can be asked", _status)
    advisor_ask.add_words(_action(actions, "ask", "ask about a run, or in general", advisor_ask.run))
    pull = _action(actions, "pull", "fetch a model from the hub, or go on with a fetch, and use it", _pull)
    pull.add_argument(
        "repository", nargs="?", metavar="REPO[@REVISION]",
        help="a repository with GGUF files; left out, one that fits this machine's memory and cores",
    )  # fmt: skip
    pull.add_argument("--file", default="", metavar="NAME", help="this file of the repository")
    pull.add_argument("--dry-run", action="store_true", help="say what would be fetched, and fetch nothing")
    use = _action(actions, "use", "take a GGUF that is on this machine; it is tried first", _use)
    use.add_argument("file", nargs="?", type=Path, help="left out, the one that was switched off")
    _action(actions, "off", "ask no model, and keep which it was", _off)


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return int(args.act(args))


def _action(actions: object, name: str, words: str, act: object) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=words, description=words)  # type: ignore[attr-defined]
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON on stdout")
    parser.set_defaults(act=act)
    return parser


# --- status, off ---


def _status(args: argparse.Namespace) -> int:
    root = paths.home()
    choice, trouble, model = chosen(root), "", None
    if choice.model:
        try:
            model = head(Path(choice.model))
        except Problem as problem:
            trouble = f"{problem.what} {problem.why}".strip()
    installed = find_spec(PACKAGE) is not None
    ready = model is not None and installed and not choice.off
    if args.json:
        facts = None
        if model is not None:
            facts = {
                "name": model.called,
                "path": choice.model,
                "bytes": model.bytes,
                "context": model.context,
            }
        print_document({
            "ready": ready, "model": facts, "source": choice.source, "off": choice.off,
            "installed": installed, "trouble": trouble,
        })  # fmt: skip
        return 0
    for line in _lines(choice, model, trouble, installed=installed):
        print(line)
    return 0


def _lines(choice: Chosen, model: Gguf | None, trouble: str, *, installed: bool) -> list[str]:
    lines = []
    if model is not None:
        name = one_line(model.called, 60)
        lines.append(f"model    {name}, {amount(model.bytes)}, context {model.context:,}")
        lines.append(f"file     {one_line(choice.model)}")
    elif choice.model:
        lines += [f"file     {one_line(choice.model)}", f"trouble  {one_line(trouble)}"]
    if choice.source:
        lines.append(f"from     {one_line(choice.source)}")
    state = "it is asked" if model is not None and installed else "the rules answer alone"
    if choice.off:
        state = "switched off; the rules answer alone"
    lines.append(f"state    {state}")
    if not installed:
        lines.append(f"missing  llama-cpp-python: {INSTALL}")
    if choice.off:
        lines.append("next     `openlora advisor use` switches it on again")
    elif model is None:
        lines.append(f"next     {ADD}")
    else:
        lines.append('next     openlora advisor ask "is it going well?"')
    return lines


def _off(args: argparse.Namespace) -> int:
    root = paths.home()
    choose(root, msgspec.structs.replace(chosen(root), off=True))
    return _status(args)


# --- use ---


def _use(args: argparse.Namespace) -> int:
    root = paths.home()
    before = chosen(root)
    if args.file is None and not before.model:
        raise Problem("There is no model to go back to.", where="advisor use", do=f"{ADD}.")
    path = args.file.expanduser().absolute() if args.file is not None else Path(before.model)
    source = before.source if str(path) == before.model else ""
    return _take(args, head(path), source)


def _take(args: argparse.Namespace, model: Gguf, source: str) -> int:
    """Try the model, then keep the choice."""
    facts = {"model": model.called, "path": str(model.path), "bytes": model.bytes, "source": source}
    if find_spec(PACKAGE) is None:
        choose(paths.home(), Chosen(model=str(model.path), source=source))
        _say(args, f"{one_line(model.called, 60)} is chosen; to be asked it needs {INSTALL}")
    else:
        from engine.local_model.trial import tried

        _say(args, f"loading {one_line(model.called, 60)} …")
        found = tried(model, _threads())
        choose(paths.home(), Chosen(model=str(model.path), source=source))
        facts |= {"tokens_per_second": round(found.tokens_per_second, 1), "template": found.template}
        rate = f"{found.tokens_per_second:,.0f} tokens a second"
        _say(args, f"it was loaded in {found.seconds:.1f} s and says {rate}")
        if not found.template:
            _say(args, "it brings no chat template, so it may be no model that answers questions")
    if args.json:
        print_document(facts)
    else:
        print(model.path)
    return 0


def _threads() -> int:
    return max((os.cpu_count() or 2) // 2, 1)


def _say(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(text, file=sys.stderr, flush=True)


# --- pull ---


def _pull(args: argparse.Namespace) -> int:
    from engine.local_model.offers import most, offer
    from engine.memory.limit import of_machine

    memory = of_machine()
    word = args.repository
    if word is None:
        word = offer(memory, os.cpu_count() or 1).repository
        _say(args, f"{word} suits a machine with {amount(memory)} of memory and {os.cpu_count()} processors")
    repository, revision = split(word)
    if not is_hub_id(repository) or (revision is not None and not is_revision(revision)):
        do = "Write it as owner/name; a file that is here is taken by `openlora advisor use FILE`."
        raise Problem(f"`{one_line(word, 80)}` is no hub id.", do=do)
    from engine.hub.gguf_plan import gguf_plan
    from engine.hub.plan import check_room
    from openlora_tui.cli.pull import Teller, bring

    teller = Teller(as_json=args.json)
    wanted = gguf_plan(repository, revision, most=most(memory), file=args.file)
    teller.plan(wanted, last=args.dry_run)
    check_room(wanted)
    if args.dry_run:
        return 0
    folder = bring(wanted, teller)
    source = f"{repository}@{wanted.revision}"
    return _take(args, head(folder / wanted.files[0].name), source)
