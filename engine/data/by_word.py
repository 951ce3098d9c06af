"""Encodes text a word at a time from a cache: the library's own ids, several times as fast on plain text.

Byte-level BPE never merges across the pieces that its regular expression cuts; BPE in SentencePiece's style
never merges into a `▁` from the left where no token of the vocabulary holds one inside. So a text's ids are
those of its words in a row. Only Latin, Greek and Cyrillic texts are encoded so: what is a letter there is
the same in every version of Unicode, and spaces set words apart that come again. The library does the rest.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from typing import Any, Final, NamedTuple

from tokenizers import Tokenizer

# Letters since the first versions of Unicode; ſ is left out, which is an s where case does not count.
_LETTERS: Final = "\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\u017e\u0391-\u03a1\u03a3-\u03c9\u0400-\u0481"
_NUMBERS: Final = "\xb2\xb3\xb9\xbc-\xbe"
_SIGNS: Final = "\xa1-\xa9\xab-\xac\xae-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7" + (
    "\u2010-\u2015\u2018-\u201e\u2022\u2026\u20ac\u2122"
)
_ASCII: Final = re.compile(r"[\t\n\r -~]*")
_WIDE: Final = re.compile(rf"[\t\n\r -~{_LETTERS}{_NUMBERS}{_SIGNS}]*")
_GPT2: Final = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_HOLDS: Final = {
    "L": f"A-Za-z{_LETTERS}", "N": f"0-9{_NUMBERS}",
    "Lu": "A-Z", "Ll": "a-z", "Nd": "0-9", "Lt": "", "Lm": "", "Lo": "", "M": "",
}  # fmt: skip
"""What the categories of Unicode hold of a plain text; of ASCII alone where a pattern tells cases apart."""
_CLASS: Final = re.compile(r"\\p\{(\w+)\}")
_TELLS: Final = re.compile(r"\\p\{(Lu|Ll|Nd)\}|\\[wdb]")
"""What tells letters and digits beyond ASCII apart in a way that is not spelled out here."""
_SAME: Final = (None, "NFC")
"""Normalizers that leave a plain text as it is."""
_SAME_IN_ASCII: Final = ("NFD", "NFKC", "NFKD")
_MOST: Final = 300_000
"""Words that are kept: those of a language are fewer, and what has more is no language."""
_PROOF: Final = (
    "",
    " ",
    "a",
    "Hello world, it's 12345 o'clock!",
    "  two  spaces \n\n\tand   lines\r\n  ",
    "x=f(y)[0]; // ok  ",
    "We'LL DON'T I'm she'd they've",
    "https://example.org/a_b?c=d&e=%20 #!/bin/sh\n\n\n",
    "“Schöne Grüße”, l’été – 5 € … ½ x² Здравствуй, мир! Καλημέρα",
    "~`@#$%^&*()_+-={}[]|\\:;\"'<>,.?/",
)
_BEGUN: Final = "\0"
"""Before a word whose `▁` stands for no character of the text; no plain text holds it."""


class Cutter(NamedTuple):
    """How words are cut."""

    plain: re.Pattern[str]
    """What a text has to be."""
    cut: Callable[[str], list[str]]


class _Unknown(Exception):
    """A word holds what the vocabulary does not know."""


class WordEncoding:
    """A text's ids, and where in the text its tokens lie."""

    def __init__(
        self, ids: list[int], words: list[str], lengths: list[int], tokens: list[int], offsets: _Offsets
    ) -> None:
        self.ids = ids
        self._words = words
        self._ends = list(accumulate(lengths, initial=0))
        """In characters, of each word from the one before the first on."""
        self._tokens = list(accumulate(tokens, initial=0))
        """As many tokens have come by then."""
        self._of = offsets

    def reach(self, spans: Sequence[tuple[int, int]]) -> bytearray:
        """1 for every token from the first that reaches into a span of characters to the last that does."""
        mask = bytearray(len(self.ids))
        last = 0
        for start, end in spans:
            first = max(self._before(start), last)
            last = max(self._until(end), first)
            mask[first:last] = b"\1" * (last - first)
        return mask

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Begin and end of each token in characters, as the library gives them."""
        return [
            (begin + low, begin + high)
            for begin, word in zip(self._ends, self._words, strict=False)
            for low, high in self._of[word]
        ]

    def token_to_chars(self, token: int) -> tuple[int, int] | None:
        """Begin and end of one token."""
        word = bisect_right(self._tokens, token) - 1
        begin, (low, high) = self._ends[word], self._of[self._words[word]][token - self._tokens[word]]
        return begin + low, begin + high

    def _before(self, place: int) -> int:
        """Tokens that end at or before a character."""
        word = bisect_right(self._ends, place) - 1
        count, begin = self._tokens[word], self._ends[word]
        if place > begin:
            for _, high in self._of[self._words[word]]:
                if begin + high > place:
                    break
                count += 1
        return count

    def _until(self, place: int) -> int:
        """Tokens that begin before a character."""
        word = bisect_left(self._ends, place) - 1
        if word < 0:
            return 0
        if self._ends[word + 1] == place:
            return self._tokens[word + 1]
        begin = self._ends[word]
        return self._tokens[word] + sum(begin + low < place for low, _ in self._of[self._words[word]])


class _Ids(dict[str, tuple[int, ...]]):
    """The ids of words, from the library the first time."""

    def __init__(self, alone: Tokenizer, unknown: int | None) -> None:
        super().__init__()
        self._alone = alone
        self._unknown = unknown

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = tuple(self._alone.encode(word.removeprefix(_BEGUN), add_special_tokens=False).ids)
        if self._unknown in ids:
            raise _Unknown
        if len(self) < _MOST:
            self[word] = ids
        return ids


class _Offsets(dict[str, list[tuple[int, int]]]):
    """Where in a word its tokens lie; asked for only where a span begins or ends in it."""

    def __init__(self, alone: Tokenizer, ids: _Ids) -> None:
        super().__init__()
        self.ids = ids
        self._alone = alone

    def __missing__(self, word: str) -> list[tuple[int, int]]:
        found = list(self._alone.encode(word.removeprefix(_BEGUN), add_special_tokens=False).offsets)
        if word.startswith(_BEGUN):
            # The library counts what it put in front to the first character.
            found = [(max(low - 1, 0), max(high - 1, 1)) for low, high in found]
        if len(self) < _MOST:
            self[word] = found
        return found


class ByWord:
    """Encodes plain text by its words.

    Args:
        alone: encodes one word, of which it cuts and adds nothing.
        cutter: cuts a text between two added tokens in words.
        begins: True where the first word after an added token is marked with `_BEGUN`.
        added: tokens that are met before words are cut, with their ids.
        unknown: the id of what the vocabulary does not know.
    """

    def __init__(
        self,
        alone: Tokenizer,
        cutter: Cutter,
        *,
        begins: bool,
        added: dict[str, int],
        unknown: int | None,
    ) -> None:
        self._plain, self._cut = cutter
        self._begins = begins
        self._ids = _Ids(alone, unknown)
        self._offsets = _Offsets(alone, self._ids)
        for token, id in added.items():
            self._ids[token], self._offsets[token] = (id,), [(0, len(token))]
        # The longest first: of two that begin alike the library takes the longer.
        longest = sorted(added, key=len, reverse=True)
        self._added = re.compile(f"({'|'.join(map(re.escape, longest))})") if added else None

    def encode(self, text: str) -> WordEncoding | None:
        """The encoding of `text`; None where it has to be the library's."""
        if not self._plain.fullmatch(text):
            return None
        try:
            words = self._words(text)
            found = list(map(self._ids.__getitem__, words))
        except _Unknown:
            return None
        lengths = list(map(len, words))
        if self._begins:
            lengths = [len(word) - 2 if word[0] == _BEGUN else len(word) for word in words]
        if sum(lengths) != len(text):
            return None  # the expression leaves something out
        ids = list(chain.from_iterable(found))
        return WordEncoding(ids, words, lengths, list(map(len, found)), self._offsets)

    def agrees(self, text: str, tokenizer: Tokenizer) -> bool:
        """True where the library says the same of `text`, or is left to say it."""
        ours = self.encode(text)
        if ours is None:
            return True
        theirs = tokenizer.encode(text, add_special_tokens=False)
        return ours.ids == theirs.ids and ours.offsets == list(theirs.offsets)

    def _words(self, text: str) -> list[str]:
        parts = self._added.split(text) if self._added is not None else [text]
        if len(parts) == 1:
            return self._cut(text)
        words: list[str] = []
        for number, part in enumerate(parts):
            if number % 2:
                words.append(part)
            elif part:
                words += self._cut(part)
        return words


