"""What goes wrong between rows and tokens: seen in the ids that training would get."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.data.checks.begins import begins
from engine.data.checks.check import MOST_NUMBERED
from engine.data.checks.model_folder import embedding_rows, vocabulary_findings
from engine.data.checks.special_tokens import special_token
from engine.data.encode import Labelled
from engine.data.shapes import Chat, Example
from engine.data.tokenizer import ModelTokenizer
from engine.findings import Category, Finding, Severity
from engine.inspection.losses import Places, counted
from engine.text import one_line

_LEAST: Final = 32
"""Characters below which a row says nothing about a tokenizer."""
_DENSE: Final = 1.2
"""Tokens a character above which a tokenizer takes a script apart into bytes: on Chinese, Llama's has 1.25
and one that knows the script 0.57 (Cui et al. 2023, table 1); on English both have some 0.25."""
_SOME: Final = 0.01
"""Share of rows, and of a row's tokens, below which what a tokenizer does not know is a stray character."""
_TRIED: Final = 1024
"""Rows in which characters that no token covers are looked for: where some are dropped, these show it."""
_NAMED: Final = 5


TWICE, BARE, INSIDE = "bos_twice", "no_bos", "special_id"
BEYOND, UNKNOWN, DENSE = "beyond", "unknown", "dense"


class _Words(NamedTuple):
    """What is said of rows; `{bos}` stands for the token that begins a text."""

    check: str
    category: Category
    severity: Severity
    title: str
    cause: str
    remedy: str
    share: float = 0.0
    """Share of rows from which on it is said."""


_WORDS: Final = (
    _Words(
        BEYOND,
        "tokenizer_vocab_resize",
        "blocker",
        "hold tokens that the model has no embedding for",
        "Tokens were added to the tokenizer, and the model's embedding table was not enlarged.",
        "Use the tokenizer that came with the model, or enlarge the table: "
        "model.resize_token_embeddings(len(tokenizer)).",
    ),
    _Words(
        TWICE,
        "template_or_special_tokens",
        "warning",
        "begin with {bos} twice",
        "The chat template writes {bos} twice, or the rows hold it already and it is put in front once more.",
        "Let one of them write it: take it out of the texts, or out of chat_template.",
    ),
    _Words(
        BARE,
        "template_or_special_tokens",
        "warning",
        "begin without {bos}",
        "The tokenizer puts {bos} before every text, and the chat template writes none.",
        "Let chat_template begin with {{{{ bos_token }}}}: programs that serve the model put {bos} in front, "
        "and answers then come after something that they were never trained on.",
    ),
    _Words(
        INSIDE,
        "template_or_special_tokens",
        "warning",
        "have tokens inside their turns that steer this model",
        "What a user wrote becomes a control token: it can end a turn, or begin one.",
        "Take them out of the texts, or leave these rows out.",
    ),
    _Words(
        UNKNOWN,
        "template_or_special_tokens",
        "warning",
        "have characters that the tokenizer does not know",
        "Its vocabulary lacks them: they become an unknown token, or nothing, and cannot be learnt.",
        "Use a model that was trained on this language or script.",
        _SOME,
    ),
    _Words(
        DENSE,
        "template_or_special_tokens",
        "note",
        "need more tokens than they have characters",
        "The tokenizer takes this script apart into single bytes: rows are long and answers slow, and the "
        "model has hardly seen the language.",
        "Raise max_length, or use a model that was trained on this language.",
        _SOME,
    ),
)


class _Met:
    """Rows that one thing was met in."""

    def __init__(self) -> None:
        self.places = Places()
        self.numbers: list[int] = []
        self.what: Counter[str] = Counter()
        """Tokens, and in how many rows."""

    def add(self, where: str, number: int, what: str = "") -> None:
        self.places.add(where)
        if len(self.numbers) < MOST_NUMBERED:
            self.numbers.append(number)
        if what:
            self.what[what] += 1


