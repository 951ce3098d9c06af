"""What it takes to have a GGUF of a repository here: one quantisation, all of its parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

from engine.data.refusal import Refusal
from engine.hub import problems
from engine.hub.names import MAIN
from engine.hub.plan import TIMEOUT, File, Plan, file_of, listing, patiently
from engine.problem import WORK_FAILED
from engine.text import amount, one_line

_PREFERRED: Final = ("q4_k_m", "q5_k_m", "q4_k_s", "q6_k", "q5_k_s", "q8_0", "q4_0", "iq4_xs", "q3_k_m",
                     "q3_k_s", "q2_k", "bf16", "f16", "f32")  # fmt: skip
"""Four bits first: of those sizes that lose little, a CPU answers quickest by the smallest."""
_PART: Final = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")
_OTHER: Final = re.compile(r"(^|[/._-])(mmproj|imatrix|lora|adapter|draft)", re.IGNORECASE)
"""Files beside the model that end as it does."""


def gguf_plan(model: str, revision: str | None = None, *, most: int, file: str = "") -> Plan:
    """Ask the hub which GGUF files `model` has, and choose the best one of at most `most` bytes.

    Args:
        file: the one that a person named; of several parts the first.

    Raises:
        Refusal: the hub does not hand it out or cannot be reached, or nothing in it fits.
    """
    asked = revision or MAIN
    with problems.explaining(model, asked):
        api = HfApi()
        info = patiently(
            lambda: api.model_info(model, revision=revision, files_metadata=True, timeout=TIMEOUT)
        )
        commit, listed = info.sha or asked, listing(info.siblings)
        groups = grouped(listed)
        if not groups:
            raise _none(model)
        if info.gated:
            get_hf_file_metadata(hf_hub_url(model, next(iter(groups)), revision=commit))
        files = {
            first: [file_of(model, commit, listed[name]) for name in names]
            for first, names in groups.items()
            if all(name in listed for name in names)
        }
    return Plan(model=model, asked=asked, revision=commit, files=_chosen(model, files, most, file))


def grouped(names: Collection[str]) -> dict[str, list[str]]:
    """The models among the files, each by its first file, with all of its parts in order."""
    groups = {}
    for name in sorted(names):
        if not name.endswith(".gguf") or _OTHER.search(name):
            continue
        part = _PART.fullmatch(name)
        if part is None:
            groups[name] = [name]
        elif int(part[2]) == 1:
            count = int(part[3])
            groups[name] = [f"{part[1]}-{at:05}-of-{count:05}.gguf" for at in range(1, count + 1)]
    return groups


def _chosen(model: str, files: Mapping[str, list[File]], most: int, wanted: str) -> list[File]:
    sizes = {first: sum(file.size for file in parts) for first, parts in files.items()}
    listed = ", ".join(f"{name} ({amount(size)})" for name, size in sorted(sizes.items(), key=_by_size)[:6])
    if wanted:
        if wanted not in files:
            raise Refusal(
                "gguf_export",
                f"{model} has no file {one_line(wanted, 100)}.",
                where=model,
                do=f"It has {listed}.",
            )
        return files[wanted]
    fitting = [first for first in files if sizes[first] <= most]
    if not fitting:
        raise Refusal(
            "gguf_export",
            f"No GGUF of {model} fits the memory that the advisor may take here, {amount(most)}.",
            where=model,
            why=f"It has {listed}.",
            do="Name a smaller model, or one of these by --file.",
        )
    return files[min(fitting, key=lambda first: (_rank(first), sizes[first]))]


def _by_size(item: tuple[str, int]) -> int:
    return item[1]


def _rank(name: str) -> int:
    low = name.lower()
    found = (at for at, kind in enumerate(_PREFERRED) if re.search(rf"(^|[/._-]){kind}([._-]|$)", low))
    return next(found, len(_PREFERRED))


def _none(model: str) -> Refusal:
    return Refusal(
        "gguf_export",
        f"{model} holds no GGUF.",
        where=model,
        do="Name a repository whose name ends in -GGUF, such as Qwen/Qwen2.5-1.5B-Instruct-GGUF.",
        exit_status=WORK_FAILED,
    )