def by_word(tokenizer: Tokenizer) -> ByWord | None:
    """The same tokenizer a word at a time; None where that is not known to be the same."""
    try:
        made = _made(json.loads(tokenizer.to_str()))
    except (re.error, KeyError, TypeError, ValueError):
        return None
    return made if made is not None and all(made.agrees(text, tokenizer) for text in _PROOF) else None


def _made(said: dict[str, Any]) -> ByWord | None:
    model, normalizer, cutter = said["model"], said["normalizer"], said["pre_tokenizer"]
    if model["type"] != "BPE" or model.get("dropout"):
        return None
    if any(token["lstrip"] or token["rstrip"] or token["single_word"] for token in said["added_tokens"]):
        return None
    words = _sentencepiece(normalizer, cutter, model) or _byte_level(normalizer, cutter)
    if words is None:
        return None
    inner = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    level = "ByteLevel" in json.dumps(cutter)
    alone = said | {"added_tokens": [], "normalizer": None, "pre_tokenizer": inner if level else None}
    added = {token["content"]: token["id"] for token in said["added_tokens"]}
    unknown = model["vocab"].get(model.get("unk_token") or "")
    begins = "Prepend" in json.dumps(normalizer)
    return ByWord(Tokenizer.from_str(json.dumps(alone)), words, begins=begins, added=added, unknown=unknown)