class TokenChecks:
    """Is shown every row as ids, and says what was noticed."""

    def __init__(self, tokenizer: ModelTokenizer) -> None:
        self._tokenizer = tokenizer
        table = embedding_rows(tokenizer.folder)
        self._table = table if table is not None and tokenizer.beyond(table) else None
        self._rows = 0
        self._met = {name: _Met() for name in (TWICE, BARE, BEYOND, UNKNOWN, DENSE, INSIDE)}
        self._folder = vocabulary_findings(tokenizer)
        self._specials = _Specials(tokenizer)

    def add(self, row: Labelled, number: int) -> None:
        """Row `number` of all files."""
        tokenizer, met, ids = self._tokenizer, self._met, row.ids
        self._rows += 1
        how = begins(row, tokenizer)
        if how != "well":
            met[TWICE if how == "twice" else BARE].add(row.made.row.where, number)
        if self._table is not None and (most := max(ids, default=0)) >= self._table:
            met[BEYOND].add(row.made.row.where, number, tokenizer.written(most) or str(most))
        if len(row.made.text) >= _LEAST:
            self._script(row, number)

    def look(self, where: str, example: Example, number: int) -> None:
        """What row `number` holds before it becomes ids."""
        if isinstance(example, Chat) and (token := self._specials.inside(example)):
            self._met[INSIDE].add(where, number, token)

    def _script(self, row: Labelled, number: int) -> None:
        """Whether the tokenizer knows what the row is written in."""
        unk, ids, text = self._tokenizer.unk, row.ids, row.made.text
        unknown = ids.count(unk) if unk is not None else 0
        if not unknown and self._rows <= _TRIED:
            unknown = _dropped(row)
        if unknown > _SOME * len(ids):
            self._met[UNKNOWN].add(row.made.row.where, number)
        elif len(ids) > _DENSE * len(text):
            self._met[DENSE].add(row.made.row.where, number)

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows of a finding; None where it is none of these."""
        return self._met[check].numbers if check in self._met else None

    def findings(self) -> list[Finding]:
        """What was noticed so far."""
        bos = one_line(self._tokenizer.tokens.get("bos_token", ""), 40)
        told = (self._told(words, bos) for words in _WORDS)
        return [*(finding for finding in told if finding is not None), *self._folder]

    def _told(self, words: _Words, bos: str) -> Finding | None:
        met = self._met[words.check]
        if not met.places.count or met.places.count < words.share * self._rows:
            return None
        tokens = [f"{one_line(token, 40)}: {counted(rows)}" for token, rows in met.what.most_common(_NAMED)]
        return Finding(
            category=words.category,
            severity=words.severity,
            title=f"{met.places.count:,} of {self._rows:,} rows {words.title.format(bos=bos)}",
            evidence=[*tokens, *met.places.told],
            cause=words.cause.format(bos=bos),
            remedy=words.remedy.format(bos=bos),
            count=met.places.count,
            share=met.places.count / self._rows,
            places=list(met.places.first),
            check=words.check,
        )


class _Specials:
    """Finds tokens of this model inside texts, those aside that are found without knowing the model."""

    def __init__(self, tokenizer: ModelTokenizer) -> None:
        written = sorted(filter(None, map(tokenizer.written, tokenizer.specials)), key=len, reverse=True)
        self._begins = frozenset(token[0] for token in written)
        self._pattern = re.compile("|".join(map(re.escape, written)) or r"(?!)")

    def inside(self, chat: Chat) -> str:
        """One that a turn holds; empty without one."""
        for turn in chat.messages:
            text = turn["content"]
            if not any(begin in text for begin in self._begins):
                continue
            found = self._pattern.search(text)
            if found and not special_token(text):
                return found.group()
        return ""


def _dropped(row: Labelled) -> int:
    """Characters that no token covers, spaces aside; an estimate from below."""
    covered = sum(end - start for start, end in row.encoding.offsets)
    return max(len(row.made.text) - covered - sum(map(str.isspace, row.made.text)), 0)
