"""Packages that do not fit together."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="unexpected_argument",
        category="dependency_version",
        says=lines(
            "got (?:an )?unexpected keyword argument",
            "unexpected keyword arguments?",
            "got multiple values for (?:keyword )?argument",
            r"missing \d+ required (?:positional|keyword-only) arguments?",
            r"takes (?:from )?\d+ (?:to \d+ )?positional arguments? but \d+ (?:was|were) given",
        ),
        sure=0.9,
        title="A function is called in the way of another version.",
        cause="Arguments move between releases: TRL moved dataset_text_field, max_seq_length and "
        "packing into SFTConfig and tokenizer became processing_class; transformers passes new ones "
        "to code that overrides its methods.",
        do="Use the versions that the script was written for, or move the argument to where the "
        "installed version wants it.",
    ),
    Saying(
        name="import_failed",
        category="dependency_version",
        says=lines(
            r"NameError: name '[A-Z]\w+' is not defined",
            "cannot import name",
            "No module named",
            "ModuleNotFoundError",
            "ImportError",
            "partially initialized module",
            "DLL load failed",
            "Failed to import transformers",
            "undefined symbol: _Z",
            r"(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+'? not found",
            "version `GLIBC",
            "requires? the following packages",
            "is required (?:for|to|but)",
            "PackageNotFoundError",
            "No package metadata",
        ),
        apart="mpi4py",
        sure=0.82,
        title="A package is missing, or two do not fit together.",
        cause="A name moved or went away in another release, an extension was built for another "
        "torch, or a package was not installed.",
        do="Install the versions that the trainer's requirements name, together; rebuild extensions "
        "(flash-attn) after torch has changed.",
    ),
    Saying(
        name="requires_version",
        category="dependency_version",
        says=lines(
            "is required for a normal functioning of this module",
            r"(?:requires?|needs?|need|must have|expected) [\w\[\], .-]{1,60}(?:>=|==|<=|~=|<|>) ?v?\d",
            r"but found \w+==",
            "(?:torch|cuda|transformers|numpy|trl|peft|version).{0,40}incompatible",
            "incompatible (?:version|package)",
            "version(?:s)? (?:mismatch|conflict|incompatib)",
            "(?:please |try to )?(?:upgrade|update|downgrade|install) (?:your )?(?:to "
            ")?(?:transformers|trl|peft|accelerate|torch|tokenizers|unsloth|datasets|xformers|triton|"
            "flash[-_]attn)",
            r"pip install (?:-U|--upgrade|[\w-]+(?:==|>=))",
            r"numpy\.dtype size changed",
            "binary incompatib",
            "compiled using NumPy 1",
            "A module that was compiled",
            r"np\.\w+ was removed",
            "module 'numpy' has no attribute",
        ),
        apart=lines(
            "bitsandbytes",
            "vulnerability issue",
        ),
        sure=0.74,
        title="The installed versions do not fit.",
        cause="A package asks for another release of one beside it.",
        do="Install what the message asks for, and then see with `pip check` that the others agree.",
    ),
    Saying(
        name="unknown_architecture",
        category="dependency_version",
        says=lines(
            "Processor was not found",
            "sentencepiece_processor",
            "could not parse ModelProto",
            "does not recognize this architecture",
            "Unrecognized model in",
            "Unrecognized configuration class",
            "Tokenizer class .{0,60}does not exist",
            "rope_scaling`? must be a dictionary",
            "did not match any variant of untagged enum",
            r"KeyError: '(?:qwen\w*|llama\w*|mistral\w*|mixtral\w*|gemma\w*|phi\w*|deepseek\w*|"
            r"falcon\w*|starcoder\w*|cohere\w*|glm\w*|internlm\w*|olmo\w*|granite\w*|chatglm\w*|"
            r"baichuan\w*|yi|stablelm\w*|minicpm\w*|gpt_oss|smollm\w*|exaone\w*)'",
            "Couldn't instantiate the backend tokenizer",
            "You need to have (?:sentencepiece|tiktoken)",
            "has no attribute '(?:_set_gradient_checkpointing|get_usable_length|seen_tokens|"
            "get_max_length|_extract_past_from_model_output)'",
            "(?:execute the configuration file|contains custom code which must be executed)",
        ),
        sure=0.82,
        title="The installed transformers does not know this model, or not in this form.",
        cause="The model is newer than the package, or brings code that was written for another release.",
        do="Upgrade transformers and tokenizers (or take the revision of the model that fits), or "
        "choose a model that transformers supports by itself.",
    ),
    Saying(
        name="attribute",
        category="dependency_version",
        says=lines(
            r"Invalid pattern: '\*\*'",
            "cached in a LocalFileSystem",
            "does not support (?:Flash Attention|SDPA|an attention implementation)",
            r"module '[\w.]+' has no attribute",
            r"type object '\w+' has no attribute",
            r"'\w*(?:Trainer|Config|Args|Arguments|Cache|Tokenizer\w*|Attention|Model|ForCausalLM|"
            r"Accelerator|State|Collator\w*|Parallelism\w*)' object has no attribute",
            "Can't instantiate abstract class",
            r"Error patching \w+",
            r"object has no attribute '(?:_\w+|tokenizer|model_parallel|generation_config|"
            "hf_device_map|is_parallelizable|num_heads|all_tied_weights_keys|warnings_issued|"
            "tie_weights)'",
            "is deprecated and (?:has been|was) removed",
            "has been (?:removed|moved|renamed)",
            "(?:was|is) removed (?:in|from)",
            "no longer (?:supported|available|exists|accepts)",
        ),
        apart=lines(
            "DistributedDataParallel",
            "DeepSpeedEngine",
            "Int8Params",
            "Params4bit",
            "bitsandbytes",
            "'NoneType' object",
        ),
        sure=0.72,
        title="Code looks for something that the installed version does not have.",
        cause="Names come and go between releases of transformers, peft, trl and accelerate; model "
        "code from the hub is written for one of them.",
        do="Install the versions that the script or the model's card names.",
    ),
    Saying(
        name="arguments_unused",
        category="dependency_version",
        says=lines(
            "remaining_argv",
            "model_kwargs`? are not used by the model",
            "specified arguments are not used by the HfArgumentParser",
            "Some keys are not used",
            "(?:unrecognized|unknown) arguments?:",
            "extra fields? not permitted",
            "Extra inputs are not permitted",
        ),
        sure=0.6,
        title="Settings are not known to the installed version.",
        cause="A name is misspelt, or was added or removed in another release.",
        do="Look for the name in the installed version's help, and correct it.",
    ),
)
