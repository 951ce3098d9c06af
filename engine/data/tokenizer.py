"""The model's tokenizer, loaded from its folder in milliseconds with the `tokenizers` library alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tokenizers import Encoding, Tokenizer

from engine.data.by_word import ByWord, WordEncoding, by_word
from engine.data.chosen import chosen
from engine.data.refusal import Refusal
from engine.data.rules import AS_THE_MODEL, Rules
from engine.data.template import LONGEST_SOURCE, ChatTemplate
from engine.json_file import read_object
from engine.text import one_line

CHAT_TEMPLATE: Final = "chat_template.jinja"
"""The file in which transformers keeps a chat template."""
_LARGEST: Final = 512 << 20
_SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")


class ModelTokenizer:
    """Token ids, special tokens and the chat template of the model in `folder`.

    Attributes:
        prefix: ids that the tokenizer puts before a text, such as the one of `<s>`.
        marks: the texts of the tokens that begin and end a text.
        eos: id that ends a text, None where the model has none.
        stops: ids that end a generated text.
        ends: those of them that the model's generation settings name; empty where they name none.
        unk: id of what the vocabulary does not know; None where the same token means something else as well.
        pad: id that fills up short rows; any does, because they are masked.
        specials: ids of tokens that are no text, such as `<s>`.
        template: the chat template: the one chosen, else the model's, else the plain one.
        rules: what a recipe says of all this.
        fault: why no conversation can be learnt with the template that was chosen.
    """

    def __init__(self, folder: Path, day: date | None = None, rules: Rules = AS_THE_MODEL) -> None:
        self.folder, self.rules = folder, rules
        self.fault: Refusal | None = None
        self._tokenizer = _tokenizer(folder)
        config = _json(folder / "tokenizer_config.json")
        generation = _json(folder / "generation_config.json") or _json(folder / "config.json")
        tokens = _special_tokens(config, _json(folder / "special_tokens_map.json"))
        ends = _ids(generation.get("eos_token_id"))
        self.ends = frozenset(ends)
        if "eos_token" not in tokens and ends and (text := self._tokenizer.id_to_token(ends[0])):
            tokens["eos_token"] = text
        self.tokens = tokens
        self.bos = self._id(tokens.get("bos_token"))
        self.eos = self._id(tokens.get("eos_token"))
        self.stops = self.ends | ({self.eos} if self.eos is not None else frozenset())
        unk = self._id(tokens.get("unk_token"))
        self.unk = unk if unk not in (self.bos, self.eos) else None
        pad = self._id(tokens.get("pad_token"))
        self.pad = pad if pad is not None else self.eos if self.eos is not None else 0
        self.prefix = self._prefix()
        self.marks = [tokens[name] for name in ("bos_token", "eos_token") if name in tokens]
        added = self._tokenizer.get_added_tokens_decoder()
        self._added = frozenset(added)
        self.specials = frozenset(id for id, token in added.items() if token.special)
        self.size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        if rules.chat_template is None:
            self.template = ChatTemplate(_chat_template(folder, config), tokens, day)
        else:
            self._choose(rules.chat_template, day)

    def _choose(self, name: str, day: date | None) -> None:
        found = chosen(name, self.tokens, self.decode(self.prefix), self._id, day)
        self.template, self.fault = found.template, found.fault
        self.stops |= {found.stop} if found.stop is not None else set()

    @property
    def template_name(self) -> str:
        """How conversations become text: `plain template`, `chat template`, or `chat template NAME`."""
        if self.template.plain:
            return "plain template"
        name = self.rules.chat_template
        return "chat template" if name is None else f"chat template {one_line(Path(name).name, 80)}"

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """The ids of `text`; `special` adds what the tokenizer adds by itself, such as `<s>`."""
        return list(self._tokenizer.encode(text, add_special_tokens=special).ids)

    @cached_property
    def _words(self) -> ByWord | None:
        """Made for the first texts: it reads the whole vocabulary anew, which a chat has no use for."""
        return by_word(self._tokenizer)

    def encode_many(self, texts: Sequence[str]) -> list[Encoding | WordEncoding]:
        """Encodings of `texts` with character offsets, without added special tokens.

        Plain texts are put together from their words, the others are encoded by the library on all cores.
        """
        words = self._words
        ours = [words.encode(text) if words is not None else None for text in texts]
        left = [text for text, found in zip(texts, ours, strict=True) if found is None]
        theirs = iter(self._tokenizer.encode_batch(left, add_special_tokens=False) if left else [])
        return [found if found is not None else next(theirs) for found in ours]

    def started(self, ids: list[int]) -> list[int]:
        """`ids` behind the tokenizer's own prefix, unless they already begin with it."""
        has_it = ids[: len(self.prefix)] == self.prefix
        return ids if has_it else [*self.prefix, *ids]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens included."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def beyond(self, table: int) -> list[int]:
        """Ids of tokens that have no place in an embedding table of so many rows, in order."""
        if self.size <= table and max(self._added, default=0) < table:
            return []
        return sorted(id for id in self._tokenizer.get_vocab(with_added_tokens=True).values() if id >= table)

    def written(self, id: int) -> str:
        """A token as the vocabulary writes it; `<s>` is `<s>`."""
        return self._tokenizer.id_to_token(id) or ""

    def preview(self, ids: Sequence[int], width: int = 160) -> str:
        """The beginning of the text of `ids`, as one safe line."""
        return one_line(self.decode(ids[:width]), width)

    def _id(self, token: str | None) -> int | None:
        return None if token is None else self._tokenizer.token_to_id(token)

    def _prefix(self) -> list[int]:
        bare, full = self.encode("a"), self.encode("a", special=True)
        for at in range(len(full) - len(bare) + 1):
            if full[at : at + len(bare)] == bare:
                return full[:at]
        return []


def _tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise Refusal(
            "template_or_special_tokens",
            "The model folder has no tokenizer.json.",
            where=str(folder),
            do="Save it there once: AutoTokenizer.from_pretrained(…).save_pretrained(…).",
        )
    if path.stat().st_size > _LARGEST:
        raise Refusal(
            "template_or_special_tokens",
            f"The model's tokenizer.json is larger than {_LARGEST >> 20} MiB.",
            where=str(path),
            why="The largest vocabularies in use take some 40 MiB.",
            do="Get the model's files again, from a source that you trust.",
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise Refusal(
            "template_or_special_tokens",
            "The model's tokenizer.json cannot be read.",
            where=str(path),
            why=f"{error}.",
            do="Get the file again; it may need a newer version of the tokenizers library.",
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _special_tokens(config: dict[str, Any], older: dict[str, Any]) -> dict[str, str]:
    found = {}
    for name in _SPECIAL:
        value = config.get(name, older.get(name))
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str) and text:
            found[name] = text
    return found


def _chat_template(folder: Path, config: dict[str, Any]) -> str | None:
    file = folder / CHAT_TEMPLATE
    if file.is_file():
        return _text(file)
    source = config.get("chat_template") or _json(folder / "chat_template.json").get("chat_template")
    if isinstance(source, list):
        named = {item.get("name"): item.get("template") for item in source if isinstance(item, dict)}
        source = named.get("default")
    return source if isinstance(source, str) else None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(4 * LONGEST_SOURCE + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> Refusal:
    return Refusal(
        "template_or_special_tokens",
        f"The model's {file.name} cannot be read.",
        where=str(file),
        why=f"{error}.",
        do="Get the model's files again.",
    )


def _ids(value: object) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, int) and not isinstance(item, bool)]
