"""The head of the Train screen: which run, where it stands, and when it has ended, how."""

from __future__ import annotations

from typing import Final

from engine import events as ev
from engine.rate_range import came_to
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import SEVERITY_ROLE, STATUS_ROLE, status_word
from openlora_tui.widgets.failure import died, end_row
from openlora_tui.widgets.machine import bar
from openlora_tui.widgets.memory import memory_words
from openlora_tui.widgets.painted import Painted, Row, between, columns, fitting
from openlora_tui.widgets.wrap import tail, wrapped

SILENT: Final = 15.0
"""Seconds without a word from the worker before the screen says so."""
_MOVING: Final = ("starting", "running", "stopping")


class RunHead(Painted):
    """As many rows as the state needs; the chart below gets the rest."""

    DEFAULT_CSS = "RunHead { height: 5; padding: 0 1; }"

    def repaint(self) -> None:
        """Paint, after making room for what there is to say."""
        width = self.size.width or 78
        wanted = len(self.rows(width, 99))
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
        super().repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """Title, notice, and the run's own lines."""
        state = self.tui.session.state
        if state is None:
            return self._waiting(width)
        if died(state):
            return [self._title(state, width), end_row(state, width)]
        rows = [self._title(state, width), self._notice(state, width)]
        if state.outcome is not None and state.ended:
            return rows + self._outcome(state, width)
        if state.status == "queued":
            return [*rows, Row("waits  ", "dim").add(one_line(state.reason) or "for its turn"), Row(), Row()]
        if state.step == 0:
            return rows + self._phase(state, width)
        return [*rows, self._place(state, width), self._bar(state, width), self._losses(state, width)]

    def _waiting(self, width: int) -> list[Row]:
        session = self.tui.session
        row = session.rows.get(session.watched)
        name = one_line(row.name) if row else "No run is open."
        what = "is being read …" if row else "1 shows the list of runs, n starts a new one."
        if session.trouble:
            what = session.trouble
        return [Row(name, "bright"), Row(), Row(one_line(what, width), "dim")]

    def _title(self, state: RunState, width: int) -> Row:
        plan = state.plan
        parts = [Row(one_line(state.name) or state.run, "bright"), Row(model_name(state.model))]
        if plan is not None:
            method = f"LoRA r{plan.rank}" if plan.rank else "LoRA"
            train = f"{figures.short(plan.trainable)} of {figures.short(plan.parameters)} train"
            parts.append(Row(f"{method}, {train}"))
        if width >= 100:
            parts.append(Row(f"run {one_line(state.run)}", "dim"))
        dot = f" {self.tui.glyphs.dot} "
        status = self._status(state)
        return between(fitting(parts, dot, width - status.width - 1), status, width)

    def _status(self, state: RunState) -> Row:
        glyphs = self.tui.glyphs
        role = STATUS_ROLE[state.status]
        word = one_line(status_word(state.status, state.phase), 24)
        if state.status in _MOVING:
            done = f"{state.done:,}/{state.total:,} " if state.total and state.step else ""
            return Row(f"{word} {done}", f"bold {role}").add(self.tui.spinner, role)
        return Row(f"{glyphs.status[state.status]} {word}", f"bold {role}")

    def _notice(self, state: RunState, width: int) -> Row:
        """One line for what needs a person: silence first, then the gravest finding."""
        session = self.tui.session
        if session.trouble:
            return Row("! ", "warn").add(one_line(f"Engine: {session.trouble}", width - 2), "warn")
        if state.status == "paused" and state.reason:
            said = Row("! ", "warn").add(one_line(state.reason), "warn")
            return between(said, Row("f what to free", "dim"), width)
        quiet = self.tui.clock() - state.heard
        if not state.ended and state.heard and state.status != "queued" and quiet > SILENT:
            text = f"The worker has not been heard for {figures.duration(quiet - quiet % 5)}."
            return Row("! ", "warn").add(text, "warn")
        grave = [f for f in state.findings if f.severity != "note"]
        if not grave:
            return Row()
        first = next((f for f in reversed(grave) if f.severity == "blocker"), grave[-1])
        role = SEVERITY_ROLE[first.severity]
        count = f"{len(grave)} findings: " if len(grave) > 1 else f"{first.severity}: "
        left = (
            Row(f"{self.tui.glyphs.severity[first.severity]} ", role)
            .add(count, role)
            .add(one_line(first.title))
        )
        return between(left, Row(f"{self.tui.facts().key('advisor')} advisor", "dim"), width)

    def _place(self, state: RunState, width: int) -> Row:
        steps = f"{state.step:,} / {state.steps:,}"
        epochs = f" / {state.plan.epochs:.2f}".removesuffix(".00") if state.plan is not None else ""
        parts = [
            Row("step   ", "dim").add(steps.rjust(2 * len(f"{state.steps:,}") + 3), "bright"),
            Row("epoch ", "dim").add(f"{state.epoch:.2f}{epochs}"),
            Row("tok/s ", "dim").add(f"{recent_speed(state):>7,.0f}"),
        ]
        left = state.seconds_left
        if left is not None and state.status != "paused":
            parts.append(Row("left ", "dim").add(figures.duration(left)))
        return fitting(parts, "   " if width < 90 else "     ", width)

    def _bar(self, state: RunState, width: int) -> Row:
        part = state.step / state.steps if state.steps else 0.0
        role = "warn" if state.status == "paused" else "accent"
        return bar(part, width - 7, self.tui.glyphs, role).add(f"{figures.percent(part):>7}", "bright")

    def _losses(self, state: RunState, width: int) -> Row:
        parts = [Row("loss   ", "dim").add(figures.loss(state.loss.latest), "bold chart-train")]
        if state.eval_loss.latest is not None:
            evaluated = Row("eval ", "dim").add(figures.loss(state.eval_loss.latest), "bold chart-eval")
            parts.append(evaluated.add(f" at {state.eval_loss.latest_x:,}", "dim"))
        if state.best_eval is not None and state.best_eval_step != state.eval_loss.latest_x:
            best = Row("best ", "dim").add(figures.loss(state.best_eval))
            parts.append(best.add(f" at {state.best_eval_step:,}", "dim"))
        elif state.best_eval is not None:
            parts.append(Row("the best so far", "dim"))
        if (memory := memory_words(state, width)).width:
            parts.append(memory)
        if state.plan is not None and width >= 90:
            plan = state.plan
            parts.append(
                Row("batch ", "dim")
                .add(f"{plan.batch_rows:,} rows")
                .add(f"  {plan.precision}{_base(plan.base)}", "dim")
            )
        return fitting(parts, "   " if width < 90 else "     ", width)

    def _phase(self, state: RunState, width: int) -> list[Row]:
        name = state.phase or ("starting the worker" if state.status == "starting" else state.status)
        row = Row("phase  ", "dim").add(one_line(name), "bright")
        if state.reason:
            row.add(f"  {one_line(state.reason)}", "dim")
        if not state.total:
            return [row, Row(), self._planned(state)]
        count = Row("       ").add(_count(state))
        part = state.done / state.total
        gauge = bar(part, width - 7, self.tui.glyphs).add(f"{figures.percent(part):>7}", "bright")
        return [row, gauge, count]

    def _planned(self, state: RunState) -> Row:
        """What will be done, once that is known and before the first step has been."""
        plan = state.plan
        if plan is None:
            return Row()
        parts = [
            Row("plan   ", "dim").add(f"{plan.rows:,} rows"),
            Row(f"{figures.short(plan.tokens)} tokens an epoch"),
            Row(f"{plan.eval_rows:,} rows held out"),
            Row(f"{plan.steps:,} steps of {plan.batch_rows:,}"),
        ]
        return columns(parts, "   ")

    def _outcome(self, state: RunState, width: int) -> list[Row]:
        """Where the progress was: how it ended, and what a person can do with it."""
        if isinstance(state.outcome, ev.Finished):
            return self._finished(state, state.outcome, width)
        if isinstance(state.outcome, ev.Failed):
            return self._failed(state, state.outcome, width)
        return []

    def _summary(self, state: RunState, width: int) -> Row:
        took = figures.duration(state.updated - state.created)
        parts = [
            Row("steps    ", "dim").add(f"{state.step:,} / {state.steps:,}", "bright"),
            Row("in ", "dim").add(took),
            Row("loss ", "dim").add(figures.loss(state.mean_loss), "bold chart-train"),
        ]
        if state.best_eval is not None:
            best = Row("best eval ", "dim").add(figures.loss(state.best_eval), "bold chart-eval")
            parts.append(best.add(f" at {state.best_eval_step:,}", "dim"))
        if (memory := memory_words(state, width)).width:
            parts.append(memory)
        return fitting(parts, "   ", width)

    def _finished(self, state: RunState, outcome: ev.Finished, width: int) -> list[Row]:
        rows = [self._summary(state, width)]
        if outcome.adapter is None and (patch := came_to(state)) is not None:
            return [*rows, *self._rate_that_fits(f"{patch.recipe['learning_rate']:g}")]
        if outcome.adapter is None:
            return [*rows, Row("adapter  ", "dim").add("none was written")]
        path = one_line(outcome.adapter)
        hint = Row("y copies it", "dim")
        rows.append(between(Row("adapter  ", "dim").add(tail(path, width - 9 - 13), "ok"), hint, width))
        named = f'"{path}"' if len(path) + 47 <= width else "adapter"
        whole = (
            state.plan is not None
            and not state.plan.targets
            and state.plan.trainable == state.plan.parameters
        )
        loads = f"AutoModelForCausalLM.from_pretrained({named})" if whole else None
        rows.append(Row("load     ", "dim").add(loads or f"PeftModel.from_pretrained(model, {named})"))
        key = self.tui.facts().key
        following = Row("next     ", "dim").add(key("chat"), "bold accent").add(" talks to it")
        if outcome.outcome == "stopped":
            following.add("   ").add(key("resume"), "bold accent").add(" goes on from here")
        return [*rows, following]

    def _rate_that_fits(self, rate: str) -> list[Row]:
        """What a test of rates has found, and the keys that take it over."""
        keys = f"{self.tui.facts().key('recipe')} {self.tui.facts().key('find_rate')}"
        following = Row("next     ", "dim").add(keys, "bold accent").add(" takes it into the recipe")
        return [Row("fits     ", "dim").add(f"learning_rate {rate}", "bold ok"), following]

    def _failed(self, state: RunState, outcome: ev.Failed, width: int) -> list[Row]:
        role = "warn" if outcome.interrupted else "bad"
        rows = [_said("what", outcome.what, width, f"bold {role}", 2)]
        rows += [_said("why", outcome.why, width, "text", 3)] if outcome.why else []
        do = outcome.do or ("r resumes it from the last checkpoint." if outcome.resumable else "")
        rows += [_said("do", do, width, "text", 3)] if do else []
        flat = [row for block in rows for row in block]
        ends = [f"exit code {outcome.exit_code}"] if outcome.exit_code is not None else []
        ends += [f"signal {one_line(outcome.signal)}"] if outcome.signal else []
        at = f"at step {state.step:,} of {state.steps:,}" if state.steps else "before the first step"
        flat.append(Row("ended    ", "dim").add(", ".join([at, *ends])))
        if outcome.log:
            flat.append(Row("log      ", "dim").add(tail(one_line(outcome.log), width - 9)))
        return flat


def _count(state: RunState) -> str:
    if state.unit == "bytes":
        return figures.fetched(state.done, state.total, state.rate)
    unit = f" {one_line(state.unit)}" if state.unit else ""
    return f"{state.done:,} / {state.total:,}{unit}"


def _said(label: str, text: str, width: int, role: str, most: int) -> list[Row]:
    lines = wrapped(one_line(text), width - 9)
    if len(lines) > most:
        lines = [*lines[: most - 1], one_line(" ".join(lines[most - 1 :]), width - 9)]
    return [Row((label if i == 0 else "").ljust(9), "dim").add(line, role) for i, line in enumerate(lines)]


def recent_speed(state: RunState) -> float:
    """Tokens a second over the last few steps, steadier than the last one alone."""
    recent = [last for x, last in zip(state.speed.last_x[-5:], state.speed.last[-5:], strict=True) if x >= 0]
    return sum(recent) / len(recent) if recent else 0.0


def model_name(model: str) -> str:
    """The last part of a model's path or hub id."""
    return one_line(model.rstrip("/").rpartition("/")[2] or model)


def _base(held: str) -> str:
    """The base's own width, where it is another than the products': `, nf4 base`."""
    return f", {held.partition(',')[0]} base" if held else ""