def _byte_level(normalizer: Any, cutter: Any) -> Cutter | None:
    """Cuts as a regular expression says; for GPT-2, Llama 3, Qwen, and most since."""
    normal = (normalizer or {}).get("type")
    if normal not in (*_SAME, *_SAME_IN_ASCII) or cutter is None:
        return None
    steps = cutter["pretokenizers"] if cutter["type"] == "Sequence" else [cutter]
    last = steps[-1]
    if last["type"] != "ByteLevel" or last["add_prefix_space"]:
        return None
    if len(steps) == 1 and last["use_regex"]:
        pattern = _GPT2
    elif len(steps) == 2 and not last["use_regex"] and steps[0]["type"] == "Split":
        if steps[0]["behavior"] != "Isolated" or steps[0]["invert"]:
            return None
        pattern = steps[0]["pattern"]["Regex"]
    else:
        return None
    find = re.compile(_spelled(pattern), re.ASCII).findall
    wide = normal in _SAME and not _TELLS.search(pattern)
    return Cutter(_WIDE if wide else _ASCII, find)


def _spelled(pattern: str) -> str:
    """The pattern with what its categories hold of a plain text in their place.

    Raises:
        KeyError: a category is not known, or holds nothing.
    """
    made, at, inside = "", 0, False
    for found in _CLASS.finditer(pattern):
        between = pattern[at : found.start()]
        inside = _inside(between, inside)
        letters = _HOLDS[found.group(1)]
        if not inside and not letters:
            raise KeyError(found.group())
        made += between + (letters if inside else f"[{letters}]")
        at = found.end()
    return made + pattern[at:]


def _inside(pattern: str, inside: bool) -> bool:
    """True where the end of `pattern` is within a bracket."""
    for sign in re.findall(r"\\.|\[|\]", pattern):
        inside = True if sign == "[" else False if sign == "]" else inside
    return inside


def _sentencepiece(normalizer: Any, cutter: Any, model: dict[str, Any]) -> Cutter | None:
    """Cuts before each `▁` that follows something else; for Llama 2, Mistral, Gemma."""
    steps = normalizer["normalizers"] if normalizer and normalizer["type"] == "Sequence" else [normalizer]
    kinds = [step and step["type"] for step in steps]
    spaced = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    if steps[-1] != spaced or kinds[:-1] not in ([], ["Prepend"]) or _cuts_at_space(cutter):
        return None
    if kinds[0] == "Prepend" and steps[0]["prepend"] != "▁":
        return None
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        return None
    if any("▁" in token.lstrip("▁") for token in model["vocab"]):
        return None
    find = re.compile(r"▁*[^▁]+|▁+").findall
    if kinds[0] != "Prepend":
        return Cutter(_WIDE, lambda text: find(text.replace(" ", "▁")))
    return Cutter(_WIDE, lambda text: _begun(find("▁" + text.replace(" ", "▁"))) if text else [])


def _cuts_at_space(cutter: Any) -> bool:
    """True for a cutter that may find something to cut in a text without spaces."""
    if cutter is None:
        return False
    return bool(cutter["type"] != "Split" or cutter["pattern"] != {"String": " "} or cutter["invert"])


def _begun(words: list[str]) -> list[str]:
    words[0] = _BEGUN + words[0]
    return words
