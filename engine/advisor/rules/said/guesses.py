"""Which part of the work a message is about, where no mechanism is known by it."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying
from engine.findings import Category

_PARTS: Final[tuple[tuple[Category, str, str], ...]] = (
    ("gguf_export", "a conversion for llama.cpp", r"gguf|ggml|llama\.cpp|ollama"),
    ("merge_mismatch", "merging the adapter", r"\bmerg\w+|\bunmerge"),
    (
        "checkpoint_resume",
        "going on from a checkpoint",
        r"resum\w+|checkpoint|state[_ ]dict|optimizer state",
    ),
    (
        "quantization_backend",
        "quantised weights",
        r"quantiz\w+|quantis\w+|\bbnb\b|bitsandbytes|[48][-_ ]?bit",
    ),
    (
        "distributed_launch",
        "the work of several processes",
        r"\brank|world[_ ]size|collective|nccl|deepspeed|fsdp|zero-?3",
    ),
    ("tokenizer_vocab_resize", "the size of the vocabulary", r"vocab\w*|embedding\w*|token[_ ]ids?\b"),
    (
        "template_or_special_tokens",
        "the chat template or a special token",
        r"template|\bbos\b|\beos\b|special token|<image>",
    ),
    ("padding_token", "padding", r"\bpad(?:ding|_token|ded)?\b|attention_mask"),
    ("truncation", "the length of rows", r"truncat\w+|too long|max_(?:seq_)?length|context length|seq_?len"),
    ("no_trainable_params_or_grad", "gradients", r"requires_grad|gradients?\b|backward|grad_fn|trainable"),
    (
        "target_modules_not_found",
        "the layers of the adapter",
        r"target_modules?|lora_(?:layers|target)|\bmodules?\b.{0,20}not",
    ),
    ("dtype_mismatch", "number formats", r"\bdtypes?\b|float(?:16|32)|\bhalf\b|precision|scalar type"),
    ("device_mismatch", "the devices of tensors", r"\bdevices?\b|cuda:\d"),
    (
        "cuda_driver_or_arch",
        "the GPU or its driver",
        r"\bCUDA\b|driver|compute capability|\bGPU\b|triton|cudnn|cublas",
    ),
    ("hub_auth_or_gated", "the hub", r"huggingface|\bhub\b|https?://|\blogin\b|connection|\bHTTP"),
    ("save_or_disk", "writing files", r"\bsav(?:e|ing)|\bdisk\b|\bwrit(?:e|ing)|directory|No such file"),
    (
        "empty_or_tiny_dataset",
        "the number of rows",
        r"\bempty\b|no (?:data|samples|rows|examples)|\bsize 0\b",
    ),
    (
        "dataset_encoding_or_parse",
        "reading a data file",
        r"\bpars\w+|\bjsonl?\b|\bcsv\b|decod\w+|encod\w+|arrow|parquet",
    ),
    (
        "dataset_format",
        "the form of the rows",
        r"dataset|\bcolumns?\b|\brole|messages?\b|conversations?|examples?\b|KeyError",
    ),
    ("nan_or_inf", "numbers that are none", r"\bnan\b|\binf\b|overflow|not finite"),
    ("oom", "memory", r"memory|alloc\w+"),
    (
        "dependency_version",
        "the installed packages",
        "version|install|import|attribute|argument|deprecat|module",
    ),
    ("hang_or_slow", "waiting", "time[d]? ?out|hang|stuck"),
)

GUESSES: Final = tuple(
    Saying(
        name=f"guess.{category}",
        category=category,
        says=words,
        sure=round(0.42 - 0.008 * place, 3),
        title=f"The message is about {part}; by what mechanism, no rule knows.",
        cause="The words of the message are all that speaks for it.",
        do="Read the frames above it, and search for the message with the name of the part that raised it.",
    )
    for place, (category, part, words) in enumerate(_PARTS)
)
"""From the telling words to those that stand in many messages."""
