"""A tiny tokenizer, tiny random models of two architectures, and a way to run the loop on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from engine import events as ev
from engine.job import Job, Order
from engine.recipe.recipe import Recipe
from engine.train.loop import train

WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "small",
    "birds",
    "sing",
    "in",
    "green",
    "trees",
    "and",
    "nobody",
    "remembers",
    "whether",
    "yesterday",
    "evening",
    "brought",
    "thunder",
    "or",
    "gentle",
    "rain",
]


def sentence(seed: int, words: int) -> str:
    """Some words, decided by `seed`."""
    return " ".join(WORDS[(seed * 7 + i * i + i * seed) % len(WORDS)] for i in range(words))


@pytest.fixture(autouse=True, scope="session")
def _few_threads() -> Iterator[None]:
    """Tiny tensors are slower on two threads, and other tests want the cores too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([sentence(i, 40) for i in range(50)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
    }
    return {"tokenizer.json": tokenizer.to_str(), "tokenizer_config.json": json.dumps(config)}


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory, tokenizer_files: dict[str, str]) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
    )
    return _written(tmp_path_factory.mktemp("llama"), LlamaForCausalLM(config), tokenizer_files)


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory, tokenizer_files: dict[str, str]) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=320,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=128,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
    )
    config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0.0
    return _written(tmp_path_factory.mktemp("gpt2"), GPT2LMHeadModel(config), tokenizer_files)


def _written(folder: Path, model: Any, files: dict[str, str]) -> Path:
    model.save_pretrained(folder)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 questions with answers of very different lengths."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    lines = [
        {"question": f"Say {i}: {sentence(i, 3)}?", "answer": sentence(i + 1, 2 + (i * 5) % 17)}
        for i in range(40)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 prompts with a short and a long answer each, of which the short one is chosen."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    lines = [
        {
            "prompt": f"Say {i}: {sentence(i, 3)}?",
            "chosen": sentence(i + 1, 2 + i % 4),
            "rejected": sentence(i + 5, 5 + (i * 5) % 9),
        }
        for i in range(24)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class Orders:
    """Gives out orders once the loop has reached a step; `at` counts looks, not steps, where given."""

    def __init__(self, *planned: tuple[int, Order] | tuple[int, Order, str]) -> None:
        self.planned = list(planned)
        self.step = 0

    def next(self) -> tuple[Order, str] | None:
        if self.planned and self.step >= self.planned[0][0]:
            _, order, *by = self.planned.pop(0)
            return order, by[0] if by else "a test"
        return None


class Run:
    """One call of `train`, and what it reported."""

    def __init__(self, job: Job, *orders: tuple[int, Order] | tuple[int, Order, str]) -> None:
        self.job = job
        self.events: list[ev.Event] = []
        self._orders = Orders(*orders)
        self.end = train(job, self._report, self._orders)

    def _report(self, event: ev.Event, /) -> None:
        self.events.append(event)
        # Steps are reported one late, so the one after the reported one is done already.
        if isinstance(event, ev.Step):
            self._orders.step = event.step

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def losses(self) -> list[float]:
        return [event.loss for event in self.of(ev.Step)]

    def weights(self) -> dict[str, torch.Tensor]:
        from safetensors.torch import load_file

        return load_file(self.job.adapter / "adapter_model.safetensors")


Start = Callable[..., Run]


@pytest.fixture
def job(tmp_path: Path, llama: Path, rows: Path) -> Callable[..., Job]:
    """Makes a small job; keywords change its recipe."""
    small: dict[str, Any] = {
        "model": str(llama),
        "data": str(rows),
        "max_length": 64,
        "lora_r": 4,
        "lora_alpha": 8.0,
        "learning_rate": 2e-2,
        "max_steps": 6,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "eval_steps": 0,
        "sample_steps": 0,
        "save_steps": 0,
        "eval_split": 0.1,
        "sample_max_new_tokens": 4,
    }

    def make(name: str = "run", **changes: Any) -> Job:
        return Job(run=name, folder=tmp_path / name, recipe=Recipe(**{**small, **changes}), device="cpu")

    return make


@pytest.fixture
def start(job: Callable[..., Job]) -> Start:
    """Runs a small job to its end."""

    def run(name: str = "run", *orders: tuple[int, Order] | tuple[int, Order, str], **changes: Any) -> Run:
        return Run(job(name, **changes), *orders)

    return run


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real models and data beside the repository."""
    folder = Path(__file__).resolve().parents[3].parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` with models and data beside the repository")
    return folder
