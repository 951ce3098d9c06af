"""Ways to spoil a run, each as a person or a machine does it."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from engine import faults

Values = dict[str, Any]
End = Literal["adapter", "refusal"]
_ROWS: Final = 240


class Sabotage(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    name: str
    ends: End = "adapter"
    """What it should end with: a sound adapter, or a refusal that is right because nothing can be learnt."""
    fault: str = ""
    """What `OPENLORA_FAULT` asks for."""
    spoil: Callable[[Path, Values], None] = lambda folder, values: None
    """Changes the files in the folder, or the recipe's values."""
    says: tuple[str, ...] = ()
    """Of a refusal: words one of which it has to say."""


def rows(count: int = _ROWS) -> list[dict[str, str]]:
    """Questions and answers with a pattern that a model of a few thousand parameters learns some of."""
    return [
        {"prompt": f"Add {i} and {i + 1}.", "completion": f"{i} and {i + 1} make {2 * i + 1}, which is odd."}
        for i in range(count)
    ]


def write(folder: Path, found: list[Any]) -> None:
    """The data as JSON lines; a text among the rows is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in found]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")


def _set(**values: Any) -> Callable[[Path, Values], None]:
    return lambda folder, recipe: recipe.update(values)


def _every(step: int, spoilt: Any) -> Callable[[Path, Values], None]:
    """Every so many rows is another."""
    return lambda folder, recipe: write(
        folder, [spoilt if number % step == 3 else row for number, row in enumerate(rows())]
    )


def _data(made: Callable[[], list[Any]]) -> Callable[[Path, Values], None]:
    return lambda folder, recipe: write(folder, made())


def _latin(folder: Path, values: Values) -> None:
    text = (folder / "rows.jsonl").read_bytes()
    (folder / "rows.jsonl").write_bytes(text.replace(b"is odd.", b"is odd. \xe9", 3))


def _model_json(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Values], None]:
    def spoil(folder: Path, values: Values) -> None:
        path = folder / "model" / name
        said = json.loads(path.read_text())
        change(said)
        path.write_text(json.dumps(said))

    return spoil


def _no_pad(folder: Path, values: Values) -> None:
    _model_json("tokenizer_config.json", lambda said: said.pop("pad_token", None))(folder, values)
    _model_json("config.json", lambda said: said.pop("pad_token_id", None))(folder, values)


def _double_bos(folder: Path, values: Values) -> None:
    turn = "{{ bos_token }}{{ m.role }}: {{ m.content }}{{ eos_token }}"
    template = f"{{{{ bos_token }}}}{{% for m in messages %}}{turn}{{% endfor %}}"
    _model_json("tokenizer_config.json", lambda said: said.update(chat_template=template))(folder, values)
    write(
        folder,
        [
            {
                "messages": [
                    {"role": "user", "content": row["prompt"]},
                    {"role": "assistant", "content": row["completion"]},
                ]
            }
            for row in rows()
        ],
    )


def _truncated_weights(folder: Path, values: Values) -> None:
    path = folder / "model" / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _nan_weights(folder: Path, values: Values) -> None:
    path = folder / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    data[begin:] = struct.pack("<f", float("nan")) * ((len(data) - begin) // 4)
    path.write_bytes(bytes(data))


def _foreign_adapter(folder: Path, values: Values) -> None:
    adapter = folder / "foreign"
    adapter.mkdir()
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["query_key_value"],
              "base_model_name_or_path": "other", "task_type": "CAUSAL_LM"}  # fmt: skip
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    (adapter / "adapter_model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    values["adapter"] = str(adapter)


def _no_folder(folder: Path, values: Values) -> None:
    (folder / "a-file").write_text("no folder")
    values["output_dir"] = str(folder / "a-file" / "adapter")


def _gone(folder: Path, values: Values) -> None:
    (folder / "rows.jsonl").unlink()


def _no_tokenizer(folder: Path, values: Values) -> None:
    for path in (folder / "model").glob("tokenizer*"):
        path.unlink()


def _picture(folder: Path, values: Values) -> None:
    (folder / "rows.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 64)


def copy_model(model: Path, folder: Path) -> None:
    """Each case spoils a model of its own."""
    shutil.copytree(model, folder / "model")


_STRONG: Final = {"learning_rate": 1.0, "max_grad_norm": 0, "lr_scheduler_type": "constant"}
_TIGHT: Final = {
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 16,
    "gradient_checkpointing": True,
}

CASES: Final = (
    Sabotage(name="rate far too high, nothing clipped", spoil=_set(**_STRONG)),
    Sabotage(name="rate too high without warm-up", spoil=_set(**_STRONG, warmup_ratio=0.0)),
    Sabotage(name="rate that moves nothing", spoil=_set(learning_rate=1e-8, max_steps=110)),
    Sabotage(name="out of memory in a step", fault="oom@10"),
    Sabotage(
        name="out of memory with one short row a batch", fault="oom@10", spoil=_set(**_TIGHT), ends="refusal",
        says=("memory",),
    ),
    Sabotage(name="out of memory while evaluating", fault="oom@phase:evaluating"),
    Sabotage(name="out of memory while saving", fault="oom@phase:saving"),
    Sabotage(name="out of memory while the model is loaded", fault="oom@phase:loading-model"),
    Sabotage(name="a NaN in one row", fault="nan@row:17"),
    Sabotage(name="NaN at three steps", fault="nan@20,nan@35,nan@50"),
    Sabotage(name="lines that are no JSON", spoil=_every(40, '{"prompt": "half a')),
    Sabotage(name="rows without their column", spoil=_every(50, {"question": "Which column?"})),
    Sabotage(name="bytes that are no UTF-8", spoil=_latin),
    Sabotage(name="some answers empty", spoil=_every(30, {"prompt": "Say nothing.", "completion": ""})),
    Sabotage(
        name="all answers empty: every label masked", ends="refusal",
        spoil=_data(lambda: [{**row, "completion": ""} for row in rows()]),
        says=("answer", "label", "learn", "empty"),
    ),
    Sabotage(name="answers cut off", spoil=_set(max_length=24)),
    Sabotage(name="answers cut off entirely", spoil=_set(max_length=12)),
    Sabotage(name="layers of another architecture", spoil=_set(target_modules=["query_key_value", "c_proj"])),
    Sabotage(name="layers that the model is too small for", spoil=_set(layers_to_transform=[40, 41])),
    Sabotage(name="no pad token", spoil=_no_pad),
    Sabotage(name="two BOS by the template", spoil=_double_bos),
    Sabotage(name="rows longer than the model's context", spoil=_set(max_length=4096)),
    Sabotage(name="rows declared to be of another shape", spoil=_set(data_format="alpaca")),
    Sabotage(name="a GPU that is not there", spoil=_set(devices=[7])),
    Sabotage(name="fp16 where it cannot be", spoil=_set(mixed_precision="fp16")),
    Sabotage(name="worker killed", fault="kill@45"),
    Sabotage(name="worker killed twice", fault="kill@30,kill@50"),
    Sabotage(name="worker killed in a checkpoint", fault="kill@phase:checkpoint"),
    Sabotage(name="worker killed while the model is loaded", fault="kill@phase:loading-model"),
    Sabotage(name="killed with half an event written", fault="torn-event@33"),
    Sabotage(name="newest checkpoint broken, then killed", fault="torn-checkpoint@35,kill@50"),
    Sabotage(
        name="every checkpoint broken, then killed", fault="torn-checkpoint@15,torn-checkpoint@35,kill@50"
    ),
    Sabotage(name="disk full in a checkpoint", fault="diskfull@phase:checkpoint"),
    Sabotage(name="quota met at the adapter", fault="quota@phase:adapter"),
    Sabotage(name="worker hangs", fault="hang@30"),
    Sabotage(name="an output folder that cannot be", spoil=_no_folder),
    Sabotage(name="data file gone", ends="refusal", spoil=_gone, says=("no file",)),
    Sabotage(name="no rows at all", ends="refusal", spoil=_data(list), says=("row", "empty")),
    Sabotage(name="a picture for data", ends="refusal", spoil=_picture, says=("PNG", "picture", "image")),
    Sabotage(name="weights cut off", ends="refusal", spoil=_truncated_weights, says=("weights", "damaged")),
    Sabotage(name="weights of NaN", ends="refusal", spoil=_nan_weights, says=("not finite", "NaN")),
    Sabotage(name="no tokenizer", ends="refusal", spoil=_no_tokenizer, says=("tokenizer",)),
    Sabotage(name="adapter of another model", ends="refusal", spoil=_foreign_adapter, says=("adapter",)),
)  # fmt: skip
"""What is tried; the words of `fault` are those of docs/faults.md."""
assert all(faults.asked({faults.VARIABLE: case.fault}) or not case.fault for case in CASES)
