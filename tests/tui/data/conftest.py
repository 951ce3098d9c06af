"""The Data screen on a real inspection of small files, with a tokenizer of single characters."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.data.checks.placeholders import PLACEHOLDERS
from tests.tui.data.driving import until, whole
from tests.tui.fake_engine import row
from tests.tui.fake_inspector import InspectingEngine

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tokenizer of single characters, so that lengths can be counted by hand."""
    folder = tmp_path / "work" / "tiny-chat"
    folder.mkdir(parents=True)
    specials = ["<unk>", "<|im_start|>", "<|im_end|>"]
    letters = sorted({chr(code) for code in range(32, 127)} | {"\n", "é"})
    vocabulary = {text: id for id, text in enumerate([*specials, *letters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens(specials)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text('{"model_type": "llama", "eos_token_id": 2}')
    config = {"eos_token": "<|im_end|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def answer(row: int) -> str:
    return f"On its way, {'very ' * (row % 30)}soon."


@pytest.fixture
def data(tmp_path: Path, model: Path) -> Path:
    """300 rows: short ones, long ones, one twice, one without an answer; row 77 speaks of a parcel."""
    rows = [{"question": f"Ticket {i}: where is it?", "answer": answer(i), "id": i} for i in range(300)]
    rows[76]["question"] = "My parcel says delivered but it is not here."
    rows[120]["answer"] = ""
    rows[200] = rows[201]
    path = model.parent / "tickets.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> InspectingEngine:
    # The job is a thread here, and only a process of its own can be stopped in its work.
    monkeypatch.setattr("engine.data.template.bounded", nullcontext)
    # The screen shows what checks find; which checks there are is not its concern.
    monkeypatch.setattr("engine.data.checks.checks.ROW_CHECKS", (PLACEHOLDERS,))
    monkeypatch.setattr("engine.data.checks.checks.SET_CHECKS", ())
    engine = InspectingEngine()
    engine.list([])
    return engine


@pytest.fixture
def looking(opened: Any, engine: InspectingEngine, data: Path, model: Path) -> Any:
    """Opens the Data screen on the 300 rows of a run that used them."""

    @asynccontextmanager
    async def look(width: int = 80, height: int = 24, file: Path = data, **options: Any) -> Any:
        engine.list([row("tickets", "succeeded", data=[str(file)], model=str(model))])
        async with opened(width, height, **options) as pilot:
            await pilot.press("2")
            await until(pilot, whole)
            yield pilot

    return look
