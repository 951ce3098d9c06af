"""bitsandbytes and its kin: the packages that hold weights in few bits."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="bitsandbytes",
        category="quantization_backend",
        says=lines(
            "Failed to import bitsandbytes",
            r"bitsandbytes__\*",
            "[Ee]rror.{0,40}bitsandbytes",
            "bitsandbytes.{0,40}(?:[Ee]rror|fail)",
            "CUDA Setup failed",
            "bitsandbytes.{0,60}compiled without GPU support",
            "CUDA SETUP:.{0,80}(?:error|fail|not found|could not|couldn't|WARNING)",
            "No package metadata was found for bitsandbytes",
            "bitsandbytes.{0,60}(?:is )?(?:not installed|not available|not supported|library load error)",
            r"(?:libbitsandbytes|bitsandbytes_cuda)\w*\.(?:so|dll)",
            "Configured CUDA binary not found",
            r"(?:cget_managed_ptr|cquantize_\w+|cdequantize_\w+|cgemm_4bit\w*|cget_col_row_stats|"
            r"cadam\w*)",
            "requires.{0,60}(?:the )?(?:latest )?(?:version of )?bitsandbytes",
            "(?:install|upgrade|update) .{0,20}bitsandbytes",
            "No module named 'bitsandbytes'",
            "name 'bnb' is not defined",
            r"(?:module '?bitsandbytes[\w.]*'?|bitsandbytes\.\w+) has no attribute",
            r"Error.{0,60} at line \d+ in file .{0,80}\.cu\b",
            "cublasLt ran into an error",
            "Int8Params' object has no attribute",
            "Params4bit' object has no attribute",
            "quantization state (?:is )?not initialized",
            "Blockwise quantization only supports",
            "(?:8|4)-bit quantization.{0,60}requires",
            "bitsandbytes.{0,40}triton",
            "Only Tensors of floating point (?:and complex )?dtype can require gradients",
            "backends-bnb",
        ),
        sure=0.92,
        title="bitsandbytes, which holds weights in 4 or 8 bits, does not work here.",
        cause="It is missing, was built for another CUDA (or for none), or does not fit the "
        "versions of torch, transformers and accelerate beside it.",
        do="Run `python -m bitsandbytes` (or `openlora doctor`): it says what it looked for. Then "
        "upgrade it, or do without load_in_4bit, load_in_8bit and 8-bit optimizers.",
    ),
    Saying(
        name="bitsandbytes_raised",
        category="quantization_backend",
        says=r"File .{0,200}bitsandbytes[/\\].{0,80}line \d+",
        beside="(?:AttributeError|AssertionError|RuntimeError|OSError|ImportError|NameError|TypeError|"
        r"Exception)\b",
        apart=lines(
            "out of memory",
            "unexpected keyword",
            "Expected all tensors",
            "no kernel image",
        ),
        sure=0.95,
        title="bitsandbytes failed in its own code.",
        cause="Its build or its version does not fit the card, CUDA, or the packages beside it.",
        do="Run `python -m bitsandbytes`, upgrade it, and see that the weights of the base are "
        "quantised once only.",
    ),
    Saying(
        name="other_quantiser",
        category="quantization_backend",
        says=lines(
            "required to quantize",
            "'QuantLinear' object",
            r"(?:auto[-_]?gptq|gptqmodel|auto[-_]?awq|autoawq|hqq|exllama\w*|optimum|eetq|quanto|"
            "torchao|aqlm|compressed[-_]tensors).{0,80}(?:requires?|not (?:found|installed|available|"
            "supported)|install|No module|must be|error|fail)",
            r"(?:requires?|install|No module named|Loading an? \w+ quantized "
            "model).{0,60}(?:auto[-_]?gptq|gptqmodel|auto[-_]?awq|autoawq|hqq|exllama|optimum|eetq|"
            "quanto|torchao|aqlm|compressed[-_]tensors)",
            "Using Exllama backend",
            "quantization method (?:do(?:es)? not|doesn't) support training",
            "Unknown quantization type",
            "quantization_config.{0,80}(?:not (?:supported|valid)|must be|unsupported|invalid|missing)",
            "No GPU found. A GPU is needed for quantization",
            "FP8.{0,60}(?:requires|compute capability|only supported)",
            "(?:is|are) (?:not supported|already) (?:for )?quantized",
        ),
        sure=0.85,
        title="The package that reads these quantised weights is missing or does not fit.",
        cause="GPTQ, AWQ, FP8 and the like need a package and often a card of their own, and most "
        "cannot be trained.",
        do="Take the model that the quantised one was made of, in 16 bits, and load it in 4 bits; "
        "or install the package that the message names.",
    ),
    Saying(
        name="moved_quantised",
        category="quantization_backend",
        says=lines(
            r"`?\.(?:to|cuda|half|float)(?:\(\))?`? is not supported for `?(?:4|8)-bit",
            r"Calling `?(?:to|cuda|cpu|half|float)\(\)`? is not supported for",
            "cannot cast a (?:bitsandbytes|quantized) model",
            "dtype.{0,60}quantized model",
        ),
        sure=0.75,
        title="A quantised model is moved or cast, which it does not allow.",
        cause="Its weights are packed and stay where they were loaded; an older accelerate or "
        "transformers still moves them by itself.",
        do="Leave out .to(), .cuda() and .half(), load with device_map, and upgrade accelerate and "
        "transformers.",
    ),
    Saying(
        name="packed_shape",
        category="quantization_backend",
        says=lines(
            r"mat1 and mat2 shapes cannot be multiplied \(\d+x\d+ and 1x\d+\)",
            r"shape '?\[?\d+, 1\]",
            r"torch\.Size\(\[\d{5,}, 1\]\)",
        ),
        sure=0.8,
        title="Packed 4-bit weights were used as if they were whole ones.",
        cause="Some code multiplies or loads the packed bytes, because the layer is not known to be "
        "quantised (a checkpoint of quantised weights, an attention or MLP of the model's own "
        "code).",
        do="Load the base in 16 bits with load_in_4bit anew, and upgrade transformers, peft and "
        "bitsandbytes together.",
    ),
)
