"""The model's answers: asked with the facts, judged, and with a proposal that the checks have passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from engine.advisor.known import cites_in
from engine.llama import words
from engine.local_model import context, grammar, talk
from engine.local_model.gather import Gathered
from engine.local_model.proposal import Unsound, checked
from engine.local_model.sense import judge
from engine.local_model.talk import Answer, Loading, Piece, Proposal, Question
from engine.local_model.voice import Silent, TooLong, Voice
from engine.text import clean

_TOKENS: Final = 320
"""Of an answer: 120 words, and room to end them."""
_SHARE: Final = 4
"""A quarter of a short context is the answer's at most."""
_FACTS: Final = 6000
"""Characters of facts at first, about 2,000 tokens: a CPU reads them in a minute with a large model."""
_LEAST: Final = 200
_CUT: Final = 0.8
_TRIES: Final = 5
_TEMPERATURE: Final = 0.2
_REPEATED: Final = 1.1
_EARLIER: Final = 2
_KEPT: Final = 500
"""Characters of an earlier answer that the next question comes with."""

Say = Callable[[talk.ToFront], None]
Stopped = Callable[[], bool]


class Spoken:
    """Answers of one model, which remembers the last two about a run.

    Args:
        voice: the model.
        say: takes what is said on the way to an answer.
    """

    def __init__(self, voice: Voice, say: Say) -> None:
        self._voice, self._say = voice, say
        self._run = ""
        self._earlier: list[words.Turn] = []
        self._context = voice.model.context

    @property
    def name(self) -> str:
        """What a person calls the model."""
        return clean(self._voice.model.called)

    def rest(self) -> None:
        """Between two questions."""
        self._voice.rest()

    def close(self) -> None:
        """End the model's process."""
        self._voice.close()

    def answer(self, question: Question, gathered: Gathered, rules: Answer, stopped: Stopped) -> Answer:
        """The model's answer.

        Raises:
            Silent: it gives none, or none that is one; the words say why.
        """
        if question.run != self._run:
            self._run, self._earlier = question.run, []
        if self._voice.spent:
            raise Silent("it has failed too often")
        known = gathered.known
        told, facts, said = self._asked(question, gathered, rules, stopped)
        text = clean(said.text).strip()
        if said.stopped_by in ("length", "context"):
            text = _whole_sentences(text)
        if said.stopped_by == "asked":
            return self._answered(question, gathered, text, said, cancelled=True)
        judged = judge(text, f"{facts}\n{rules.text}", question.text)
        if judged.nonsense:
            raise Silent(f"{judged.nonsense}, so its answer was put aside")
        made, note = self._change(question, gathered, told, text, stopped)
        notes = [f"Not in the run's record: {', '.join(judged.invented)}."] if judged.invented else []
        self._remember(question.text, text)
        answer = self._answered(question, gathered, text, said)
        cut = ["It was longer."] if said.stopped_by != "stop" else []
        return msgspec.structs.replace(
            answer,
            proposal=made or (rules.proposal if known.findings else None),
            note=" ".join([*cut, *notes, *note]),
        )

    def _asked(
        self, question: Question, gathered: Gathered, rules: Answer, stopped: Stopped
    ) -> tuple[list[words.Turn], str, words.Done]:
        """The prompt, its facts and what came of it; a prompt that is too long is cut until it fits."""
        room, hint = _FACTS, rules.text
        for _ in range(_TRIES):
            facts = context.facts_of(gathered, room)
            told = context.turns(question.text, facts, hint, self._earlier, self._context)
            try:
                return told, facts, self._speak(question, told, len(gathered.known.findings), stopped)
            except TooLong as long:
                self._earlier = []
                share = _CUT * max(long.room, 1) / max(long.tokens, 1)
                room, hint = int(min(room, len(facts)) * share), hint[: max(int(len(hint) * share), _LEAST)]
        raise Silent("its context is too short for what there is to tell")

    def _speak(
        self, question: Question, told: list[words.Turn], findings: int, stopped: Stopped
    ) -> words.Done:
        tokens = min(_TOKENS, max((self._context or _TOKENS * _SHARE) // _SHARE, 1))
        ask = words.Ask(
            number=question.number,
            turns=told,
            grammar=grammar.of_answer(findings),
            max_tokens=tokens,
            temperature=_TEMPERATURE,
            repeat_penalty=_REPEATED,
        )
        self._say(Loading(number=question.number, what=f"{self.name} is asked"))
        return self._voice.speak(ask, lambda said: self._pass_on(question.number, said), stopped)

    def _pass_on(self, number: int, said: words.Loaded | words.Reading | words.Piece) -> None:
        match said:
            case words.Loaded():
                self._say(Loading(number=number, what=f"{self.name} is loaded"))
            case words.Reading():
                self._say(Loading(number=number, what="reading the facts", done=said.done, total=said.total))
            case words.Piece():
                self._say(Piece(number=number, text=clean(said.text)))

    def _change(
        self, question: Question, gathered: Gathered, told: list[words.Turn], text: str, stopped: Stopped
    ) -> tuple[Proposal | None, list[str]]:
        """What it proposes, where the checks let that pass; and what to say of one that they do not."""
        recipe = gathered.recipe
        if recipe is None or stopped():
            return None, []
        findings = len(gathered.known.findings)
        ask = words.Ask(
            number=question.number,
            turns=context.for_change(told, text),
            grammar=grammar.of_change(findings),
            max_tokens=grammar.CHANGE_TOKENS,
        )
        try:
            said = self._voice.speak(ask, lambda _: None, stopped)
            values, cites = read_change(said.text, findings)
            return (checked(values, cites, recipe, question.lessons) if values else None), []
        except (Silent, TooLong, ValueError):
            return None, []
        except Unsound as unsound:
            return None, [f"A change that it proposed was refused: {unsound}."]

    def _answered(
        self, question: Question, gathered: Gathered, text: str, said: words.Done, *, cancelled: bool = False
    ) -> Answer:
        return Answer(
            number=question.number,
            text=text,
            by="model",
            cites=cites_in(text, gathered.known.findings),
            cancelled=cancelled,
            tokens=said.tokens,
            tokens_per_second=said.tokens / said.seconds if said.seconds > 0 else 0.0,
        )

    def _remember(self, question: str, text: str) -> None:
        turns = [words.Turn("user", question[:_KEPT]), words.Turn("assistant", text[:_KEPT])]
        self._earlier = [*self._earlier, *turns][-2 * _EARLIER :]


def _whole_sentences(text: str) -> str:
    """The text up to the end of its last whole sentence; all of it where none ends."""
    end = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? "))
    return text[: end + 1] if end > 0 else text


def read_change(text: str, findings: int) -> tuple[dict[str, Any], list[int]]:
    """The new values and the numbers of findings in what the grammar of a change has let through.

    Raises:
        ValueError: it was cut off.
    """
    try:
        said = msgspec.json.decode(text, type=_Change)
    except msgspec.DecodeError as error:
        raise ValueError(f"{error}") from None
    return said.change or {}, [number for number in dict.fromkeys(said.rests_on) if 0 < number <= findings]


class _Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: dict[str, Any] | None
    rests_on: list[int] = []
