"""What has no category of its own."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="not_picklable",
        category="other",
        says=lines(
            "cannot pickle",
            "can't pickle",
            "Can't get (?:local object|attribute)",
            "PicklingError",
            "pickle.{0,40}(?:lambda|local object|module object)",
        ),
        sure=0.82,
        title="Something that is handed to another process, or saved, cannot be pickled.",
        cause="A tokenizer, a model or a function that was made inside another one goes to workers "
        "(num_proc, dataloader_num_workers) or into the dataset's cache.",
        do="Use one process (num_proc=1, num_workers=0), or load the tokenizer inside the function "
        "at the module's top.",
    ),
    Saying(
        name="adapter_not_applied",
        category="other",
        says=lines(
            "Found missing adapter keys",
            "missing adapter keys while loading",
            "adapter.{0,60}(?:is|was|are|were) (?:not (?:applied|active|loaded|used)|ignored|disabled)",
            "No adapter (?:is )?(?:loaded|active|found)",
            "Already found a `?peft_config",
            "multiple adapters in the model",
            "Adapter .{0,40}not found",
        ),
        sure=0.6,
        severity="warning",
        title="The adapter is not, or not wholly, on the model.",
        cause="The names of its weights are not those of this model (a prefix, another version), or "
        "another adapter is the active one: the model then speaks as the base does.",
        do="Compare outputs with the adapter on and off; load it by PeftModel.from_pretrained with "
        "the versions that saved it.",
    ),
    Saying(
        name="native_crash",
        category="other",
        says=lines(
            "Segmentation fault",
            "SIGSEGV",
            r"exitcode\s*:?\s*-11",
            "core dumped",
            "SIGABRT",
            "Bus error",
            r"exitcode\s*:?\s*-(?:6|7)\b",
            "Illegal instruction",
            "SIGILL",
        ),
        sure=0.5,
        title="Native code crashed.",
        cause="An extension, a driver or the memory of the machine; Python could say nothing.",
        do="Run with `python -X faulthandler`: it shows the line that was being run; renew or "
        "remove the extension that it names.",
    ),
    Saying(
        name="settings_unreadable",
        category="other",
        says=lines(
            "InstantiationError",
            "requires the save and eval",
            "not supported between instances of .(?:float|int|str). and .(?:float|int|str).",
            "can't multiply sequence by non-int",
            r"is not a valid (?:SchedulerType|IntervalStrategy|OptimizerNames|\w+Strategy)",
            "metric_for_best_model",
            "not compatible with the packing",
            "cannot be used together",
            "mutually exclusive",
            r"yaml\.(?:scanner|parser)",
            "ScannerError",
            "ConstructorError",
            "validation errors? for",
            "TOMLDecodeError",
            "MissingMandatoryValue",
            "omegaconf",
            r"hydra\.errors",
        ),
        sure=0.6,
        title="The configuration cannot be read, or a value in it cannot be.",
        cause="Indentation, a tab, or a value of another type, such as 1e-4 that YAML reads as a text.",
        do="The message names the key and often the line; write 1.0e-4, and spaces instead of tabs.",
    ),
    Saying(
        name="interrupted",
        category="other",
        says=lines(
            r"^\W*KeyboardInterrupt",
            "SIGINT",
            "Aborted by user",
            "SIGTERM",
            "DUE TO TIME LIMIT",
            "PREEMPT",
            "CANCELLED AT",
        ),
        sure=0.45,
        title="The run was ended from outside.",
        cause="Someone, or a scheduler at the end of the time, sent it a signal.",
        do="Resume from the last checkpoint; on a scheduler ask for more time or save more often.",
    ),
    Saying(
        name="compiling",
        category="other",
        says=lines(
            "[Ff]ailed to find C compiler",
            r"torch\._dynamo",
            "BackendCompilerFailed",
            "InductorError",
            r"torch\._inductor",
            "TorchRuntimeError",
            r"triton\.compiler",
            "CompilationError",
        ),
        apart=lines(
            "too old to be supported",
            "out of memory",
            "same dtype",
            "CUDA capability",
        ),
        sure=0.6,
        title="torch.compile or Triton could not compile a part of the model.",
        cause="The graph, the compiler on this machine or the version of Triton does not fit.",
        do="Set torch_compile to false (or TORCHDYNAMO_DISABLE=1); install a C compiler and the "
        "Triton that belongs to this torch.",
    ),
)
