"""Speaks with the model: starts it, starts it again when it crashes or stalls, and gives it up in time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import psutil

from engine.doctor import cgroup
from engine.leases.cards import visible
from engine.llama import words
from engine.llama.gguf import Gguf
from engine.llama.process import Died, Process
from engine.local_model.neighbours import Neighbours
from engine.local_model.room import ON_CARD, How, how
from engine.messages import Gpu
from engine.telemetry.gpu import gpus

_TICK: Final = 0.2
_LOOK: Final = 2.0
"""Seconds between two looks at the runs beside it."""
_QUIET: Final = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
"""Threads that wait must not spin on cores that training works on."""

Start = Callable[[words.Load, dict[str, str]], Process]
Tell = Callable[[words.Loaded | words.Reading | words.Piece], None]


class Silent(Exception):
    """The model gives no answer, and why."""


class TooLong(Exception):
    """The prompt has to be shorter."""

    def __init__(self, tokens: int, room: int) -> None:
        super().__init__(f"{tokens} tokens, and {room} fit")
        self.tokens, self.room = tokens, room


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """For how long it is waited for, and how often it may fail."""

    load: float = 300.0
    """Seconds without a word while it loads: a large file from a slow disk."""
    word: float = 90.0
    """Seconds without a token, or 64 tokens of the prompt, however busy the machine is."""
    cancel: float = 5.0
    """Seconds in which it has to hear a stop."""
    idle: float = 300.0
    """Seconds after which its memory is given back."""
    failures: int = 3
    """Crashes and stalls after which it is asked no more."""


class Voice:
    """The model of one advisor; it is loaded when it is first asked.

    Args:
        model: its file's head.
        root: the home, whose runs come first.
        limits: for tests.
        start: how its process is started, for tests.
    """

    def __init__(self, model: Gguf, root: Path, limits: Limits | None = None, start: Start = Process) -> None:
        self.model = model
        self._limits = limits or Limits()
        self._start = start
        self._neighbours = Neighbours(root)
        self._process: Process | None = None
        self._how: How | None = None
        self._failures = 0
        self._used = self._looked = time.monotonic()

    @property
    def spent(self) -> bool:
        """True once it has failed so often that it is asked no more."""
        return self._failures >= self._limits.failures

    @property
    def pid(self) -> int:
        """Its process, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def speak(self, ask: words.Ask, tell: Tell, stopped: Callable[[], bool]) -> words.Done:
        """The model's answer; one that breaks off is asked for once more, after another Loaded.

        Args:
            tell: takes what comes on the way.
            stopped: True once a person wants no more of it.

        Raises:
            Silent: there is none.
            TooLong: the prompt has to be shorter.
        """
        unwanted = _Unwanted(stopped)
        for last in (False, True):
            if self.spent:
                raise Silent(f"it failed {self._failures} times")
            try:
                self._load(tell, unwanted)
                return self._asked(ask, tell, unwanted)
            except _Crowds:
                self.close()
                if unwanted():
                    raise Silent("it was stopped") from None
            except Died as death:
                self.close()
                if unwanted():  # it was ended because it did not hear, and is asked nothing more
                    raise Silent("it was stopped") from death
                self._failures += 1
                if last or self.spent:
                    raise Silent(f"it {death}") from death
        raise Silent("a run needs the memory that it had")

    def rest(self) -> None:
        """Between two questions: give memory back where it was not used for long, or a run needs it."""
        if self._process is None:
            return
        idle = time.monotonic() - self._used > self._limits.idle
        if idle or self._crowds():
            self.close()

    def close(self) -> None:
        """End its process."""
        if self._process is not None:
            self._process.close()
        self._process = self._how = None

    def _load(self, tell: Tell, stopped: Callable[[], bool]) -> None:
        """See to it that it is loaded, in the way that the runs beside it allow now."""
        self._looked = time.monotonic()
        if self._process is not None:
            return
        way = self._way()
        if way.refused:
            raise Silent(way.refused)
        self._how = way
        load = words.Load(
            path=str(self.model.path), context=way.context, threads=way.threads, gpu_layers=way.gpu_layers
        )
        self._process = self._start(load, {"CUDA_VISIBLE_DEVICES": way.card, **_QUIET})
        said = self._hear(self._limits.load, stopped)
        if said is None:
            self.close()
            raise Silent("it was stopped while it was loaded")
        if isinstance(said, words.Unloadable):
            self.close()
            self._failures = self._limits.failures
            raise Silent(f"llama.cpp cannot load it: {said.why}")
        if not isinstance(said, words.Loaded):
            raise Died("said something else before it was loaded")
        tell(said)

    def _asked(self, ask: words.Ask, tell: Tell, stopped: Callable[[], bool]) -> words.Done:
        assert self._process is not None
        self._process.tell(ask)
        stopping = False
        while True:
            said = self._hear(self._limits.cancel if stopping else self._limits.word, stopped, deaf=stopping)
            self._used = time.monotonic()
            match said:
                case None:
                    stopping = True
                    self._process.tell(words.Stop())
                case words.Done():
                    return said
                case words.TooLong():
                    raise TooLong(said.tokens, said.room)
                case words.Refused():
                    raise Silent(f"it refused: {said.why}")
                case words.Reading() | words.Piece():
                    tell(said)
                case _:
                    raise Died("said what it was not asked")

    def _hear(
        self, patience: float, stopped: Callable[[], bool], *, deaf: bool = False
    ) -> words.ToParent | None:
        """Its next word; None where a person wants it to stop.

        Raises:
            Died: it has ended, or says nothing for `patience` seconds.
            _Crowds: a run needs the memory that it has.
        """
        assert self._process is not None
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not deaf and stopped():
                return None
            said = self._process.hear(_TICK)
            if said is not None:
                return said
            if self._crowds():
                raise _Crowds
        raise Died(f"said nothing for {patience:.0f} seconds")

    def _way(self) -> How:
        """How it would be loaded now; what it holds itself counts as free."""
        own, cards = self._how, visible(os.environ, gpus())
        if own is not None:
            cards = [_without(card, own, self.model) for card in cards]
        return how(self.model, self._neighbours.now(), cards, _free(), psutil.cpu_count(logical=False) or 1)

    def _crowds(self) -> bool:
        """True where it would have less now, because a run has come; looked at now and then."""
        now, way = time.monotonic(), self._how
        if way is None or now - self._looked < _LOOK:
            return False
        self._looked = now
        fresh = self._way()
        return fresh.gpu_layers < way.gpu_layers or fresh.threads < way.threads


class _Unwanted:
    """Whether a person wants no more of the answer: told once, it stays so."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped
        self._told = False

    def __call__(self) -> bool:
        self._told = self._told or self._stopped()
        return self._told


class _Crowds(Exception):
    """A run needs the memory that the model has."""


def _without(card: Gpu, way: How, model: Gguf) -> Gpu:
    """The card as it would be without what the model holds of it."""
    if card.uuid != way.card:
        return card
    share = min(way.gpu_layers / (model.layers + 1), 1.0)
    own = int(share * (model.bytes + model.cache_bytes(way.context))) + ON_CARD
    return msgspec.structs.replace(card, used=max(card.used - own, 0))


def _free() -> int:
    """Bytes of memory that nobody uses, in the tightest group that this process is in."""
    free = int(psutil.virtual_memory().available)
    limit = cgroup.memory()
    return free if limit is None else min(free, limit[0] - limit[1])
