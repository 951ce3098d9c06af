"""A model that answers with and without its adapter, both on the same weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import msgspec
import torch
from peft import PeftModel
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.cache_utils import DynamicLayer

from engine import paths
from engine.chat.spoken import Sampling, Side, Spec
from engine.data.refusal import Refusal, as_refusal
from engine.data.rules import AS_THE_MODEL, Rules, rules_of
from engine.data.tokenizer import CHAT_TEMPLATE, ModelTokenizer
from engine.job import Job
from engine.json_file import read_object
from engine.model.context import context_of
from engine.problem import Problem
from engine.recipe import read
from engine.recipe.models import prove_model
from engine.recipe.recipe import Recipe
from engine.run_dir import RunDir
from engine.train.machine import Machine
from engine.train.methods.prompts import hide_prompt
from engine.train.model.folder import tokenizer_folder, trusts_code
from engine.train.model.load import placed
from engine.train.model.quantise import held_in
from engine.train.objectives.loss import LabelledOnly

_AT_ONCE: Final = 512
"""Prompt tokens read between two looks for a Stop."""
_SMALL: Final = 64 << 20
"""Bytes of weights up to which a token on a CPU is read by one thread: two wait for each other longer than
they work, six times as long where another process wants the cores."""
_IN_4_BITS: Final = 0.4
"""Share of the memory of weights in 16 bits: a quarter and the scales for layers, embeddings as they were."""
_HOLDING: Final = ("load_in_4bit", "load_in_8bit", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant")
_HEADROOM: Final = 1.2
"""Memory that answering needs, in sizes of the weights: the cache and the activations come on top."""


class Voices:
    """The base model, its adapter, and what each side has read so far.

    Attributes:
        tokenizer: the model's own, as in training.
        context: positions that the model was made for.
        note: what a person should know about the device.
    """

    def __init__(self, spec: Spec, given: str) -> None:
        _check_adapter(spec.adapter)
        folder = _folder(spec.model)
        held, size = _held(spec), _size(folder)
        narrowed = int(size * (_IN_4_BITS if held.get("load_in_4bit") else 1))
        device, self.note = _device("cpu" if "cpu" in (spec.device, given) else "cuda:0", narrowed)
        if device == "cpu" and size <= _SMALL:
            torch.set_num_threads(1)
        # What a run computed in suits the card that it ran on; a CPU has its own best.
        mixed = "auto" if device == "cpu" else spec.mixed_precision
        recipe = Recipe(
            model=str(folder), data="", mixed_precision=mixed, trust_remote_code=_trust(spec), **held
        )
        job = Job(run=spec.run, folder=Path(mkdtemp(prefix="openlora-chat-")), recipe=recipe, device=device)
        self.machine = Machine(job)
        trust = trusts_code(job)
        self.tokenizer = ModelTokenizer(tokenizer_folder(job, trust=trust), rules=_rules(spec))
        self.context = context_of(self.tokenizer.folder)
        self.sampling = _sampling(folder)
        base, _ = placed(recipe, folder, self.machine, trust=trust)
        self._peft = PeftModel.from_pretrained(base, spec.adapter) if spec.adapter else None
        self._model: Any = self._peft or base
        self._model.eval()
        if self._peft is not None and self._peft.peft_config["default"].is_prompt_learning:
            hide_prompt(self._peft)
        self._head = LabelledOnly(base.get_output_embeddings())
        self._adapted = self._peft is not None
        self._read: dict[Side, tuple[list[int], Any]] = {}

    @property
    def dtype(self) -> str:
        """The precision of the weights, such as `bfloat16`, and how the base's are held in fewer bits."""
        kind, held = str(self.machine.dtype).removeprefix("torch."), held_in(self._model)
        return f"{kind}, base in {held}" if held else kind

    def reader(self, side: Side, ids: Sequence[int]) -> Reader:
        """Reads `ids` for one side, from where they differ from what that side has read last."""
        known, cache = self._read.pop(side, ([], None))
        return Reader(self, side, list(ids), known, cache)

    def keep(self, side: Side, ids: list[int], cache: Any) -> None:
        """Remember what a side has read, for its next turn."""
        self._read[side] = (ids, cache)

    def logits(self, side: Side, ids: Sequence[int], cache: Any) -> tuple[torch.Tensor, Any]:
        """(V,) fp32 logits after `ids`, and the cache behind them."""
        model = self._speaker(side, cache)
        tokens = torch.tensor([list(ids)], device=self.machine.device)
        # Only the last position's logits are needed, so the hook keeps that one.
        self._head.keep = torch.tensor([len(ids) - 1], device=self.machine.device)
        try:
            with torch.inference_mode(), self.machine.autocast():
                out = model(input_ids=tokens, past_key_values=cache, use_cache=True)
        finally:
            self._head.keep = None
        return out.logits[0, -1].float(), out.past_key_values

    def _speaker(self, side: Side, cache: Any) -> Any:
        """The model of that side; what was learnt to stand before the row is in a cache already."""
        if self._peft is None or not self._peft.peft_config["default"].is_prompt_learning:
            self._switch(side == "adapter")
            return self._model
        return self._peft if side == "adapter" and cache is None else self._peft.get_base_model()

    def _switch(self, adapted: bool) -> None:
        """With or without the adapter; peft's `disable_adapter` inspects every module each time."""
        if self._peft is None or adapted == self._adapted:
            return
        if adapted:
            self._peft.base_model.enable_adapter_layers()
        else:
            self._peft.base_model.disable_adapter_layers()
        self._adapted = adapted


