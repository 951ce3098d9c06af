"""A conversation as ids that an answer can follow, written as training writes it."""

from __future__ import annotations

from engine.data.refusal import Refusal
from engine.data.shapes import Chat
from engine.data.template import answers, head_of
from engine.data.tokenizer import ModelTokenizer
from engine.data.turns import Spans, parts_of


def prompt_ids(chat: Chat, tokenizer: ModelTokenizer) -> list[int]:
    """The ids of `chat`, with the head of the answer that is to come.

    Raises:
        Refusal: the chat template refuses the turns.
    """
    template = tokenizer.template
    text = template.render(chat, prompt=True)
    if tokenizer.rules.tokenize_turns == "apart":
        head = head_of(template, chat, text)
        parts = parts_of(text, _answered(chat, text, tokenizer), tokenizer.marks, head)
        ids = [id for part in parts for id in tokenizer.encode(text[part.start : part.end])]
    else:
        ids = tokenizer.encode(text)
    return tokenizer.started(ids) if template.plain else ids


def _answered(chat: Chat, text: str, tokenizer: ModelTokenizer) -> Spans:
    """Where the earlier answers stand in `text`; none where the template writes them otherwise now."""
    said = [i for i, message in enumerate(chat.messages) if message["role"] == "assistant"]
    if not said:
        return []
    try:
        before, spans = answers(tokenizer.template, Chat(chat.messages[: said[-1] + 1], chat.tools))
    except Refusal:
        return []
    return spans if text.startswith(before) else []
