"""How conversations become tokens, where a recipe says otherwise than the model."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe's fields of these names; their table says what each value means."""

    chat_template: str | None = None
    """A template's name, or the path of a file that holds one; None takes the model's own."""
    tokenize_turns: str = "together"
    train_on: str = "answers"
    truncation: str = "cut"


class Ruling(Protocol):
    """What has such fields: a recipe, or the spec of an inspection."""

    @property
    def chat_template(self) -> str | None:
        """See `Rules`."""

    @property
    def tokenize_turns(self) -> str:
        """See `Rules`."""

    @property
    def train_on(self) -> str:
        """See `Rules`."""

    @property
    def truncation(self) -> str:
        """See `Rules`."""


AS_THE_MODEL: Final = Rules()


def rules_of(said: Ruling) -> Rules:
    """The rules that `said` lays down."""
    return Rules(
        chat_template=said.chat_template,
        tokenize_turns=said.tokenize_turns,
        train_on=said.train_on,
        truncation=said.truncation,
    )