class Reader:
    """One side that reads a prompt and then answers token by token."""

    def __init__(self, voices: Voices, side: Side, ids: list[int], known: list[int], cache: Any) -> None:
        self._voices, self._side = voices, side
        # The last token is always read again: its logits are what the answer begins with.
        same = _common(ids[:-1], known)
        kept = _cropped(cache, len(known) - same) if same else None
        self._cache: Any = kept
        self._done = ids[:same] if kept is not None else []
        self._ahead = ids[len(self._done) :]
        self.logits: torch.Tensor | None = None
        """What follows, once the whole prompt has been read."""

    def read(self) -> None:
        """Take the next tokens in."""
        part, self._ahead = self._ahead[:_AT_ONCE], self._ahead[_AT_ONCE:]
        logits, self._cache = self._voices.logits(self._side, part, self._cache)
        self._done += part
        self.logits = None if self._ahead else logits

    def take(self, token: int) -> None:
        """Go on after `token`."""
        self._ahead = [token]
        self.read()

    def close(self) -> None:
        """Leave what was read to the side's next turn."""
        self._voices.keep(self._side, self._done, self._cache)


class Chooser:
    """Draws tokens as `sampling` says, with a generator of its own."""

    def __init__(self, sampling: Sampling, device: torch.device) -> None:
        self._greedy = sampling.temperature <= 0
        self._generator = torch.Generator(device=device).manual_seed(sampling.seed)
        steps: list[Any] = []
        if sampling.repetition_penalty != 1.0:
            steps.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
        if not self._greedy:
            steps.append(TemperatureLogitsWarper(sampling.temperature))
            steps += [TopKLogitsWarper(sampling.top_k)] if sampling.top_k > 0 else []
            steps += [TopPLogitsWarper(sampling.top_p)] if sampling.top_p < 1 else []
        self._process = LogitsProcessorList(steps)

    def choose(self, logits: torch.Tensor, ids: Iterable[int]) -> int:
        """The next token after `ids`, which `logits` (V,) follow."""
        scores = logits.unsqueeze(0)
        if self._process:
            scores = self._process(torch.tensor([list(ids)], device=logits.device), scores)
        if self._greedy:
            return int(scores.argmax())
        return int(torch.multinomial(torch.softmax(scores, dim=-1), 1, generator=self._generator))


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    at = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        at += 1
    return at


