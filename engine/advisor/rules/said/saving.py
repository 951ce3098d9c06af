"""Checkpoints and adapters that could not be written."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="disk_full",
        category="save_or_disk",
        says=lines(
            "No space left on device",
            "Disk quota exceeded",
            r"\[Errno (?:28|122)\]",
            r"\bENOSPC\b",
            r"\bEDQUOT\b",
            r"code: 28\b",
            "disk (?:is )?full",
            "not enough (?:free )?disk space",
            "file write failed",
            "PytorchStreamWriter failed",
            r"unexpected pos \d+ vs \d+",
            "Error while serializing: I[oO]Error",
            "insufficient disk",
        ),
        sure=0.95,
        title="The disk is full, or the quota is used up.",
        cause="Every checkpoint holds the optimizer too; they pile up where save_total_limit is not "
        "set. A file that was being written is cut off.",
        do="Free space, set save_total_limit, delete the last checkpoint if it is cut off, and "
        "resume from the one before it.",
    ),
    Saying(
        name="rename",
        category="save_or_disk",
        says=lines(
            r"tmp-checkpoint-\d*",
            r"Directory not empty: '[^'\n]*checkpoint",
            "File ?Exists ?Error.{0,80}checkpoint",
            r"checkpoint-\d+'? -> ",
            r"\[WinError (?:5|32|145|1314)\]",
            "being used by another process",
        ),
        sure=0.92,
        title="A checkpoint could not be renamed or replaced.",
        cause="Several processes rename the same folder (transformers 4.36.0 did), or another "
        "process or a synchronised folder holds it.",
        do="Upgrade transformers, set save_on_each_node to false on a shared disk, write to a local "
        "empty folder.",
    ),
    Saying(
        name="not_allowed",
        category="save_or_disk",
        says=lines(
            "Read-only file system",
            "Permission ?(?:Error|denied)",
            r"\[Errno (?:13|30|5|116)\]",
            "Stale file handle",
            "Input/output error",
            "File name too long",
        ),
        apart=lines(
            r"docker\.sock",
            "/dev/(?:nvidia|kfd)",
            "publickey",
            r"huggingface\.co",
        ),
        sure=0.78,
        title="A file or folder may not be written, or its disk fails.",
        cause="The folder belongs to someone else, is mounted read-only, or lies on a network disk "
        "that went away.",
        do="Choose an output_dir that you may write to, on a disk that stays.",
    ),
    Saying(
        name="shared_tensors",
        category="save_or_disk",
        says=lines(
            "tensors share memory",
            "contained shared tensors",
            "save_safetensors",
            "Removed shared tensor",
            "mismatching the transformers base configuration",
        ),
        sure=0.85,
        title="safetensors refuses weights that are one in memory.",
        cause="Head and embedding are tied and the code saves both, or the model was compiled or wrapped.",
        do="Save by save_pretrained of the model itself; for an adapter leave the tied head out of "
        "modules_to_save; else set save_safetensors to false.",
    ),
    Saying(
        name="generation_config",
        category="save_or_disk",
        says=lines(
            "generation config instance is invalid",
            "Fix these issues to save the configuration",
            "GenerationConfig is invalid",
            "save.{0,60}generation_config",
        ),
        sure=0.88,
        title="The model's generation settings contradict each other, so the model is not saved.",
        cause="temperature or top_p is set while do_sample is false: a warning before, an error "
        "when a checkpoint is written.",
        do="Set model.generation_config.do_sample to True, or temperature and top_p to None, before "
        "training.",
    ),
    Saying(
        name="generation_settings",
        category="save_or_disk",
        says=r"do_sample`? is set to `?False`?\. However",
        sure=0.5,
        severity="warning",
        title="The model's generation settings contradict each other.",
        cause="It is a warning until the model is saved: then transformers refuses, at the first checkpoint.",
        do="Set do_sample to True, or temperature and top_p to None, in the model's generation "
        "configuration.",
    ),
    Saying(
        name="not_serialisable",
        category="save_or_disk",
        says=lines(
            r"\b443 ?(?:bytes?|B)\b",
            r"adapter_model\.\w+.{0,60}\b443\b",
            "(?:adapter|checkpoint|state dict|file).{0,60}(?:is|are|was) (?:empty|0 bytes|missing)",
            "has no attribute 'save_pretrained'",
            "[Pp]arent directory .{0,120}does not exist",
            r"Adapter name \S+ not found in the model",
            "is not JSON serializable",
            "cannot serialize",
            "can't serialize",
            "state dict.{0,60}(?:is empty|empty)",
            "(?:checkpoint|adapter|model).{0,40}(?:could not be|was not|not) saved",
            "fail(?:ed|ure)? (?:to|while|in|during) (?:sav|writ)(?:e|ing)",
        ),
        sure=0.72,
        title="The checkpoint holds something that cannot be written.",
        cause="A setting or a metric is an object (a dtype, a tensor, a numpy number) where a file "
        "takes plain values.",
        do="Look which value the message names, and hand over a plain number or text.",
    ),
    Saying(
        name="too_many_files",
        category="save_or_disk",
        says=lines(
            "Too many open files",
            r"\[Errno 24\]",
        ),
        sure=0.6,
        title="Too many files are open.",
        cause="Workers of the data loader share tensors through files.",
        do="Raise `ulimit -n`, or set the sharing strategy to file_system.",
    ),
)
