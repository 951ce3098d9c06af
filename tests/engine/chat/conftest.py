"""A tiny random model with and without an adapter, and a line that a test holds both ends of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.chat import spoken
from engine.chat.spoken import Ask, Done, Sampling, Side, Spec, Turn
from engine.events import Form
from engine.line import Gone
from tests.engine.train.conftest import _few_threads, llama, tokenizer_files

__all__ = ["_few_threads", "llama", "tokenizer_files"]


@pytest.fixture(scope="session")
def adapter(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random adapter that plain peft wrote, loud enough to change what the model says."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(llama), config)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return folder


class TestLine:
    """Hears the asks given, then that the front end has gone; `meanwhile` is heard after some pieces."""

    __test__ = False
    device = "cpu"

    def __init__(self, *asks: spoken.Said, meanwhile: dict[int, spoken.Said] | None = None) -> None:
        self.said: list[Any] = []
        self._asks = deque(spoken.encode(ask) for ask in asks)
        self._meanwhile = meanwhile or {}

    def say(self, body: bytes) -> None:
        said = spoken.to_front(body)
        assert said is not None
        self.said.append(said)

    def hear(self, seconds: float = 0.0) -> bytes | None:
        if (said := self._meanwhile.pop(len(self.of(spoken.Begun)), None)) is not None:
            return spoken.encode(said)
        if seconds == 0:
            return None
        if not self._asks:
            raise Gone
        return self._asks.popleft()

    def of(self, kind: type[Any]) -> list[Any]:
        return [said for said in self.said if isinstance(said, kind)]

    def done(self, side: Side, number: int = 1) -> Done:
        [found] = [d for d in self.of(Done) if d.side == side and d.number == number]
        assert isinstance(found, Done)
        return found


Talk = Callable[..., TestLine]


@pytest.fixture
def talk(llama: Path, adapter: Path) -> Talk:
    """Serves some asks, and returns the line with all that was said."""
    from engine.chat.serve import serve

    def hold(*asks: spoken.Said, spec: Spec | None = None, **options: Any) -> TestLine:
        line = TestLine(*asks, **options)
        wanted = spec or Spec(model=str(llama), adapter=str(adapter))
        with pytest.raises(Gone):
            serve(spoken.encode(wanted), line)
        return line

    return hold


def ask(
    text: str,
    *sides: Side,
    number: int = 1,
    form: Form = "verbatim",
    before: tuple[Turn, ...] = (),
    **how: Any,
) -> Ask:
    turns = [*before, Turn("user", text)]
    sampling = Sampling(**{"max_new_tokens": 12, **how})
    return Ask(number=number, turns=dict.fromkeys(sides or spoken.SIDES, turns), sampling=sampling, form=form)
