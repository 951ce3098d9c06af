"""The small tokenizer of the data tests."""

from __future__ import annotations

from tests.engine.data.conftest import tokenizer_json

__all__ = ["tokenizer_json"]
