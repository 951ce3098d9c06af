"""One trainer in a process of its own: the libraries are loaded, then memory and tokens are counted.

`python -m tests.benchmarks.trainers NAME MODEL DATA` prints one JSON object. Each trainer tunes the same
layers with the same rank, rate and loss on the same rows, 16 of them a step: on the CPU in float32, on a card
over a frozen base in bfloat16.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import psutil

WARM: Final = 2
"""Steps that count for nothing."""
STEPS: Final = 9
ROWS: Final = 16
LENGTH: Final = 512
RANK: Final = 8
RATE: Final = 2e-4
_LAYERS: Final = {
    "llama": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "gpt2": ["c_attn", "c_proj", "c_fc"],
}


def on_card() -> bool:
    """True where there is a CUDA device, which all trainers then use."""
    import torch

    return torch.cuda.is_available()


class Meter:
    """Counts tokens and seconds after the warm steps, and bytes above the loaded libraries."""

    def __init__(self) -> None:
        self.before = psutil.Process().memory_info().rss
        self.tokens = 0
        self.labels = 0
        self.losses: list[float] = []
        self._from: tuple[float, int, int] | None = None
        self._seconds = 0.0
        self._counted = self._learnt = 0

    def step(self, number: int, loss: float | None = None) -> None:
        """A step has been done."""
        if loss is not None:
            self.losses.append(loss)
        if on_card():
            import torch

            torch.cuda.synchronize()
        now = time.perf_counter()
        if number == WARM:
            self._from = now, self.tokens, self.labels
        elif self._from is not None:
            began, tokens, labels = self._from
            self._seconds, self._counted, self._learnt = (
                now - began,
                self.tokens - tokens,
                self.labels - labels,
            )

    def result(self) -> dict[str, float]:
        """Tokens and labels a second, peak bytes above the libraries, mean of the last five losses."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - self.before
        if on_card():
            import torch

            peak = torch.cuda.max_memory_allocated()
        tail = self.losses[-5:] or [float("nan")]
        return {
            "tokens_per_second": self._counted / self._seconds,
            "labels_per_second": self._learnt / self._seconds,
            "peak": peak,
            "loss": sum(tail) / len(tail),
        }


