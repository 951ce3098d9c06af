"""The demo's page: its stages with the time left, then the same prompts before and after."""

from __future__ import annotations

from typing import Final

from engine.run_state import RunState
from engine.starter.story import Sample
from openlora_tui import figures
from openlora_tui.actions.table import Facts
from openlora_tui.demo import Demo, Stage
from openlora_tui.glyphs import Glyphs
from openlora_tui.widgets.machine import bar
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.wrap import wrapped

_SIDE_BY_SIDE: Final = 96
"""Columns from which before and after stand beside each other."""
_LABEL: Final = 8


def heading_rows(demo: Demo, state: RunState | None, width: int, glyphs: Glyphs, spinner: str) -> list[Row]:
    """The title and the stages; one line of them once the story is told."""
    took = figures.duration(demo.seconds)
    title = Row("A model of your own, from nothing", "bright")
    if demo.told:
        made = "tuned" if demo.kept else "made and tuned"
        rows = [between(title, Row(f"{glyphs.status['succeeded']} {made} in {took}", "ok"), width)]
        return rows + _measured_rows(demo)
    rows = [between(title, Row(took, "dim"), width)]
    rows += [Row(line, "dim") for line in wrapped(_INTRODUCTION, width)]
    rows.append(Row())
    for stage in demo.stages(state):
        rows += _stage_rows(stage, width, glyphs, spinner)
    return rows


def _measured_rows(demo: Demo) -> list[Row]:
    if demo.held_out is None:
        return []
    before, after = map(figures.loss, demo.held_out)
    return [Row("loss on rows that were held out  ", "dim").add(f"{before} before, {after} after")]


_INTRODUCTION: Final = (
    "Nothing is downloaded. A small model is made on this machine and learns to write like a ship's log; "
    "then the same prompts are answered before and after."
)


def _stage_rows(stage: Stage, width: int, glyphs: Glyphs, spinner: str) -> list[Row]:
    mark, role, text = {
        "waits": (glyphs.status["queued"], "faint", "dim"),
        "works": (spinner, "accent", "bright"),
        "done": (glyphs.status["succeeded"], "ok", "text"),
        "failed": (glyphs.status["failed"], "bad", "bad"),
    }[stage.standing]
    left = Row(f"{mark} ", role).add(stage.title, text)
    right = Row(figures.duration(stage.took) if stage.took is not None else stage.detail, "dim")
    if stage.standing != "works":
        return [between(left, right, width)]
    rest = Row(f"{figures.duration(stage.left)} left" if stage.left is not None else "", "text")
    rows = [between(left, rest, width)]
    if stage.part is not None:
        rows.append(Row("  ").join(bar(stage.part, min(width - 2, 60), glyphs)))
    if stage.detail:
        rows.append(Row(f"  {stage.detail}", "dim"))
    return rows


def story_rows(demo: Demo, width: int, glyphs: Glyphs, facts: Facts) -> list[Row]:
    """What is known of the answers, or of what went wrong."""
    if demo.problem is not None:
        return [Row(), *_problem_rows(demo.problem, width, facts)]
    if not demo.samples:
        return []
    said = "No row that it learns from has these prompts, or the things that they speak of."
    rows = [Row(), *(Row(line, "dim") for line in wrapped(said, width)), Row()]
    for sample in demo.samples:
        rows += [*_sample_rows(sample, width, glyphs), Row()]
    if demo.told:
        rows += _next_rows(facts)
    return rows


def _sample_rows(sample: Sample, width: int, glyphs: Glyphs) -> list[Row]:
    prompt = [Row("> ", "accent").add(line, "bright") for line in wrapped(sample.prompt, width - 2)[:1]]
    before, after = sample.before or "(nothing)", sample.after or glyphs.ellipsis
    if width < _SIDE_BY_SIDE:
        return [
            *prompt,
            *_labelled("before", before, width, "dim"),
            *_labelled("after", after, width, "text"),
        ]
    half = (width - 3) // 2
    left, right = wrapped(before, half - _LABEL), wrapped(after, half - _LABEL)
    rows = []
    for i in range(max(len(left), len(right))):
        row = Row("  before" if i == 0 else "", "dim").to(_LABEL + 2)
        row.add(left[i] if i < len(left) else "", "dim").to(half + 2)
        row.add("after" if i == 0 else "", "ok").to(half + 2 + _LABEL)
        rows.append(row.add(right[i] if i < len(right) else ""))
    return [*prompt, *rows]


def _labelled(label: str, text: str, width: int, role: str) -> list[Row]:
    lines = wrapped(text, width - _LABEL - 2)
    head = "ok" if label == "after" else "dim"
    return [
        Row(f"  {label if i == 0 else ''}".ljust(_LABEL + 2), head).add(line, role)
        for i, line in enumerate(lines)
    ]


def _next_rows(facts: Facts) -> list[Row]:
    steps = (
        ("chat", "talk to it: the model before and after, side by side"),
        ("open_demo", "the run: its curve, its log, its adapter"),
        ("new", "tune a model on data of your own"),
    )
    return [Row(f"  {facts.key(id):<8}", "bold accent").add(text) for id, text in steps if id in facts.keys]


def _problem_rows(problem: dict[str, str], width: int, facts: Facts) -> list[Row]:
    rows = [Row(line, "bold bad") for line in wrapped(problem.get("what", ""), width)]
    for name in ("where", "why", "do"):
        for i, line in enumerate(wrapped(problem[name], width - _LABEL) if problem.get(name) else []):
            rows.append(Row((name if i == 0 else "").ljust(_LABEL), "dim").add(line))
    return [*rows, Row(), Row(facts.key("again"), "bold accent").add("   tries again")]
