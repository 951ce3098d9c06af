"""What a finding says, and what a word of the field or a key of a recipe means."""

from __future__ import annotations

import re
from typing import Final

from engine.advisor.known import Known
from engine.recipe.edit import written
from engine.recipe.field import Field
from engine.recipe.fields import FIELDS

_WORDS: Final = {
    "grad norm": "The gradient norm is the length of all gradients of a step together, before clipping. "
    "A leap says that a step would move the weights far; zero says that nothing trains.",
    "perplexity": "Perplexity is the exponential of the loss: 3 nats are 20, as if the model chose among "
    "20 tokens each time.",
    "loss": "The loss is the mean of -ln(probability) over the tokens that are learnt, in nats. 0 is "
    "certainty; a model that knows nothing of V tokens has ln(V), about 10 to 12.",
    "held-out": "Held-out rows are never learnt from: their loss tells whether what is learnt holds.",
    "checkpoint": "A checkpoint is all that a run needs to go on: adapter, optimizer, place in the data.",
    "lora": "LoRA learns two small matrices (of rank lora_r) beside each chosen layer, and leaves the layer "
    "as it is: far less memory, and a file of some megabytes.",
    "adapter": "An adapter is what LoRA trains: two small matrices beside each chosen layer.",
    "warm-up": "In the warm-up the learning rate rises to its peak, because first steps are rough.",
    "epoch": "An epoch is one pass over all training rows.",
    "gguf": "GGUF is the file format of llama.cpp, in which exported models run without Python.",
}  # fmt: skip
_SPELT: Final = {
    "gradient norm": "grad norm",
    "grad_norm": "grad norm",
    "eval loss": "held-out",
    "held out": "held-out",
    "warmup": "warm-up",
    "warm up": "warm-up",
}


def finding(known: Known, number: int) -> list[str]:
    """All of a finding, with its evidence and what to do."""
    found = known.finding(number)
    if found is None:
        have = f"There are {len(known.findings)}." if known.findings else "There are none."
        return [f"There is no finding [{number}]. {have}"]
    sure = f", {found.confidence:.0%} sure" if found.confidence < 1 else ""
    lines = [f"[{number}] {found.title.rstrip('.')} ({found.severity}{sure})."]
    lines += [f"Why: {found.cause}"] if found.cause else []
    lines += [f"- {evidence}" for evidence in found.evidence[:6]]
    lines += [f"What to do: {found.remedy}"] if found.remedy else []
    lines += [f"The change: {found.patch.label}."] if found.patch is not None else []
    return lines


def field_of(words: str) -> Field | None:
    """The recipe field that a question names by its key or its label."""
    said = f" {re.sub(r'[^a-z0-9_]+', ' ', words.lower())} "
    by_name = [f for f in FIELDS if f" {f.name} " in said]
    by_label = [
        f for f in FIELDS if f" {f.label.lower()} " in said or f" {f.name.replace('_', ' ')} " in said
    ]
    return max(by_name or by_label, key=lambda f: len(f.name), default=None)


def term_of(words: str) -> str:
    """The word of the field that a question is about; empty where it names none."""
    for spelt, term in _SPELT.items():
        if spelt in words:
            return term
    return next((term for term in _WORDS if re.search(rf"\b{re.escape(term)}s?\b", words)), "")


def term(name: str) -> list[str]:
    """What a word of the field means."""
    return [_WORDS[name]]


def key(known: Known, field: Field) -> list[str]:
    """What a key of a recipe does, what goes wrong with it, and how it is set here."""
    lines = [f"{field.name}: {field.help}", field.wrong]
    if field.bounds:
        lines.append(f"It takes {field.bounds}{f' {field.unit}' if field.unit else ''}.")
    if known.recipe is not None:
        value = getattr(known.recipe, field.name)
        where = "the default" if value == field.default else "set by the recipe"
        lines.append(f"Here it is {written(value)}, {where}.")
    return [line for line in lines if line]
