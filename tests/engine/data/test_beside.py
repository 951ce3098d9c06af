"""The prompt of a row beside the one that a chat will write: what differs is found, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data import ModelTokenizer
from engine.data.inspect import Inspection
from engine.inspection.talk import Beside, Shown
from tests.engine.data.conftest import CHATML

TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {}}}]


def shown(row: dict[str, Any], tokenizer: ModelTokenizer, folder: Path) -> Shown:
    path = folder / "r.jsonl"
    path.write_text(json.dumps(row) + "\n")
    inspection = Inspection([path], tokenizer, model="tiny")
    for _ in inspection.steps():
        pass
    return inspection.show(0, 512)


def beside(row: dict[str, Any], tokenizer: ModelTokenizer, folder: Path) -> Beside:
    found = shown(row, tokenizer, folder).beside
    assert found is not None
    return found


ROWS: list[dict[str, Any]] = [
    {"question": "Say hello", "answer": "hello world"},
    {"prompt": "the quick brown", "completion": " fox"},
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hello"},
                  {"role": "assistant", "content": "fox"}, {"role": "user", "content": "more"},
                  {"role": "assistant", "content": "says"}]},
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=["question", "pair", "turns"])
@pytest.mark.parametrize("template", [None, CHATML], ids=["plain", "chatml"])
def test_what_training_writes_a_chat_writes_too(
    row: dict[str, Any], template: str | None, tokenizer: Any, tmp_path: Path
) -> None:
    found = beside(row, tokenizer(**({"chat_template": template} if template else {})), tmp_path)
    assert found.said == []
    assert found.training == found.chat
    assert not any(piece.differs for piece in found.chat)


def test_a_template_that_adds_something_for_a_new_answer_alone_is_told(
    tokenizer: Any, tmp_path: Path
) -> None:
    thinking = CHATML.replace(
        "<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>{% endif %}"
    )
    found = beside(ROWS[0], tokenizer(chat_template=thinking), tmp_path)
    assert found.said == ["Only in the chat: “<think>”"]
    assert "".join(piece.text for piece in found.chat if piece.differs) == "<think>"
    assert not any(piece.differs for piece in found.training)


def test_what_a_chat_cannot_say_is_told(tokenizer: Any, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hello"}, {"role": "tool", "content": "42"},
             {"role": "assistant", "content": "fox"}]  # fmt: skip
    found = beside({"messages": turns, "tools": TOOLS}, tokenizer(chat_template=CHATML), tmp_path)
    assert any("tool" in said and "roles" in said for said in found.said)
    assert any("offers no tools, and the row has 1" in said for said in found.said)
    assert "42" in "".join(piece.text for piece in found.training if piece.differs)


def test_a_text_has_no_prompt(tokenizer: Any, tmp_path: Path) -> None:
    assert shown({"text": "the quick brown fox"}, tokenizer(), tmp_path).beside is None


def test_the_tokens_of_a_piece_are_its_text_and_special_ones_say_what_they_do(
    tokenizer: Any, tmp_path: Path
) -> None:
    row = shown({"prompt": "the 中 fox", "completion": " says 🙂"}, tokenizer(), tmp_path)
    for piece in row.pieces:
        assert sum(size for _, size in piece.tokens) == len(piece.text)
    assert sum(len(piece.tokens) for piece in row.pieces) == row.tokens
    assert [piece.name for piece in row.pieces if piece.special] == ["BOS", "EOS"]
