"""`openlora estimate`: what a run takes of memory, whether it fits, and what would make it fit."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.problem import BAD_INPUT, WORK_FAILED, Problem
from engine.recipe import RecipeFile, override, parse
from engine.text import amount
from openlora_tui.cli.check import recipe_in
from openlora_tui.cli.document import print_document
from openlora_tui.cli.options import add_field_options, given_fields
from openlora_tui.cli.outlet import write_over

if TYPE_CHECKING:
    from engine.memory.answer import Answer
    from engine.messages import RunRow

HELP: Final = "peak memory of a run by part, and the largest micro-batch that fits"
_ANY: Final = "model: none\ndata: none\n"
_BAR: Final = 24
_RUNS: Final = 200
"""The newest runs, among which those alike are looked for."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    add = parser.add_argument
    add("recipe", type=Path, nargs="?", help="a recipe; - takes stdin; with --model none is needed")
    add("--gpu-memory", metavar="12GiB", help="price it for a card with this memory, in bf16 by default")
    add("--quick", action="store_true", help="the formula's figure, at once; the exact one takes seconds")
    add("--set", action="append", metavar="NAME=VALUE", help="change a recipe field for this estimate")
    add("--json", action="store_true", help="one JSON document on stdout")
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Price and report; whether it fits does not change the exit status."""
    fields = given_fields(args)
    if args.recipe is None and "model" not in fields:
        raise Problem("There is nothing to estimate.", do="Name a recipe, or a model with --model.")
    recipe = override(parse(_ANY) if args.recipe is None else recipe_in(args.recipe), fields)
    memory = args.gpu_memory
    answer = _quick(recipe, memory, _past(memory)) if args.quick else _exact(recipe, memory)
    if args.json:
        print_document(answer.document())
    else:
        print("\n".join(lines(answer)))
    return 0


def _quick(recipe: RecipeFile, memory: str | None, rows: Sequence[RunRow] = (), note: str = "") -> Answer:
    # Imported on use: `--help` needs none of it.
    from engine.memory import limit
    from engine.memory.experience import experience
    from engine.memory.instant import instant, priced
    from engine.recipe.places import placed
    from engine.telemetry.gpu import gpus

    resolved = placed(recipe)
    bound = limit.given(memory) if memory else limit.there(resolved, gpus(), os.environ)
    return instant(*priced(resolved), bound, note=note, past=experience(rows, resolved, bound))


def _past(memory: str | None) -> list[RunRow]:
    """The newest runs, where an engine is there that tells them: none is started for it."""
    from engine import paths
    from engine.alone import holder
    from engine.client import silence
    from openlora_tui.cli.session import Session

    root = paths.home()
    pid = None if memory else holder(root)
    if pid is None or silence.stopped(pid):
        return []
    with suppress(Problem), Session(root) as session:
        return session.rows(_RUNS)
    return []


def _exact(recipe: RecipeFile, memory: str | None) -> Answer:
    """From a worker, which runs the step on tensors without content; the formula where there is no torch."""
    from engine import packages, paths
    from engine.memory import talk
    from openlora_tui.cli.session import Session

    quick = _quick(recipe, memory)  # says at once what is wrong with the words
    if packages.missing_for_training():
        return _quick(recipe, memory, _past(memory), "This is the formula's figure: torch is not installed.")
    live = sys.stderr.isatty()
    if live:
        low, high = quick.band
        write_over(f"between {amount(low)} and {amount(high)}; running the step without content")
    with Session(paths.home()) as session:
        past = None if memory else _quick(recipe, memory, session.rows(_RUNS)).past
        asked = talk.Ask(
            number=1, text=recipe.text, path=str(recipe.path), gpu_memory=memory or "", past=past
        )
        with session.begin("estimate", talk.encode(asked)) as conversation:
            for body in conversation.bodies():
                told = talk.told(body)
                if live:
                    write_over("")
                if told.problem is not None:
                    raise Problem(**told.problem, exit_status=BAD_INPUT)
                if told.answer is not None:
                    return told.answer
    raise Problem("The estimate ended early.", do="Try again.", exit_status=WORK_FAILED)


def lines(answer: Answer) -> list[str]:
    """The answer for people: the verdict, the parts, what fits and what would."""
    low, high = answer.band
    peak = amount(low) if low == high else f"{amount(low)} to {amount(high)}"
    if answer.corrected is not None:
        peak = amount(answer.corrected)
    verdict = "fits in" if answer.fits else "does not fit in"
    said = [f"{peak} at the peak: {verdict} {answer.limit}", ""]
    most = max(answer.parts.named().values(), default=1) or 1
    for name, size in answer.parts.named().items():
        bar = "#" * max(round(size / most * _BAR), 1) if size else ""
        said.append(f"  {name:<12} {amount(size):>11}  {bar}".rstrip())
    said += ["", *_corrected(answer), _priced(answer), _largest(answer)]
    for change in answer.changes:
        said += [f"  > {words(change.patch.recipe)}", f"    {amount(change.peak)}; {change.why}"]
    if not answer.fits and not answer.changes:
        said.append("No change of batch, length or checkpointing makes it fit: take a smaller model.")
    return [*said, *([answer.note] if answer.note else [])]


def words(values: dict[str, object]) -> str:
    """Recipe values as `--set` takes them."""
    from engine.recipe.edit import written

    return " ".join(f"--set {name}={written(value)}" for name, value in values.items())


def _corrected(answer: Answer) -> list[str]:
    if answer.past is None or answer.corrected is None:
        return []
    percent = round(abs(answer.past.factor - 1) * 100)
    way = f"{percent} % {'above' if answer.past.factor > 1 else 'below'} what" if percent else "as"
    where = "this card" if answer.limit.cuda else "this machine"
    of = " of this model" if answer.past.same_model else ""
    runs = f"Your last {answer.past.runs} runs{of} on {where} peaked {way} was predicted"
    return [f"{runs}: {amount(answer.corrected)}. The parts make {amount(answer.peak)}."]


def _priced(answer: Answer) -> str:
    rows = f"{answer.rows:,} row{'s' * (answer.rows != 1)}"
    return f"Priced is a micro-batch of {rows} of {answer.length:,} tokens, all of which are learnt."


def _largest(answer: Answer) -> str:
    if not answer.largest:
        return "Not even one such row fits." + (" With one of these it would:" if answer.changes else "")
    rows = f"{answer.largest:,} row{'s' * (answer.largest != 1)}"
    verb = "fits" if answer.largest == 1 else "fit"
    return f"At most {rows} {verb}." + (" This makes it fit:" if answer.changes else "")
