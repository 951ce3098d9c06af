"""Pieces of an answer: whatever the tokens, joined they are the whole text, and no character is broken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from engine.chat.spelling import Speller


def byte_level() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def sentence_pieces() -> Tokenizer:
    """As Llama 2 and its kin: a blank is `▁`, the first one is dropped, what is unknown falls to bytes."""
    pieces = [*(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcdefghij", "▁a", "▁b", "ab", "▁ab"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    merges = [("▁", "a"), ("▁", "b"), ("a", "b"), ("▁", "ab")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


TOKENIZERS = {"byte-level": byte_level(), "sentencepiece": sentence_pieces()}


def pieces(tokenizer: Tokenizer, prompt: Sequence[int], ids: Sequence[int]) -> list[str]:
    speller = Speller(lambda some: tokenizer.decode(list(some), skip_special_tokens=False), prompt)
    return [*(speller.add(token) for token in ids), speller.rest()]


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(before=st.text(max_size=20), text=st.text(max_size=40))
def test_any_text_is_spelled_whole_and_unbroken(kind: str, before: str, text: str) -> None:
    tokenizer = TOKENIZERS[kind]
    ids = tokenizer.encode(before + text).ids
    for cut in (0, len(tokenizer.encode(before).ids), len(ids) // 2):
        whole = tokenizer.decode(ids, skip_special_tokens=False)
        head = tokenizer.decode(ids[:cut], skip_special_tokens=False)
        if not whole.startswith(head):
            continue  # the cut is within a character
        spelled = pieces(tokenizer, ids[:cut], ids[cut:])
        assert "".join(spelled) == whole[len(head) :]
        assert "�" in whole or not any("�" in piece for piece in spelled)


@given(ids=st.lists(st.integers(0, 255), max_size=60))
def test_any_bytes_are_spelled_as_the_whole_would_be(ids: list[int]) -> None:
    tokenizer = TOKENIZERS["byte-level"]
    assert "".join(pieces(tokenizer, [], ids)) == tokenizer.decode(ids, skip_special_tokens=False)


def test_a_character_comes_at_once_and_whole() -> None:
    tokenizer = TOKENIZERS["byte-level"]
    ids = tokenizer.encode("é🦊!").ids
    assert pieces(tokenizer, [], ids) == ["", "é", "", "", "", "🦊", "!", ""]


def test_the_blank_before_the_first_word_of_an_answer_is_kept() -> None:
    tokenizer = TOKENIZERS["sentencepiece"]
    prompt, answer = tokenizer.encode("ab").ids, tokenizer.encode("ab").ids
    assert "".join(pieces(tokenizer, prompt, answer)) == " ab"
