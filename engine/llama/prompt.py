"""From turns to tokens, by the template that the file brings, or in headed sections where it brings none.

What the turns hold is never read as special tokens: it may come from anyone's data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from engine.llama.words import Turn

_MARK: Final = "OPENLORA{}TURN"
_HEADS: Final = {"system": "", "user": "### Question\n", "assistant": "### Answer\n"}

Tokens = Callable[[str, bool, bool], list[int]]
"""Tokens of a text: whether special ones are read in it, and whether it begins the prompt."""


class Writer:
    """Writes prompts for one model.

    Args:
        metadata: the file's own, by key.
        tokens: the tokens of a text.
        spelt: what a token is written as.
    """

    def __init__(self, metadata: Mapping[str, str], tokens: Tokens, spelt: Callable[[int], str]) -> None:
        self._tokens = tokens
        self._format: Jinja2ChatFormatter | None = None
        self._bos = spelt(int(metadata.get("tokenizer.ggml.bos_token_id", -1)))
        self._systemless = False
        template = metadata.get("tokenizer.chat_template")
        if template:
            eos = spelt(int(metadata.get("tokenizer.ggml.eos_token_id", -1)))
            self._format = _working(template, eos, self._bos, [Turn("system", ""), Turn("user", "")])
            if self._format is None:
                self._format = _working(template, eos, self._bos, [Turn("user", "")])
                self._systemless = True

    @property
    def template(self) -> bool:
        """True where the file brings a template that works."""
        return self._format is not None

    def written(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens of a prompt; an assistant's turn at the end is left open, to be gone on with."""
        asked, begun = list(turns), ""
        if asked[-1].role == "assistant":
            begun = asked.pop().content
        if self._format is None:
            return self._plain(asked, begun)
        if self._systemless and asked[0].role == "system":
            head, question, *rest = asked
            asked = [Turn("user", f"{head.content}\n\n{question.content}"), *rest]
        try:
            rendered = _rendered(self._format, asked)
        except Exception:
            return self._plain(asked, begun)  # it does not take so many turns, or these
        ids: list[int] = []
        for at, turn in enumerate(asked):
            frame, found, rendered = rendered.partition(_MARK.format(at))
            if not found:
                return self._plain(asked, begun)  # it drops or reorders turns
            ids += self._frame(frame, first=not ids)
            ids += self._tokens(turn.content, False, False)
        ids += self._frame(rendered, first=not ids)
        return ids + (self._tokens(begun, False, False) if begun else [])

    def _frame(self, text: str, *, first: bool) -> list[int]:
        """The template's own text; its first token must not come twice."""
        begins = first and not (self._bos and text.startswith(self._bos))
        return self._tokens(text, True, begins) if text or begins else []

    def _plain(self, turns: Sequence[Turn], begun: str) -> list[int]:
        text = "".join(f"{_HEADS[turn.role]}{turn.content}\n\n" for turn in turns)
        return self._tokens(f"{text}{_HEADS['assistant']}{begun}", False, True)


def _working(template: str, eos: str, bos: str, turns: list[Turn]) -> Jinja2ChatFormatter | None:
    """The template, unless it cannot be read or does not take such turns."""
    try:
        made = Jinja2ChatFormatter(template, eos_token=eos, bos_token=bos)
        rendered = _rendered(made, turns)
    except Exception:  # it is anyone's program, and may fail in any way
        return None
    return made if all(_MARK.format(at) in rendered for at in range(len(turns))) else None


def _rendered(template: Jinja2ChatFormatter, turns: Sequence[Turn]) -> str:
    messages = [{"role": turn.role, "content": _MARK.format(at)} for at, turn in enumerate(turns)]
    # Models that think aloud are asked not to: their template knows this name, and others pass over it.
    return str(template(messages=messages, enable_thinking=False).prompt)