def _cropped(cache: Any, surplus: int) -> Any:
    """The cache without its last `surplus` tokens, None where its kind cannot be cut everywhere."""
    if not all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None])):
        return None
    if surplus:
        with torch.inference_mode():
            cache.crop(-surplus)
    return cache


def _folder(model: str) -> Path:
    """The model's folder: itself, or what the hub's cache holds of it. Nothing is downloaded."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    folder = Path(model)
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(model, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError) as error:
            raise Refusal(
                "hub_auth_or_gated",
                "The model is not on this machine.",
                where=model,
                why="It is no folder here, and the Hugging Face cache has no files of it.",
                do="Check the name; `openlora train` and `openlora pull` bring a hub's model here.",
            ) from error
    try:
        prove_model(folder)
    except Problem as problem:
        raise as_refusal("other", problem) from problem
    return folder


def _trust(spec: Spec) -> str | None:
    """What lets a model's own code run: words given, else those of the run's recipe."""
    if spec.trust is not None:
        return spec.trust
    recipe = _recipe(spec)
    return recipe.trust_remote_code if recipe is not None else None


def _held(spec: Spec) -> dict[str, Any]:
    """How the base's weights were held in training, by the recipe's names."""
    recipe = _recipe(spec)
    return {name: getattr(recipe, name) for name in _HOLDING} if recipe is not None else {}


def _rules(spec: Spec) -> Rules:
    """How the adapter was taught to be written to: as its run's recipe says, with the template beside it."""
    recipe = _recipe(spec)
    rules = rules_of(recipe) if recipe is not None else AS_THE_MODEL
    template = Path(spec.adapter) / CHAT_TEMPLATE if spec.adapter else None
    beside = str(template) if template is not None and template.is_file() else None
    return msgspec.structs.replace(rules, chat_template=beside)


def _recipe(spec: Spec) -> Recipe | None:
    if not spec.run:
        return None
    try:
        return read(RunDir(paths.home(), spec.run).recipe).recipe
    except Problem:
        return None


def _check_adapter(adapter: str) -> None:
    if adapter and not (Path(adapter) / "adapter_config.json").is_file():
        raise Refusal(
            "save_or_disk",
            "The adapter is not there any more.",
            where=adapter,
            why="The folder has no adapter_config.json.",
            do="Look where it was moved to, and name that folder: `openlora chat FOLDER`.",
        )


def _weights(folder: Path) -> list[Path]:
    return [*folder.glob("*.safetensors")] or [*folder.glob("*.bin")]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in _weights(folder))


def _device(given: str, size: int) -> tuple[str, str]:
    """The device to answer on, and a note where the card that was given has too little memory.

    Args:
        given: `cpu` or the card, which is the only one visible to this process.
        size: bytes of the weights.
    """
    if given == "cpu" or not torch.cuda.is_available():
        return "cpu", ""
    free, gib = torch.cuda.mem_get_info(0)[0], 1 << 30
    if free >= size * _HEADROOM:
        return given, ""
    return "cpu", (
        f"On the CPU: the model needs about {size * _HEADROOM / gib:.1f} GiB, "
        f"and the card has {free / gib:.1f} GiB free."
    )


def _sampling(folder: Path) -> Sampling:
    """The model's own way to sample, greedy where its generation_config.json does not say to sample."""
    try:
        config = read_object(folder / "generation_config.json")
    except (OSError, ValueError):
        return Sampling()
    if not config.get("do_sample"):
        return Sampling()
    # What the file leaves out has the defaults of transformers, which are not those of a greedy answer.
    return Sampling(
        temperature=float(config.get("temperature") or 1.0),
        top_p=float(config.get("top_p") or 1.0),
        top_k=int(config.get("top_k", 50) or 0),
        repetition_penalty=float(config.get("repetition_penalty") or 1.0),
    )
