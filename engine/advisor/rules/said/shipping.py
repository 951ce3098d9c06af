"""Adapters that do not fit a base, merges, and models for llama.cpp."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="converter",
        category="gguf_export",
        says=lines(
            r"KeyError: '(?:U8|I8|F8_\w+)'",
            "Can ?not map tensor",
            "pre-tokenizer was not recognized",
            "get_vocab_base_pre",
            r"Vocab size mismatch \(model has",
            r"model has \d+,? but.{0,120}tokenizer\.model has",
            r"convert[_-](?:hf|lora|llama\w*)?[_-]?\w*(?:to[_-](?:gguf|ggml))?\.py",
            "convert_hf_to_gguf",
            "convert_lora_to_gguf",
            "gguf[_-]?(?:conversion|convert|export|quanti[sz]e).{0,60}(?:fail|error)",
            r"(?:fail|error).{0,80}\bgguf\b",
            "llama[-_.](?:quantize|cpp).{0,100}(?:does not exist|not found|fail|error|No such file)",
            "Unsloth: (?:Quantization|GGUF).{0,40}fail",
            "unsupported (?:model )?architecture.{0,40}gguf",
            r"Model \w+ is not supported$",
            "lora header file magic",
            "Can't find model in directory",
            "Unexpected tensor name",
            "Duplicated? (?:tensor|key) name",
            "tensor_map",
            r"Missing .{0,20}tokenizer\.model",
            r"tokenizer\.model.{0,40}(?:not found|No such file|does not exist)",
            "(?:Can not|Cannot|Can't) (?:convert|export|quantize).{0,60}gguf",
            "quant method is not yet supported",
            "gguf_writer",
            r"gguf_\w+\.py",
            "GGUFWriter",
        ),
        sure=0.92,
        title="llama.cpp's converter does not take the model.",
        cause="The vocabulary has tokens that the tokenizer files do not agree on "
        "(added_tokens.json, a padded table), the weights are still packed in 4 or 8 bits or have "
        "an adapter's names, or the converter is older than the model.",
        do="Merge into 16-bit weights first, make tokenizer and embedding one size, remove a stray "
        "added_tokens.json, and renew llama.cpp.",
    ),
    Saying(
        name="loader",
        category="gguf_export",
        says=lines(
            "failed to (?:apply|load|init) lora",
            "GGML_ASSERT",
            r"llama_\w+: error",
            "unsupported lora",
            "llama_model_load: error",
            r"llm_load_\w+: error",
            "gguf_init_from_file",
            "error loading model(?: architecture| vocabulary)?",
            "unknown model architecture: '",
            "unknown pre-tokenizer type",
            "missing pre-tokenizer type",
            "wrong number of tensors; expected",
            "check_tensor_dims",
            "missing tensor '",
            "invalid magic (?:number|characters)",
            "invalid file magic",
            "cannot find tokenizer merges",
            "done_getting_tensors",
            "llama_(?:lora_)?adapter",
            r"ggml\w*\.(?:c|cpp)",
            r"tokenizer\.ggml\.\w+",
            "Modelfile",
            "ollama.{0,80}(?:error|fail|unsupported)",
            "(?:error|fail|unsupported).{0,80}ollama",
        ),
        sure=0.88,
        title="llama.cpp does not load the converted model.",
        cause="Its tensors or its vocabulary are not what the architecture says: tokens were added, "
        "weights left out, or the program is older than the converter.",
        do="Convert again with the converter of the same llama.cpp, from merged 16-bit weights with "
        "the tokenizer that they were trained with.",
    ),
    Saying(
        name="merge_refused",
        category="merge_mismatch",
        says=lines(
            "Cannot merge (?:LORA|LoRA|adapters?|layers)",
            "Merge lora module to (?:4|8)-bit",
            "merge adapters before quantiz",
            r"merg\w+.{0,60}(?:quantized|8-bit|4-bit|not supported|fail|error)",
            "has no attribute '(?:merge|merge_and_unload|unload|merge_adapter)'",
            "NaNs detected in the merged weights",
            "adapters? (?:cannot|can't) be merged",
            "(?:already|not) merged",
        ),
        sure=0.87,
        title="The adapter cannot be merged into this base, or not without loss.",
        cause="Packed 4- or 8-bit weights cannot take the change as it was learnt: they are rounded again.",
        do="Load the base in 16 bits (the one that the 4-bit weights were made of), merge there, "
        "and quantise afterwards.",
    ),
    Saying(
        name="other_weights",
        category="merge_mismatch",
        says=lines(
            "size mismatch for",
            r"Error\(s\) in loading state_dict",
            "ignore_mismatched_sizes",
            "copying a param with shape",
            "Trying to set a tensor of shape",
            "shapes? (?:do not|don't|does not|doesn't) match",
            r"Expected shape \(.{0,40}but (?:received|got)",
            "Some weights of the model checkpoint.{0,200}were not used",
            "were not initialized from the model checkpoint",
            "base_model_name_or_path",
        ),
        apart=lines(
            r"Missing key\(s\)",
            r"size\(\[0\]\)",
        ),
        sure=0.66,
        title="The weights do not fit the model that they are loaded on.",
        cause="The adapter was made for another base, or for this one with other settings or more tokens.",
        do="Load the base that adapter_config.json names, at its revision, with the tokenizer that "
        "was saved beside the adapter.",
    ),
    Saying(
        name="shapes_of_layers",
        category="merge_mismatch",
        says=lines(
            r"mat1 and mat2 shapes cannot be multiplied \(\d+x\d+ and (?!1x)\d+x\d+\)",
            r"The size of tensor a \(\d+\) must match the size of tensor b",
        ),
        sure=0.4,
        title="Two tensors of a layer have sizes that do not fit.",
        cause="An adapter of another base, a layer that was changed after the adapter was put on, "
        "or inputs of another width.",
        do="Load base and adapter alone and run one row; that shows whether they belong together.",
    ),
)
