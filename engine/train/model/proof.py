"""Proves, before anything is learnt, that the ids in the data mean to the model what they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peft import PeftModel
from transformers import AutoTokenizer

from engine.data.bounds import bounded
from engine.data.dataset import Dataset
from engine.data.prepare import Prepared
from engine.data.refusal import Refusal
from engine.data.shapes import Chat
from engine.data.template import ChatTemplate
from engine.data.tokenizer import ModelTokenizer
from engine.text import one_line


def prove_same_tokens(
    folder: Path, tokenizer: ModelTokenizer, data: Prepared, *, trust: bool = False
) -> None:
    """Compare the light tokenizer and template with transformers' own on some of the rows.

    With `trust` the model's own code may run.

    Raises:
        Refusal: they differ, with the first text on which they do.
    """
    theirs = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust)
    for text in data.probes:
        for special in (True, False):
            ours = tokenizer.encode(text, special=special)
            expected = theirs(text, add_special_tokens=special, verbose=False)["input_ids"]
            if ours != expected:
                raise _differs(folder, text, ours, expected)
    if tokenizer.template.plain:
        return
    for chat in data.chats[:8]:
        expected_text = _theirs_rendered(theirs, tokenizer.template, chat)
        if expected_text is not None and tokenizer.template.render(chat) != expected_text:
            raise Refusal(
                "template_or_special_tokens",
                "The chat template gives another text here than in transformers.",
                where=str(folder),
                why=f"It differs on: {one_line(chat.messages[0]['content'], 80)}.",
                do="Use data with a text column, and report this with the name of the model.",
            )


def embedding_rows(model: PeftModel) -> int:
    """Token ids that the model has an embedding for."""
    return int(model.get_base_model().get_input_embeddings().weight.shape[0])


def prove_ids_fit(model: PeftModel, *parts: Dataset | None) -> None:
    """Check that every token id of the data has a row in the embedding table.

    Raises:
        Refusal: an id is beyond the table.
    """
    table = embedding_rows(model)
    highest = max((part.rows.highest for part in parts if part is not None), default=0)
    if highest >= table:
        raise Refusal(
            "tokenizer_vocab_resize",
            f"The tokenizer gives ids up to {highest:,}, and the model knows {table:,}.",
            why="Tokens were added to the tokenizer, and the model's embedding table was not enlarged.",
            do="Use the tokenizer that came with the model, or call resize_token_embeddings.",
        )


def _theirs_rendered(theirs: Any, template: ChatTemplate, chat: Chat) -> str | None:
    try:
        with bounded():
            text = theirs.apply_chat_template(
                chat.messages, tools=chat.tools, chat_template=template.source, tokenize=False
            )
    except Exception:  # what transformers cannot render cannot be compared
        return None
    return text if isinstance(text, str) else None


def _differs(folder: Path, text: str, ours: list[int], expected: list[int]) -> Refusal:
    at = next((i for i, (a, b) in enumerate(zip(ours, expected, strict=False)) if a != b), 0)
    return Refusal(
        "template_or_special_tokens",
        "transformers' tokenizer gives other ids than tokenizer.json.",
        where=str(folder),
        why=(
            f"They differ on {one_line(text, 60)!r}: {ours[at : at + 6]} from tokenizer.json and "
            f"{expected[at : at + 6]} from AutoTokenizer, from token {at} on."
        ),
        do="Save the tokenizer again with AutoTokenizer.from_pretrained(…).save_pretrained(…), and use that.",
    )
