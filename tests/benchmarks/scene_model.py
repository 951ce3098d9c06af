"""A vocabulary of made-up words, and a BPE tokenizer for it, for benchmarks that need no download."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

VOCABULARY: Final = 8_000
_WORDS: Final = 6_000


def words() -> list[str]:
    """Made-up words, the same each time."""
    draw = random.Random(1)
    return ["".join(draw.choices("etaoinshrdlucmfwypvbg", k=draw.randint(2, 9))) for _ in range(_WORDS)]


def text(draw: random.Random, known: list[str], count: int) -> str:
    """`count` words; squared, so that some are common and most are rare, as in a language."""
    return " ".join(known[int(draw.random() ** 2 * len(known))] for _ in range(count))


def tokenizer(model: Path, known: list[str]) -> None:
    """Write a byte-level BPE tokenizer of 8,000 tokens into the folder `model`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    draw = random.Random(3)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        show_progress=False,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator((text(draw, known, 40) for _ in range(3000)), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    fast.save_pretrained(model)
