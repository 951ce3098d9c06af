"""Makes the starter model: a tokenizer and a small Llama, trained here and now on the project's own tales.

Heavy: it imports torch and transformers, so only a process of its own runs it (`python -m engine.starter`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from engine import events as ev
from engine.starter.cache import Plan
from engine.starter.tales import Teller

BEGIN: Final = "<s>"
END: Final = "</s>"
_CONTEXT: Final = 512

Tell = Callable[[ev.Event], None]


def make(folder: Path, plan: Plan, tell: Tell) -> None:
    """Write a finished model into `folder`, which exists and is empty."""
    torch.manual_seed(plan.seed)
    # Matrices this small gain nothing from more threads.
    torch.set_num_threads(min(torch.get_num_threads(), 4))
    told = list(islice(Teller(plan.seed).tales(), plan.tales))
    tell(ev.Phase(name="making the tokenizer", detail=f"from {len(told):,} tales"))
    tokenizer = tokenizer_of(told, plan.vocabulary)
    model = LlamaForCausalLM(_config(plan, tokenizer))
    size = f"{model.num_parameters():,} parameters"
    tell(ev.Phase(name="training the starter model", detail=size))
    _train(model, _blocks(told, tokenizer, plan), plan, tell)
    _save(model, tokenizer, folder)


def tokenizer_of(texts: list[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer for `texts`: any text survives it, whatever its script."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    begin = tokenizer.token_to_id(BEGIN)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, begin)]
    )
    return tokenizer


def _config(plan: Plan, tokenizer: Tokenizer) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=plan.width,
        intermediate_size=plan.inner,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.heads,
        max_position_embeddings=_CONTEXT,
        tie_word_embeddings=True,
        initializer_range=plan.spread,
        bos_token_id=tokenizer.token_to_id(BEGIN),
        eos_token_id=tokenizer.token_to_id(END),
        pad_token_id=tokenizer.token_to_id(END),
    )


def _blocks(texts: list[str], tokenizer: Tokenizer, plan: Plan) -> torch.Tensor:
    """All texts in one long row, each begun and ended, cut into blocks of `plan.length` tokens."""
    end = tokenizer.token_to_id(END)
    ids = [i for encoding in tokenizer.encode_batch(texts) for i in (*encoding.ids, end)]
    whole = len(ids) // plan.length
    return torch.tensor(ids[: whole * plan.length]).view(whole, plan.length)


def _train(model: LlamaForCausalLM, blocks: torch.Tensor, plan: Plan, tell: Tell) -> None:
    optimizers = _optimizers(model, plan)
    model.train()
    for step, rows in enumerate(_order(len(blocks), plan)):
        ids = blocks[rows]
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        loss = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        torch.autograd.backward(loss)
        clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, peak in optimizers:
            optimizer.param_groups[0]["lr"] = peak * _share(step, plan.steps)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        tell(ev.Progress(done=step + 1, total=plan.steps, unit="steps"))
    model.eval()


def _optimizers(model: LlamaForCausalLM, plan: Plan) -> list[tuple[torch.optim.Optimizer, float]]:
    """Each with its peak rate: Muon for the layers' matrices, AdamW for the rest."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if all(p is not matrix for matrix in matrices)]
    muon = torch.optim.Muon(matrices, lr=plan.matrix_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(others, lr=plan.rate, betas=(0.9, 0.95), weight_decay=0.0)
    return [(muon, plan.matrix_rate), (adam, plan.rate)]


def _order(count: int, plan: Plan) -> Iterator[torch.Tensor]:
    """The rows of each step: all blocks in a new order each time round."""
    generator = torch.Generator().manual_seed(plan.seed)
    waiting = torch.empty(0, dtype=torch.long)
    for _ in range(plan.steps):
        while len(waiting) < plan.rows:
            waiting = torch.cat([waiting, torch.randperm(count, generator=generator)])
        yield waiting[: plan.rows]
        waiting = waiting[plan.rows :]


def _share(step: int, steps: int) -> float:
    """Share of the peak rate: up in a line over a twentieth of the steps, then down along a cosine."""
    warm = max(steps // 20, 1)
    if step < warm:
        return (step + 1) / warm
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


def _save(model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path) -> None:
    ids = {"bos_token_id": model.config.bos_token_id, "eos_token_id": model.config.eos_token_id}
    model.generation_config = GenerationConfig(**ids, pad_token_id=model.config.pad_token_id)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=END, model_max_length=_CONTEXT
    ).save_pretrained(folder)
