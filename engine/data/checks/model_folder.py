"""What a model's folder says by itself about tokens: light, and the same for data, recipe and run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from engine.data.checks.begins import begins
from engine.data.encode import Labelled, draft, endless, labelled
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Chat
from engine.data.tokenizer import ModelTokenizer
from engine.findings import Finding
from engine.json_file import read_object
from engine.text import one_line

_GREETING: Final = Chat([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."}])
_NAMED: Final = 8


def folder_findings(tokenizer: ModelTokenizer) -> list[Finding]:
    """What is wrong with the tokenizer, its special tokens and its template, before any row is read."""
    return [*vocabulary_findings(tokenizer), *template_findings(tokenizer)]


def vocabulary_findings(tokenizer: ModelTokenizer) -> list[Finding]:
    """What is wrong with the tokenizer and its special tokens, whatever the rows are."""
    return [*_table(tokenizer), *_end(tokenizer), *_pad(tokenizer)]


def template_findings(tokenizer: ModelTokenizer) -> list[Finding]:
    """What is wrong with the chat template, tried on a short exchange; rows say more."""
    return list(_template(tokenizer))


def embedding_rows(folder: Path) -> int | None:
    """Token ids that the model in `folder` has embeddings for; None where its config.json does not say."""
    try:
        config = read_object(folder / "config.json")
    except (OSError, ValueError):
        return None
    inner: Any = config.get("text_config")
    for part in (config, inner if isinstance(inner, dict) else {}):
        rows = part.get("vocab_size")
        if isinstance(rows, int) and rows > 0:
            return rows
    return None


def _table(tokenizer: ModelTokenizer) -> Iterator[Finding]:
    table = embedding_rows(tokenizer.folder)
    beyond = tokenizer.beyond(table) if table is not None else []
    if table is None or not beyond:
        return
    yield Finding(
        category="tokenizer_vocab_resize",
        severity="warning",
        title=f"{len(beyond):,} tokens of the tokenizer have no embedding",
        evidence=[
            f"config.json: vocab_size {table:,}; the tokenizer's ids reach {max(beyond):,}",
            ", ".join(f"{one_line(tokenizer.written(id), 40)} = {id:,}" for id in beyond[:_NAMED]),
        ],
        cause="Tokens were added to the tokenizer, and the model's embedding table was not enlarged.",
        remedy="Use the tokenizer that came with the model, or enlarge the table: "
        "model.resize_token_embeddings(len(tokenizer)). A row that holds one of them stops the run.",
    )


def _end(tokenizer: ModelTokenizer) -> Iterator[Finding]:
    name, folder = tokenizer.tokens.get("eos_token"), str(tokenizer.folder)
    if tokenizer.eos is None:
        known = f"eos_token is {one_line(name, 40)}, which is not in the vocabulary" if name else ""
        yield Finding(
            category="never_stops_generating",
            severity="warning",
            title="The tokenizer has no token that ends a text",
            evidence=[folder, *([known] if known else [])],
            cause="Nothing can be put behind an answer that would teach the model to stop.",
            remedy="Name eos_token in tokenizer_config.json, one that is in the vocabulary.",
        )
    elif tokenizer.ends and tokenizer.eos not in tokenizer.ends:
        ends = ", ".join(one_line(tokenizer.written(id), 40) or str(id) for id in sorted(tokenizer.ends))
        yield Finding(
            category="never_stops_generating",
            severity="warning",
            title=f"Answers end with {one_line(name or '', 40)}, at which generation does not stop",
            evidence=[folder, f"eos_token_id of generation_config.json: {ends}"],
            cause="The tokenizer's eos_token is none of the tokens that end a generated text.",
            remedy=f"Add {tokenizer.eos} to eos_token_id in generation_config.json.",
        )


def _pad(tokenizer: ModelTokenizer) -> Iterator[Finding]:
    pad = tokenizer.tokens.get("pad_token")
    if pad is not None and pad == tokenizer.tokens.get("eos_token"):
        yield Finding(
            category="padding_token",
            severity="note",
            title=f"pad_token is eos_token ({one_line(pad, 40)}): the end is learnt here all the same",
            evidence=[str(tokenizer.folder)],
            cause="Trainers that mask padding by its id mask the end of every answer with it, and the "
            "model never learns to stop. OpenLoRA masks by place: only what fills a row up.",
            remedy="Nothing is to be done here; for other trainers name a pad_token of its own.",
        )


def _template(tokenizer: ModelTokenizer) -> Iterator[Finding]:
    """A short exchange, made as training would make it."""
    if tokenizer.template.plain:
        return
    folder = str(tokenizer.folder)
    try:
        [probe] = labelled([draft(Row(folder, 1, {}), _GREETING, tokenizer)], tokenizer)
    except Refusal as refusal:
        yield Finding(
            category="template_or_special_tokens",
            severity="warning",
            title="The chat template refuses a plain question and its answer",
            evidence=[folder, one_line(refusal.why, 200)],
            cause=refusal.what,
            remedy=refusal.do,
        )
        return
    yield from _written(probe, tokenizer)


def _written(probe: Labelled, tokenizer: ModelTokenizer) -> Iterator[Finding]:
    text = one_line(repr(probe.made.text), 200)
    if tokenizer.stops and endless(probe.made, probe.ids, probe.mask, tokenizer):
        yield Finding(
            category="never_stops_generating",
            severity="warning",
            title="The chat template ends an answer with no token that stops the model",
            evidence=[text],
            cause="What it writes behind an answer is no eos_token, nor in eos_token_id of "
            "generation_config.json, or the tokenizer takes it apart.",
            remedy="Name the template's end-of-turn token as eos_token_id in generation_config.json.",
        )
    how = begins(probe, tokenizer)
    if how != "well":
        bos = one_line(tokenizer.tokens.get("bos_token", ""), 40)
        yield Finding(
            category="template_or_special_tokens",
            severity="warning",
            title=f"Conversations begin {'with two' if how == 'twice' else 'without'} {bos}",
            evidence=[text],
            cause=f"The chat template writes {bos} twice."
            if how == "twice"
            else f"The tokenizer puts {bos} before every text, and the chat template writes none.",
            remedy=f"Let chat_template begin with {{{{ bos_token }}}}, once: programs that serve the model "
            f"put {bos} in front, and the answers then come after something never trained on.",
        )
