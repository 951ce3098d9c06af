"""A chat worker: loads the model once, then answers until its front end leaves."""

from __future__ import annotations

import re
import sys
import time
import traceback
from collections import deque
from typing import Final

from engine.chat import prompt, spoken
from engine.chat.spelling import Speller
from engine.chat.spoken import Ask, Side, StoppedBy
from engine.chat.voices import Chooser, Reader, Voices
from engine.events import Form
from engine.line import Line
from engine.problem import WORK_FAILED, Problem
from engine.text import one_line
from engine.train.explain import CAUSES
from engine.train.memory.exhausted import out_of_memory

_FLUSH: Final = 0.05
"""Seconds between two pieces of an answer: a screen shows no more, and a bus carries fewer bodies."""
_WAIT: Final = 0.5
_SUGGESTIONS: Final = 4


def serve(spec: bytes, line: Line) -> None:
    """Load what `spec` names and answer what is asked, until the front end has gone.

    Raises:
        Gone: the front end left.
        Problem: the model or the adapter cannot be loaded.
    """
    wanted = spoken.spec(spec)
    line.say(spoken.encode(spoken.Loading(what="loading the model")))
    began = time.monotonic()
    try:
        voices = Voices(wanted, line.device)
    except Exception as error:
        raise _explained(error, "loading the model", wanted.adapter or wanted.model) from error
    line.say(spoken.encode(_ready(wanted, voices, time.monotonic() - began)))
    waiting: deque[spoken.ToWorker] = deque()
    while True:
        said = waiting.popleft() if waiting else _heard(line, _WAIT)
        if isinstance(said, Ask):
            _answer(said, voices, line, waiting)


def _ready(wanted: spoken.Spec, voices: Voices, seconds: float) -> spoken.Ready:
    template = not voices.tokenizer.template.plain
    form: Form = wanted.form or ("chat" if template or wanted.adapter else "verbatim")
    return spoken.Ready(
        model=wanted.model,
        adapter=wanted.adapter,
        sides=["base", "adapter"] if wanted.adapter else ["base"],
        context=voices.context,
        form=form,
        trained=wanted.form,
        template=template,
        sampling=voices.sampling,
        device=voices.machine.name,
        dtype=voices.dtype,
        seconds=seconds,
        note=voices.note,
        suggestions=prompt.suggestions(voices.tokenizer, wanted.prompts, form)[:_SUGGESTIONS],
    )


def _heard(line: Line, seconds: float) -> spoken.ToWorker | None:
    body = line.hear(seconds)
    return None if body is None else spoken.to_worker(body)


def _answer(ask: Ask, voices: Voices, line: Line, waiting: deque[spoken.ToWorker]) -> None:
    """Let the sides answer in turns, a token each, until all have ended or something else is said."""
    answers = [_Answer(ask, side, voices, line) for side in spoken.SIDES if side in ask.turns]
    while any(not answer.ended for answer in answers):
        for answer in answers:
            if answer.ended:
                continue
            answer.step()
            said = _heard(line, 0)
            if said is not None:
                waiting.append(said)
        if waiting:
            for answer in answers:
                answer.end("asked")


class _Answer:
    """One side's answer while it is being given."""

    def __init__(self, ask: Ask, side: Side, voices: Voices, line: Line) -> None:
        self.ended = False
        self._ask, self._side, self._voices, self._line = ask, side, voices, line
        self._taken: list[int] = []
        self._text = self._unsent = ""
        self._sent_at = self._seconds = 0.0
        self._reader: Reader | None = None
        try:
            self._ids, self._dropped = prompt.fitted(
                voices.tokenizer, ask.turns[side], ask.form, voices.context, ask.sampling.max_new_tokens
            )
        except Problem as problem:
            self._refuse(problem)
            return
        self._reader = voices.reader(side, self._ids)
        self._chooser = Chooser(ask.sampling, voices.machine.device)
        self._speller = Speller(voices.tokenizer.decode, self._ids)

    def step(self) -> None:
        """Read on in the prompt, or answer one token."""
        assert self._reader is not None
        began, answering = time.monotonic(), self._reader.logits is not None
        try:
            self._answer() if answering else self._read()
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._refuse(_explained(error, "answering", ""))
        if answering:
            self._seconds += time.monotonic() - began

    def end(self, stopped_by: StoppedBy) -> None:
        """Say the last word, once."""
        if self.ended:
            return
        self.ended = True
        if self._reader is not None:
            self._reader.close()
        self._say(self._speller.rest())
        self._flush(now=True)
        done = spoken.Done(
            number=self._ask.number,
            side=self._side,
            text=self._text,
            tokens=len(self._taken),
            tokens_per_second=len(self._taken) / self._seconds if self._seconds > 0 else 0.0,
            stopped_by=stopped_by,
        )
        self._line.say(spoken.encode(done))

    def _read(self) -> None:
        assert self._reader is not None
        self._reader.read()
        if self._reader.logits is not None:
            begun = spoken.Begun(
                number=self._ask.number, side=self._side, tokens=len(self._ids), dropped=self._dropped
            )
            self._line.say(spoken.encode(begun))

    def _answer(self) -> None:
        reader = self._reader
        assert reader is not None
        assert reader.logits is not None
        token = self._chooser.choose(reader.logits, [*self._ids, *self._taken])
        if token in self._voices.tokenizer.stops:
            return self.end("stop")
        self._taken.append(token)
        self._say(self._speller.add(token))
        self._flush()
        context = self._voices.context
        if context is not None and len(self._ids) + len(self._taken) >= context:
            return self.end("context")
        if len(self._taken) >= self._ask.sampling.max_new_tokens:
            return self.end("length")
        return reader.take(token)

    def _say(self, text: str) -> None:
        self._text += text
        self._unsent += text

    def _flush(self, *, now: bool = False) -> None:
        if self._unsent and (now or time.monotonic() - self._sent_at >= _FLUSH):
            piece = spoken.Piece(number=self._ask.number, side=self._side, text=self._unsent)
            self._line.say(spoken.encode(piece))
            self._unsent, self._sent_at = "", time.monotonic()

    def _refuse(self, problem: Problem) -> None:
        self.ended = True
        refused = spoken.Refused(number=self._ask.number, side=self._side, problem=problem.as_dict())
        self._line.say(spoken.encode(refused))


def _explained(error: Exception, doing: str, where: str) -> Problem:
    """What went wrong in words, by the table that explains failed runs."""
    if isinstance(error, Problem):
        return error
    why = one_line(f"{type(error).__name__}: {error}", 400)
    if out_of_memory(error):
        do = "Ask in fewer words, wait for the run that holds the device, or chat on the CPU (--device cpu)."
        return Problem(f"The memory ran out while {doing}.", why=why, do=do, exit_status=WORK_FAILED)
    for cause in CAUSES:
        if re.search(cause.pattern, why):
            return Problem(cause.what, where=where, why=why, do=cause.do, exit_status=WORK_FAILED)
    return Problem(
        f"Something went wrong while {doing}.",
        where=where,
        why=why,
        do="The worker's console has the whole of it.",
        exit_status=WORK_FAILED,
    )
