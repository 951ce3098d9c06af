"""An advisor in a thread of the test, talked with as a front end does, and a run to ask about."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine import events as ev
from engine.line import Gone
from engine.local_model import talk
from engine.local_model.serve import MakeVoice, serve
from engine.local_model.voice import Voice
from engine.run_dir import RunDir

_PATIENCE = 120.0
RECIPE = "model: m\ndata: d.jsonl\n# mine\nlearning_rate: 2e-4\n"


class Front:
    """The front end's end of a line; it is the job's `Line` too."""

    device = "cpu"

    def __init__(self, spec: talk.Spec, voice: MakeVoice = Voice) -> None:
        self._voice = voice
        self._to_job: queue.Queue[bytes | None] = queue.Queue()
        self._to_front: queue.Queue[bytes] = queue.Queue()
        self._thread = threading.Thread(target=self._serve, args=(talk.encode(spec),), daemon=True)
        self._thread.start()

    def _serve(self, spec: bytes) -> None:
        try:
            serve(spec, self, self._voice)
        except Gone:
            return

    def say(self, body: bytes) -> None:
        self._to_front.put(body)

    def hear(self, seconds: float = 0.0) -> bytes | None:
        try:
            body = self._to_job.get(timeout=seconds) if seconds else self._to_job.get_nowait()
        except queue.Empty:
            return None
        if body is None:
            raise Gone
        return body

    # --- what a test does ---

    def tell(self, said: talk.ToWorker) -> None:
        self._to_job.put(talk.encode(said))

    def heard(self) -> talk.ToFront:
        said = talk.to_front(self._to_front.get(timeout=_PATIENCE))
        assert said is not None
        return said

    def until(self, fits: Callable[[talk.ToFront], bool]) -> list[talk.ToFront]:
        said = [self.heard()]
        while not fits(said[-1]):
            said.append(self.heard())
        return said

    def ask(self, text: str, run: str = "", **more: object) -> list[talk.ToFront]:
        """All that is said to a question, the answer last."""
        self.tell(talk.Question(number=1, text=text, run=run, **more))  # type: ignore[arg-type]
        return self.until(lambda said: isinstance(said, talk.Answer | talk.Failed))

    def answer(self, text: str, run: str = "", **more: object) -> talk.Answer:
        told = self.ask(text, run, **more)[-1]
        assert isinstance(told, talk.Answer), told
        return told

    def close(self) -> None:
        self._to_job.put(None)
        self._thread.join(_PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def fronts(home: Path) -> Iterator[Callable[..., Front]]:
    made: list[Front] = []

    def make(spec: talk.Spec, voice: MakeVoice = Voice) -> Front:
        made.append(Front(spec, voice))
        return made[-1]

    yield make
    for front in made:
        front.close()


@pytest.fixture
def stories(shared: Path) -> Path:
    """A real model of 260,000 parameters, which knows nothing but stories for children."""
    if find_spec("llama_cpp") is None:
        pytest.skip("llama-cpp-python is not installed")
    return shared / "models/gguf/stories260K-F32.gguf"


@pytest.fixture
def run(home: Path) -> RunDir:
    """A run of 60 steps whose loss leaps at step 41, and whose recipe lies beside it."""
    directory = RunDir(home, "1")
    directory.path.mkdir(parents=True)
    directory.recipe.write_text(RECIPE)
    now = time.time()
    told: list[ev.Event] = [
        ev.Created(t=now, run="1", name="mine", model="m", data=["d.jsonl"]),
        ev.Started(t=now, pid=1, host="h", device="cpu"),
        ev.Planned(
            t=now, steps=100, epochs=1.0, rows=400, eval_rows=0, tokens=9000, label_tokens=3000,
            trainable=10, parameters=100, batch_rows=4, learning_rate=2e-4,
        ),
        *(
            ev.Step(
                t=now + step, step=step, loss=9.0 if step == 41 else 2.5 - step / 100 + 0.01 * (step % 2),
                lr=2e-4, grad_norm=1.0, tokens=90, label_tokens=30, seconds=1.0, epoch=step / 100,
            )
            for step in range(1, 61)
        ),
    ]  # fmt: skip
    directory.events.write_bytes(b"".join(map(ev.encode, told)))
    return directory
