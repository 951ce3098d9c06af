"""Renders conversations with a model's chat template, in a sandbox, and finds the answers in the text."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from itertools import takewhile
from typing import Any, Final, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.data.bounds import ROOM, TooLong, bounded
from engine.data.refusal import Refusal
from engine.data.shapes import Chat, is_learnt

PLAIN: Final = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}### Instruction:\n{{ message.content }}\n\n"
    "{% elif message.role == 'assistant' %}### Response:\n{{ message.content }}{{ eos_token }}"
    "{{ '' if loop.last else '\n\n' }}"
    "{% elif message.role == 'tool' %}### Tool:\n{{ message.content }}\n\n"
    "{% else %}{{ message.content }}\n\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '\n\n' if messages and messages[-1].role == 'assistant' else '' }}### Response:\n{% endif %}"
)
"""For models without a chat template: headed sections, the end-of-sequence token after each answer."""


MODELS_OWN: Final = "The model's chat template"
LONGEST_SOURCE: Final = 1 << 20
_LONGEST_TEXT: Final = 64 << 20
"""Characters; the longest templates that are in use have some 20,000, and the longest rows some million."""


class _Generation(Extension):
    """Accepts the `{% generation %}` blocks of some templates; answers are found by other means here."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The block's body in the block's place."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """A compiled chat template, with the functions that transformers gives to one.

    Args:
        source: the Jinja text; None takes `PLAIN`.
        tokens: special tokens by the names that templates use, such as `eos_token`.
        day: what `strftime_now` takes for today, so that a resumed run renders what it did before.
        whose: what problems call it.
    """

    def __init__(
        self,
        source: str | None,
        tokens: dict[str, str],
        day: date | None = None,
        whose: str = MODELS_OWN,
    ) -> None:
        self.plain = source is None
        self.source, self.day = source, day
        self.whose = whose
        self._knows = {word for word in ("tool_calls", "developer") if source and word in source}
        self._tokens = tokens
        self.end = tokens.get("eos_token", "")
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=source is not None,
            lstrip_blocks=source is not None,
            extensions=[_Generation, "jinja2.ext.loopcontrols"],
        )
        environment.filters["tojson"] = _tojson
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _clock(day)
        if source is not None and len(source) > LONGEST_SOURCE:
            raise _broken(whose, f"It has {len(source):,} characters.")
        try:
            with bounded():  # constants are computed here
                self._template = environment.from_string(PLAIN if source is None else source)
        except Exception as error:
            raise _broken(whose, f"Jinja says: {error or type(error).__name__}.") from None

    def render(self, chat: Chat, upto: int | None = None, *, prompt: bool = False) -> str:
        """The text of the first `upto` turns, with the head of an answer if `prompt` is set.

        Raises:
            Refusal: the template does not take these turns, in its own words.
        """
        messages = self._known(chat.messages if upto is None else chat.messages[:upto])
        try:
            with bounded():
                text = self._template.render(
                    messages=messages, tools=chat.tools, add_generation_prompt=prompt, **self._tokens
                )
        except (TooLong, MemoryError) as error:
            why = str(error) or f"It asked for more than {ROOM >> 30} GiB of memory."
            raise _endless(self.whose, why) from None
        except Exception as error:  # a template is a program of its own and may raise anything
            raise Refusal(
                "template_or_special_tokens",
                f"{self.whose} refuses these turns.",
                why=f"It says: {error}.",
                do="Change the roles or their order in this row, for example by leaving out the system turn.",
            ) from None
        if len(text) > _LONGEST_TEXT:
            raise _endless(self.whose, f"It wrote {len(text):,} characters.")
        return text

    def _known(self, turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The turns in words that the template has: it leaves out calls and roles that it does not name."""
        if "tool_calls" not in self._knows and any("tool_calls" in turn for turn in turns):
            turns = [_called(turn) if turn.get("tool_calls") else turn for turn in turns]
        if "developer" not in self._knows and any(turn["role"] == "developer" for turn in turns):
            turns = [turn | {"role": "system"} if turn["role"] == "developer" else turn for turn in turns]
        return turns


def _called(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn with its calls as lines of JSON in its text."""
    calls = "\n".join(_tojson(call.get("function", call)) for call in turn["tool_calls"])
    said = "\n".join(part for part in (turn["content"], calls) if part)
    return {name: value for name, value in turn.items() if name != "tool_calls"} | {"content": said}


def answers(template: ChatTemplate, chat: Chat) -> tuple[str, list[tuple[int, int]]]:
    """The whole conversation as text, and the characters `[start, end)` of each answer in it.

    The answer of turn i is what rendering i + 1 turns adds to rendering i turns with the head of
    an answer. Templates that write earlier turns otherwise once later ones follow (such as those
    that drop old thoughts) leave only the last answer.

    Raises:
        Refusal: the template refuses the turns, or no answer can be found in its text.
    """
    whole = template.render(chat)
    spans = []
    for index, message in enumerate(chat.messages):
        if not is_learnt(message):
            continue
        after = whole if index + 1 == len(chat.messages) else template.render(chat, index + 1)
        if not whole.startswith(after):
            # Some end every rendering with the end of the text, even where turns could follow.
            after = after.removesuffix(template.end)
        if not whole.startswith(after):
            continue
        start = _start(template, chat, index, after)
        if start is not None and start < len(after):
            spans.append((start, len(after)))
    if not spans:
        raise Refusal(
            "template_or_special_tokens",
            "The answer cannot be found in what the chat template writes.",
            why="The text with the answer does not begin with the text before it.",
            do="Use a model whose template writes turns in order, or prompt and completion columns.",
        )
    return whole, spans


def head_of(template: ChatTemplate, chat: Chat, text: str) -> int:
    """Characters of `text`, which is `chat` rendered, that come before the first turn of a person."""
    told = bool(chat.messages) and chat.messages[0]["role"] in ("system", "developer")
    try:
        head = template.render(chat, int(told))
    except Refusal:  # many templates take no turns at all for a mistake
        return 0
    return len(head) if text.startswith(head) else 0


def _start(template: ChatTemplate, chat: Chat, index: int, after: str) -> int | None:
    head = template.render(chat, index, prompt=True) if index or template.plain else ""
    if after.startswith(head):
        return len(head)
    bare = template.render(chat, index)
    if not after.startswith(bare):
        return None
    # Some heads open a block (such as an empty thought) that a finished answer does not have.
    same = takewhile(lambda pair: pair[0] == pair[1], zip(head, after, strict=False))
    return sum(1 for _ in same)


def _broken(whose: str, why: str) -> Refusal:
    own = "Get the model's files again, or mend chat_template in tokenizer_config.json."
    return Refusal(
        "template_or_special_tokens",
        f"{whose} is broken.",
        why=why,
        do=own if whose == MODELS_OWN else "Mend the file, or name another chat_template.",
    )


def _endless(whose: str, why: str) -> Refusal:
    return Refusal(
        "template_or_special_tokens",
        f"{whose} was stopped.",
        why=why,
        do="Do not trust this model's files: no template needs so much. Take them from another source.",
    )


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _clock(day: date | None) -> Callable[[str], str]:
    def strftime_now(form: str) -> str:
        now = datetime.now() if day is None else datetime.combine(day, time())
        return now.strftime(form)

    return strftime_now
