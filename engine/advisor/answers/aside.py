"""What a person wants to do, what the model answers by now, where it works; symptoms in a person's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.advisor.answers.figures import ends, number, still_falls
from engine.advisor.case import Case
from engine.advisor.diagnose import diagnose
from engine.advisor.known import Known
from engine.text import amount, quoted

_SURE: Final = 0.6
"""Confidence from which a symptom in plain words is said to sound like something."""
_SAMPLES: Final = 2
_TEXT: Final = 300

_WAYS: Final[tuple[tuple[str, str], ...]] = (
    (r"close|terminal|ssh|disconnect|log ?out|leave|quit", "Yes, leave: the run goes on without this screen, "
     "and `openlora runs watch {run}` looks at it again."),
    (r"export|gguf|merge|ollama|deploy|use it|use the adapter", "README, \"Use the adapter\", has the ways; "
     "`openlora chat {run}` tries it first. The adapter lies where `openlora runs show {run}` says."),
    (r"resume|continue|go on|carry on", "`openlora runs resume {run}` goes on from its last checkpoint; "
     "`openlora runs continue {run}` ends a pause."),
    (r"pause", "`openlora runs pause {run}` pauses it between two micro-batches; `continue` ends that."),
    (r"stop|cancel|abort|end it", "`openlora runs stop {run}` ends it and saves an adapter; `kill` saves "
     "nothing."),
    (r"retry|again|restart", "`openlora runs retry {run} --list` tells what could be changed; without --list "
     "it begins."),
    (r"compare|better than|difference", "`openlora runs compare {run} OTHER` sets them side by side; "
     "`openlora runs why {run} OTHER` says why one is better."),
    (r"talk|chat|try it|test it", "`openlora chat {run} --both` answers with the adapter and without."),
    (r"delete|remove", "`openlora runs delete {run}` removes it; what it taught stays."),
)  # fmt: skip
_HOW: Final = re.compile(
    r"\b(?:how (?:do|can|to|would)|can i|may i|could i|is it safe|what command|let me)\b"
)


def way_to(known: Known, words: str) -> list[str]:
    """How to do what the question asks for; nothing where it asks for nothing of the kind."""
    run = known.state.run if known.state is not None else ""
    if not _HOW.search(words):
        return []
    found = (text for pattern, text in _WAYS if re.search(rf"\b(?:{pattern})\b", words))
    return [text.format(run=run or "RUN") for text in list(found)[:1]]


def symptom(known: Known, words: str) -> list[str]:
    """What a person's own description sounds like; nothing where it sounds like nothing for sure."""
    config = {} if known.recipe is None else {"max_length": known.recipe.max_length}
    heard = [one for one in diagnose(Case(lines=[words], config=config)) if one.confidence >= _SURE]
    if not heard:
        return []
    first = heard[0]
    seen = known.cite(first.category)
    lines = [
        f"That sounds like this: {first.title.rstrip('.')} ({first.confidence:.0%} sure, by your words)."
    ]
    lines += [f"This run shows it: {seen}."] if seen else []
    return [*lines, *(text for text in (first.cause, first.remedy) if text)]


def samples(known: Known) -> list[str]:
    """`Show me a sample`: what the model answered last."""
    state = known.state
    if state is None or not state.samples:
        return ["No samples were taken (sample_steps, sample_prompts)."]
    lines = []
    for sample in state.samples[-_SAMPLES:]:
        lines.append(f"At step {sample.step:,}, asked: {quoted(sample.prompt, _TEXT // 3)}")
        lines.append(f"it answered: {quoted(sample.text, _TEXT)}")
    return lines


def checkpoints(known: Known) -> list[str]:
    """`Which checkpoint is the best?`"""
    state = known.state
    if state is None:
        return ["No run is at hand."]
    lines = []
    if state.best_eval is not None:
        best = f"{number(state.best_eval)} at step {state.best_eval_step:,}"
        lines.append(
            f"By held-out loss the best is {best}; with load_best_model_at_end the adapter is that one."
        )
    else:
        lines.append("Nothing was evaluated on held-out rows, so no step is known to be the best.")
    if state.checkpoint is not None:
        lines.append(f"The newest checkpoint is that of step {state.checkpoint.step:,}.")
    else:
        lines.append("There is no checkpoint (save_steps).")
    return lines


def longer(known: Known) -> list[str]:
    """`Should it train longer?`, `are so many epochs enough?`"""
    state = known.state
    moved = ends(state.loss) if state is not None else None
    if state is None or moved is None:
        return ["There are too few steps to say; 1 to 3 epochs are usual."]
    latest, best = state.eval_loss.latest, state.best_eval
    done = f"It has made {state.step:,} of {state.steps:,} steps, {state.epoch:.2g} epochs."
    if latest is not None and best is not None and latest > 1.05 * best:
        at = f"{state.best_eval_step:,}"
        return [f"No, less: held-out loss was best at step {at} and has risen since.", done]
    falls = still_falls(state.loss)
    if falls is None:
        return ["Too early to tell whether its loss still falls.", done]
    if not falls:
        return ["It would hardly help: the training loss has been level for a quarter of the run.", done]
    after = "" if state.ended else "Once it has ended, "
    held = "held-out loss has not risen" if latest is not None else "nothing is held out to warn of too much"
    return [
        f"It may help: the training loss still falls, and {held}.", done,
        f"{after}`openlora runs resume {state.run} --epochs +1` goes on.",
    ]  # fmt: skip


def place(known: Known) -> list[str]:
    """`Is the GPU used?`"""
    state = known.state
    if state is None or not state.device:
        return ["It has no device yet."]
    lines = [f"It works on {state.device}{f', {state.plan.computed}' if state.plan is not None else ''}."]
    if state.memory_peak:
        lines.append(f"It has taken {amount(state.memory_peak)} there at most.")
    if state.speed.latest:
        lines.append(f"It learns from {state.speed.latest:,.0f} tokens a second.")
    return lines


def faster(known: Known) -> list[str]:
    """`How do I make it faster?`"""
    lines = [f"See [{at}] {one.title.rstrip('.')}. {one.remedy}".rstrip()
             for at, one in enumerate(known.findings, 1) if one.category == "hang_or_slow"]  # fmt: skip
    return [*lines, *_levers(known)]


def _levers(known: Known) -> Iterator[str]:
    recipe, state = known.recipe, known.state
    if state is not None and state.speed.latest:
        yield f"It learns from {state.speed.latest:,.0f} tokens a second now."
    if recipe is None:
        return
    ways = []
    if recipe.gradient_checkpointing:
        ways.append("gradient_checkpointing off, where memory allows (each step computes a third less)")
    if recipe.load_in_4bit or recipe.load_in_8bit:
        ways.append("the base in 16 bits, where memory allows")
    ways.append(
        "a larger per_device_train_batch_size with fewer gradient_accumulation_steps, where memory allows"
    )
    if recipe.num_train_epochs > 1:
        ways.append(f"fewer than {recipe.num_train_epochs:g} epochs")
    if recipe.eval_steps and recipe.eval_steps < 50:
        ways.append(f"a larger eval_steps than {recipe.eval_steps}")
    yield f"What would make it quicker: {'; '.join(ways)}."


def level(known: Known) -> list[str]:
    """`Is a loss of 1.9 good?`"""
    return [
        "A loss by itself is neither good nor bad: it depends on the rows, and compares only with runs that "
        "hold out the same rows with the same tokenizer and template.",
        *longer(known)[:1],
    ]
