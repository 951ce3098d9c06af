"""Text encoded by its words has the ids, the offsets and the mask that the library gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from engine.data.by_word import WordEncoding, by_word
from engine.data.encode import _mask

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = [
    "the quick brown fox says hello to the world, doesn't he? 12345 times!\n\n",
    "def f(x):\n    return x[0] + 1  # it's We'll THE END\r\n\thttps://example.org/a?b=c  ",
] * 20
SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|im|>"]


def _trained(cutter: Any, normalizer: Any = None, alphabet: Any = None) -> Tokenizer:
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=False))
    if cutter is not None:
        made.pre_tokenizer = cutter
    if normalizer is not None:
        made.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet or [], show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    return made


def _level(pattern: str | None = None) -> Any:
    if pattern is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _kinds() -> dict[str, Tokenizer]:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    to_mark = normalizers.Replace(" ", "▁")
    # Trained with a cutter so that no token holds a ▁ inside, and used without one, as Llama 2's is.
    spaced = _trained(pre_tokenizers.Metaspace(prepend_scheme="never"))
    spaced.pre_tokenizer = None  # type: ignore[assignment]
    spaced.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), to_mark])
    gemma = Tokenizer.from_str(spaced.to_str())
    gemma.normalizer = to_mark
    return {
        "gpt2": _trained(_level(), alphabet=alphabet),
        "llama3": _trained(_level(LLAMA3), alphabet=alphabet),
        "qwen": _trained(_level(LLAMA3), normalizers.NFC(), alphabet),
        "tekken": _trained(_level(TEKKEN), alphabet=alphabet),
        "llama2": spaced,
        "gemma": gemma,
    }


KINDS = _kinds()
_PIECES = st.sampled_from(
    [
        *"abzT '019_-,.\n\t\r<|>",
        "  ",
        "the",
        " hello",
        "<s>",
        "<|im_end|>",
        "'LL",
        "é",
        " Ünder",
        "“",
        "’s",
        "…",
        "½",
        "²",
        "ß",
        " мир",
        "Ω",
        "\xa0",
        "ſ",
        "你",
        "\x00",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=30).map("".join)


@pytest.mark.parametrize("kind", KINDS)
def test_the_usual_kinds_of_tokenizers_are_understood(kind: str) -> None:
    words = by_word(KINDS[kind])
    assert words is not None
    assert isinstance(words.encode("hello to the world"), WordEncoding)
    if kind not in (
        "llama2",
        "gemma",
        "tekken",
    ):  # their small vocabularies, and a pattern that tells cases apart
        assert isinstance(words.encode("“Schöne Grüße” – привет, l’été!"), WordEncoding)


@pytest.mark.parametrize("kind", KINDS)
@given(text=_TEXTS, cuts=st.lists(st.integers(0, 120), max_size=6))
def test_ids_offsets_and_masks_are_the_librarys(kind: str, text: str, cuts: list[int]) -> None:
    words = by_word(KINDS[kind])
    assert words is not None
    ours, theirs = words.encode(text), KINDS[kind].encode(text, add_special_tokens=False)
    if ours is None:
        assert not text.isascii() or "\x00" in text or 0 in theirs.ids
        return
    assert ours.ids == theirs.ids
    assert ours.offsets == list(theirs.offsets)
    places = sorted(min(cut, len(text)) for cut in cuts)
    spans = list(zip(places[::2], places[1::2], strict=False))
    assert ours.reach(spans) == _mask(theirs, spans)


def test_the_words_of_a_real_model(shared: Path) -> None:
    tokenizer = Tokenizer.from_file(str(shared / "models/stories260K/tokenizer.json"))
    words = by_word(tokenizer)
    assert words is not None
    rows = json.loads((shared / "data/llamafactory_demo/alpaca_en_demo.json").read_text())[:200]
    plain = 0
    for row in rows:
        text = f"<s>{row['instruction']}\n{row['output']}</s>"
        assert words.agrees(text, tokenizer)
        plain += words.encode(text) is not None
    assert plain > 100


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": {"type": "Lowercase"}},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {
            "pre_tokenizer": {
                "type": "ByteLevel",
                "add_prefix_space": True,
                "trim_offsets": True,
                "use_regex": True,
            }
        },
        {"pre_tokenizer": None},
        {"post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}},
    ],
)
def test_another_kind_is_left_to_the_library(change: dict[str, Any]) -> None:
    said = json.loads(KINDS["gpt2"].to_str()) | change
    assert by_word(Tokenizer.from_str(json.dumps(said))) is None


def test_a_word_across_marks_is_left_to_the_library() -> None:
    made = Tokenizer(models.BPE({"▁": 0, "a": 1, "a▁": 2, "<unk>": 3}, [("a", "▁")], unk_token="<unk>"))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.decoder = decoders.Metaspace()
    assert by_word(made) is None
