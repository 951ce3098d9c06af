"""Token ids beyond a table, and the token that pads."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

_TABLES: Final = (
    "(?:embed_tokens|lm_head|wte|word_embeddings|embed_in|embed_out|tok_embeddings|embeddings?|"
    r"output_layer|shared)\b"
)
_INDEX: Final = lines(
    "srcIndex < srcSelectDimSize",
    "indexSelect(?:Large|Small)Index",
    "index out of range in self",
    r"Target -?\d+ is out of bounds",
    "t >= 0 && t < n_classes",
    "(?:vectorized_)?gather_kernel.{0,120}(?:Assertion|out of bounds)",
)

SAYINGS: Final = (
    Saying(
        name="id_beyond_table",
        category="tokenizer_vocab_resize",
        says=_INDEX,
        sure=0.9,
        title="A token id or a label is beyond the model's embedding.",
        cause="Tokens were added (a pad token, special tokens, a stray added_tokens.json) or the "
        "tokenizer is another model's, and the embedding was not resized; more rarely positions go "
        "beyond the context.",
        do="Compare the largest id in the data, len(tokenizer) and the rows of the embedding: "
        "resize it (and train or save it), or use the tokenizer that came with the model. Else "
        "lower max_length.",
    ),
    Saying(
        name="device_assert",
        category="tokenizer_vocab_resize",
        says=lines(
            "device-side assert(?:ion)?s? (?:triggered|were triggered)",
            r"IndexKernel\.cu",
            r"index out of bounds.{0,4}\"? failed",
        ),
        sure=0.68,
        title="The device met an index beyond a table: most often a token id beyond the embedding.",
        cause="The device tells late, so the line of code above is not where it happened; a label "
        "beyond the classes does the same.",
        do="Run one batch on the CPU, or with CUDA_LAUNCH_BLOCKING=1: that names the table. Then "
        "compare len(tokenizer) with the rows of the embedding.",
    ),
    Saying(
        name="table_shape",
        category="tokenizer_vocab_resize",
        says=lines(
            rf"size mismatch for [\w.]*{_TABLES}",
            f"(?:shape|size).{{0,80}}{_TABLES}",
            f"{_TABLES}.{{0,160}}(?:shape|size mismatch)",
            r"Trying to set a tensor of shape torch\.Size\(\[(?:2[5-9]|[3-9]\d|1\d\d|2[0-6]\d)\d{3}, "
            r"\d+\]\)",
        ),
        apart=lines(
            r"size\(\[0\]\)",
            "convert[_-]hf",
            r"\.gguf",
            "llama_model_load",
            "check_tensor_dims",
            "ZeRO-?3",
            r"deepspeed\.zero",
            "stage3",
        ),
        sure=0.9,
        title="The embedding of the file has other rows than the model's.",
        cause="Tokens were added when it was trained, so its embedding and head were resized; the "
        "base that it is loaded on was not.",
        do="Load the tokenizer that was saved with it and call "
        "model.resize_token_embeddings(len(tokenizer)) before loading the adapter; or train without "
        "adding tokens.",
    ),
    Saying(
        name="vocabulary_size",
        category="tokenizer_vocab_resize",
        says=lines(
            "vocab(?:ulary)?[ _]size.{0,80}(?:must be|but (?:found|got|is)|is not correct|should be)",
            "combination of base model, LoRA",
            r"(?:tokenizer|embedding)s?.{0,60}(?:has|have|is|of) (?:\d{4,6}).{0,60}(?:but|while|vs\.?|"
            r"!=|and).{0,60}\d{4,6}",
            r"size of tensor a \((?:2[5-9]|[3-9]\d|1\d\d|2[0-6]\d)\d{3}\) must match the size of "
            r"tensor b \((?:2[5-9]|[3-9]\d|1\d\d|2[0-6]\d)\d{3}\)",
            "(?:tokenizer|vocab(?:ulary)?).{0,60}(?:size|length|len).{0,60}(?:does(?:n't| not) match|"
            "mismatch|larger than|greater than|bigger|exceeds|!=)",
            "token (?:id|index).{0,40}(?:out of (?:range|vocab|bounds)|exceeds|>=)",
            "contains? out[- ]of[- ]vocab",
            r"The expanded size of the tensor \((?:2[5-9]|[3-9]\d|1\d\d|2[0-6]\d)\d{3}\)",
        ),
        apart=lines(
            r"convert[\w-]*\.py",
            r"\.gguf",
            r"tokenizer\.model has",
            r"model has \d+, but",
        ),
        sure=0.8,
        title="Tokenizer and model disagree about the size of the vocabulary.",
        cause="Tokens were added to one and not to the other, or they belong to different models.",
        do="Use the tokenizer that came with the model; where tokens were added, resize the "
        "embedding and save it.",
    ),
    Saying(
        name="no_pad_token",
        category="padding_token",
        says=lines(
            "padding_value",
            "has no attribute 'pad_token(?:_id)?'",
            "[Pp]ad(?:ding)? token must be",
            "does not have a padding token",
            "Asking to pad but",
            "pad_token.{0,20} (?:is )?not set",
            "no (?:pad|padding) token",
            "Cannot handle batch sizes > 1 if no padding token",
            "pad_token_id.{0,40}(?:is None|must be|not (?:set|defined))",
            "(?:set|define) (?:a|the|your) `?pad(?:ding)?_?token",
            "Unable to (?:find|set|get) (?:a |the )?pad",
        ),
        sure=0.92,
        title="The tokenizer has no token to pad with.",
        cause="Rows of different length are padded to one; many base models were made without a pad token.",
        do="Take a token that is in the vocabulary and never in an answer, such as "
        "<|finetune_right_pad_id|> or unk; with eos as pad, labels must be masked by place and not "
        "by token. OpenLoRA pads by place and needs none.",
    ),
    Saying(
        name="padding_side",
        category="padding_token",
        says=lines(
            "right-padding was detected",
            "padding_side=.{0,3}right.{0,80}(?:unexpected|Flash|generation)",
            "padding_side.{0,40}(?:should|must|set|not equal)",
            "padding side.{0,60}(?:left|right).{0,40}(?:should|must|expected|unexpected)",
        ),
        sure=0.7,
        severity="warning",
        title="Rows are padded on the wrong side.",
        cause="Generation goes on behind the last token: with padding on the right it goes on "
        "behind padding.",
        do="Set padding_side to left where text is generated, and to right where a model without a "
        "mask is trained.",
    ),
    Saying(
        name="padding_index",
        category="padding_token",
        says=lines(
            "Padding_idx must be within num_embeddings",
            "padding_idx.{0,40}(?:out of|within|range)",
        ),
        sure=0.6,
        title="The pad token's id is beyond the embedding.",
        cause="pad_token_id in the configuration is -1 or the id of a token that was added and "
        "never got a row.",
        do="Set pad_token_id to a token that the model has, or resize the embedding to the tokenizer.",
    ),
    Saying(
        name="no_attention_mask",
        category="padding_token",
        says=lines(
            "attention mask (?:and the pad token id were not set|is not set and cannot be inferred)",
            "pad token is same as eos token",
        ),
        sure=0.4,
        severity="note",
        title="Text is generated without an attention mask, and pad and end are one token.",
        cause="Where rows are padded the model then reads the padding.",
        do="Pass attention_mask, and pad_token_id, to generate.",
    ),
)
