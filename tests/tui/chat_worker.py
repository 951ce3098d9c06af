"""Stands in for the worker of a chat, behind the fake engine."""

from __future__ import annotations

from engine import messages as ms
from engine.chat import spoken
from engine.chat.spoken import Ask, Begun, Done, Piece, Ready, Sampling, Side, Spec, StoppedBy
from tests.tui.fake_engine import FINISHED, RUN, FakeEngine, state_of, tickets, trained

SIDE = "side-1"
READY = Ready(
    model="/models/Qwen2.5-1.5B", adapter=FINISHED.adapter or "", sides=["base", "adapter"], context=32_768,
    form="chat", trained="chat", template=True, sampling=Sampling(), device="NVIDIA GeForce RTX 4090",
    dtype="bfloat16", seconds=4.2, suggestions=["My parcel is not here.", "How do I send a jacket back?"],
)  # fmt: skip


def finished(engine: FakeEngine) -> None:
    """The watched run has left an adapter."""
    engine.states[RUN] = state_of([*trained(1200), FINISHED])
    engine.push(ms.Runs(rows=[tickets("succeeded", adapter=FINISHED.adapter)]))


class ChatWorker:
    """Answers as a test says."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def begun(self) -> list[ms.Begin]:
        return [m for m in self._engine.asked(ms.Begin) if isinstance(m, ms.Begin)]

    def begin(self) -> Spec:
        """Accept the last chat that was asked for."""
        begin = self.begun()[-1]
        self._engine.push(ms.Accepted(request=begin.request, run=SIDE))
        return spoken.spec(begin.spec)

    def say(self, said: spoken.Said) -> None:
        self._engine.push(ms.Said(side=SIDE, body=spoken.encode(said)))

    def heard(self) -> list[spoken.Said | None]:
        return [spoken.to_worker(m.body) for m in self._engine.asked(ms.Tell) if isinstance(m, ms.Tell)]

    def ask(self) -> Ask:
        """The last thing that was asked."""
        return [said for said in self.heard() if isinstance(said, Ask)][-1]

    def answer(self, ask: Ask, *, stopped_by: StoppedBy = "stop", **texts: str) -> None:
        for side in spoken.SIDES:
            if side in texts:
                self.stream(ask, side, texts[side])
                text = texts[side]
                self.say(
                    Done(number=ask.number, side=side, text=text, tokens=9, tokens_per_second=31,
                         stopped_by=stopped_by)
                )  # fmt: skip

    def stream(self, ask: Ask, side: Side, text: str) -> None:
        """The beginning of an answer."""
        self.say(Begun(number=ask.number, side=side, tokens=20))
        self.say(Piece(number=ask.number, side=side, text=text))

    def die(self, what: str) -> None:
        self._engine.push(
            ms.Ended(side=SIDE, problem={"what": what, "do": "The console has its last lines."})
        )