def openlora(model: Path, data: Path) -> dict[str, float]:
    """This project's loop."""
    from engine import events as ev
    from engine.job import Job
    from engine.recipe import Recipe
    from engine.train.loop import train

    meter = Meter()

    def report(event: ev.Event) -> None:
        if isinstance(event, ev.Step):
            meter.tokens += event.tokens
            meter.labels += event.label_tokens
            meter.step(event.step, event.loss)

    class Nobody:
        def next(self) -> None:
            return None

    recipe = Recipe(
        model=str(model), data=str(data), max_length=LENGTH, max_steps=STEPS, lora_r=RANK, lora_alpha=RANK,
        learning_rate=RATE, lr_scheduler_type="constant", warmup_ratio=0.0, eval_split=0.0, sample_steps=0,
        save_steps=0, per_device_train_batch_size=4, gradient_accumulation_steps=ROWS // 4,
        gradient_checkpointing=False, devices="auto", mixed_precision="auto",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        job = Job(run="1", folder=Path(folder), recipe=recipe, device="cuda:0" if on_card() else "cpu")
        ended = train(job, report, Nobody())
        if isinstance(ended, ev.Failed):
            raise RuntimeError(str(ended))
    return meter.result()


def trainer(model: Path, data: Path) -> dict[str, float]:
    """Hugging Face's `Trainer`, grouped by length."""
    import transformers as hf
    from datasets import Dataset
    from peft import get_peft_model

    meter = Meter()
    tokens = hf.AutoTokenizer.from_pretrained(model)
    rows = [_labelled(tokens, row) for row in _rows(data)]
    student = get_peft_model(_base(model), _lora(model))
    collate = _counted(hf.DataCollatorForSeq2Seq(tokens, padding=True), meter, tokens.pad_token_id)
    with tempfile.TemporaryDirectory() as folder:
        hf.Trainer(
            model=student,
            args=hf.TrainingArguments(
                **_settings(folder),
                per_device_train_batch_size=ROWS,
                train_sampling_strategy="group_by_length",
            ),
            train_dataset=Dataset.from_list(rows),
            data_collator=collate,
            callbacks=[_callback(meter)],
        ).train()
    return meter.result()


def trl(model: Path, data: Path) -> dict[str, float]:
    """TRL's `SFTTrainer`, packed."""
    import transformers as hf
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    meter = Meter()
    tokens = hf.AutoTokenizer.from_pretrained(model)
    with tempfile.TemporaryDirectory() as folder:
        # Four packs of 512 hold about as many tokens as 16 rows.
        sft = SFTTrainer(
            model=_base(model),
            args=SFTConfig(
                **_settings(folder), per_device_train_batch_size=4, packing=True, max_length=LENGTH
            ),
            train_dataset=Dataset.from_list(_rows(data)),
            processing_class=tokens,
            peft_config=_lora(model),
            callbacks=[_callback(meter)],
        )
        sft.data_collator = _counted(sft.data_collator, meter, tokens.pad_token_id)
        sft.train()
    return meter.result()


def unsloth(model: Path, data: Path) -> dict[str, float]:
    """Unsloth's model in TRL's `SFTTrainer`, packed; only on a card."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from unsloth import FastLanguageModel  # first, as it changes what comes after

    meter = Meter()
    base, tokens = FastLanguageModel.from_pretrained(str(model), max_seq_length=LENGTH, load_in_4bit=False)
    kind = json.loads((model / "config.json").read_text())["model_type"]
    student = FastLanguageModel.get_peft_model(
        base, r=RANK, lora_alpha=RANK, lora_dropout=0, bias="none", target_modules=_LAYERS[kind]
    )
    with tempfile.TemporaryDirectory() as folder:
        sft = SFTTrainer(
            model=student,
            args=SFTConfig(
                **_settings(folder), per_device_train_batch_size=4, packing=True, max_length=LENGTH
            ),
            train_dataset=Dataset.from_list(_rows(data)),
            processing_class=tokens,
            callbacks=[_callback(meter)],
        )
        sft.data_collator = _counted(sft.data_collator, meter, tokens.pad_token_id)
        sft.train()
    return meter.result()


TRAINERS: Final[dict[str, Callable[[Path, Path], dict[str, float]]]] = {
    "openlora": openlora,
    "trainer": trainer,
    "trl": trl,
    "unsloth": unsloth,
}


def _base(model: Path) -> Any:
    import torch
    import transformers as hf

    kind = torch.bfloat16 if on_card() else torch.float32
    return hf.AutoModelForCausalLM.from_pretrained(model, dtype=kind)


def _rows(data: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in data.read_text().splitlines()]


def _labelled(tokens: Any, row: dict[str, str]) -> dict[str, list[int]]:
    prompt = tokens(row["prompt"], add_special_tokens=False)["input_ids"]
    answer = [*tokens(row["completion"], add_special_tokens=False)["input_ids"], tokens.eos_token_id]
    ids = [*prompt, *answer]
    return {
        "input_ids": ids[:LENGTH],
        "attention_mask": [1] * len(ids[:LENGTH]),
        "labels": [*[-100] * len(prompt), *answer][:LENGTH],
    }


def _lora(model: Path) -> Any:
    from peft import LoraConfig

    kind = json.loads((model / "config.json").read_text())["model_type"]
    return LoraConfig(r=RANK, lora_alpha=RANK, target_modules=_LAYERS[kind], task_type="CAUSAL_LM")


def _settings(folder: str) -> dict[str, Any]:
    return {
        "output_dir": folder, "max_steps": STEPS, "learning_rate": RATE, "lr_scheduler_type": "constant",
        "logging_steps": 1, "save_strategy": "no", "report_to": "none", "use_cpu": not on_card(),
        "bf16": on_card(), "gradient_checkpointing": False, "seed": 1, "disable_tqdm": True,
    }  # fmt: skip


def _counted(collate: Any, meter: Meter, pad: int) -> Any:
    def counting(rows: Any, *more: Any) -> Any:
        batch = collate(rows, *more)
        meter.tokens += int((batch["input_ids"] != pad).sum())
        return batch

    return counting


def _callback(meter: Meter) -> Any:
    from transformers import TrainerCallback

    class Steps(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.step(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                meter.losses.append(float(logs["loss"]))

    return Steps()


def _load_libraries(trainer: str) -> None:
    """What the trainer loads, so that the bytes above it are the run's own."""
    import torch
    import transformers

    needed = {"openlora": ["engine.train.loop"], "trainer": ["peft", "datasets"], "trl": ["trl"],
              "unsloth": ["unsloth"]}  # fmt: skip
    for name in needed[trainer]:
        import_module(name)

    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)


if __name__ == "__main__":
    _load_libraries(sys.argv[1])
    print(json.dumps(TRAINERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))))
