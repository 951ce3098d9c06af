"""The model's folder: whether it is whole, whether it can be tuned, and its own quirks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.findings import Finding
from engine.model.architectures import ARCHITECTURES
from engine.model.context import cut_at_context
from engine.preflight.findings import stopped
from engine.preflight.subject import Subject
from engine.problem import Problem
from engine.recipe.models import prove_model
from engine.trust import code_of, is_trusted, refused

_MAPPING: Final = re.compile(
    r"MODEL_FOR_CAUSAL_LM_MAPPING_NAMES\s*=\s*OrderedDict\(\s*\[(.*?)\n\s*\]\s*\)", re.DOTALL
)
_KIND: Final = re.compile(r'\(\s*"([\w.-]+)"\s*,')
_PACKED: Final = frozenset({"gptq", "awq", "compressed-tensors", "hqq", "quanto", "aqlm", "eetq", "spqr",
                            "vptq", "higgs", "auto-round", "fbgemm_fp8"})  # fmt: skip
"""Quantisations whose layers are no linear layers of torch, on which no adapter is laid here."""


def look(subject: Subject) -> Iterator[Finding]:
    """Nothing where the model is not on this machine."""
    folder = subject.folder
    if folder is None:
        return
    try:
        prove_model(folder)
    except Problem as problem:
        yield stopped("merge_mismatch", problem)
        return
    yield from _code(subject, folder)
    yield from _quantised(subject)
    if subject.context is not None and subject.recipe.max_length > subject.context:
        yield cut_at_context(subject.recipe.max_length, subject.context)
    if not subject.tensors:
        yield Finding(
            category="other",
            severity="note",
            title="The weights are pickled: which layers there are shows only when they are loaded",
            evidence=[str(folder / "pytorch_model.bin")],
            cause="Only the heads of safetensors files tell without loading them.",
            remedy="Save the model once with transformers' save_pretrained, which writes safetensors.",
        )


def _code(subject: Subject, folder: Path) -> Iterator[Finding]:
    """What transformers does not know by itself, it would have to run the model's own code for."""
    recipe, known = subject.recipe, subject.kind in ARCHITECTURES or subject.kind in known_kinds()
    try:
        code = code_of(folder)
        if is_trusted(recipe.trust_remote_code, recipe.model, folder) or known:
            return
        if code is not None and {"AutoConfig", "AutoModelForCausalLM"} & code.named.keys():
            why = f"transformers does not know {subject.kind!r} models by itself."
            raise refused(recipe.model, folder, code, why)
    except Problem as problem:
        yield stopped("dependency_version", problem)
        return
    if not known_kinds():
        return
    yield Finding(
        category="dependency_version",
        severity="blocker",
        title="The installed transformers knows no causal language model of this kind.",
        evidence=[f"{folder / 'config.json'}: model_type {subject.kind}"],
        cause="Only models that write one token after the other can be tuned here.",
        remedy="Upgrade transformers, or choose a causal language model.",
    )


@lru_cache(1)
def known_kinds() -> frozenset[str]:
    """The kinds that `AutoModelForCausalLM` loads, read from its source; empty where that cannot be told.

    To import it would take seconds.
    """
    found = find_spec("transformers")
    if found is None or not found.submodule_search_locations:
        return frozenset()
    source = Path(found.submodule_search_locations[0]) / "models" / "auto" / "modeling_auto.py"
    try:
        match = _MAPPING.search(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return frozenset()
    return frozenset(_KIND.findall(match[1])) if match else frozenset()


def _quantised(subject: Subject) -> Iterator[Finding]:
    settings = subject.config.get("quantization_config")
    if not isinstance(settings, dict):
        return
    method = str(settings.get("quant_method", "bitsandbytes")).lower()
    evidence = [f"config.json: quantization_config, {method}"]
    if method in _PACKED:
        yield Finding(
            category="quantization_backend",
            severity="blocker",
            title=f"The weights are quantised by {method}, and such layers take no adapter here",
            evidence=evidence,
            cause="They are packed into whole numbers, and are no linear layers of torch any more.",
            remedy="Name the model that it was quantised from, in 16 bits.",
        )
    elif method == "bitsandbytes" and find_spec("bitsandbytes") is None:
        yield Finding(
            category="quantization_backend",
            severity="blocker",
            title="The weights are quantised by bitsandbytes, which is not installed",
            evidence=evidence,
            cause="transformers loads such files by that package alone.",
            remedy="pip install bitsandbytes, or name the model in 16 bits.",
        )
    else:
        yield Finding(
            category="quantization_backend",
            severity="warning",
            title=f"The weights are quantised by {method}",
            confidence=0.6,
            evidence=evidence,
            cause="Tuning starts from rounded weights, and not every such format can be tuned.",
            remedy="Name the model in 16 bits, if there is room for it.",
        )
