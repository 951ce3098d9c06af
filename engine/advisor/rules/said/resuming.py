"""Checkpoints that could not be gone on from, and files of weights that are damaged."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

_SHAPES: Final = r"[\w.]*: copying a param with shape torch\.Size\("
_THEN: Final = r" from checkpoint,\s+the shape in\s+current model is\s+torch\.Size\("

SAYINGS: Final = (
    Saying(
        name="optimizer_groups",
        category="checkpoint_resume",
        says=lines(
            "(?:optimizer|scheduler) state.{0,20}not found",
            "cannot resume",
            "parameter group that doesn't match the size",
            "different number of parameter groups",
            "loaded state dict has",
            "KeyError: '?(?:exp_avg|exp_avg_sq|step|betas|max_lr|state|param_groups|optimizer|"
            "lr_scheduler|global_step|model_state_dict|optimizer_state_dict)'?",
            "(?:optimizer|scheduler|scaler).{0,40}state.{0,60}(?:mismatch|not match|missing|"
            "incompatible|fail|could not|cannot)",
            "(?:exp_avg|optimizer).{0,80}size of tensor a",
        ),
        sure=0.92,
        title="The optimizer's state in the checkpoint is of another set of trained weights.",
        cause="Between saving and resuming the rank, the targets, modules_to_save or the frozen "
        "layers changed, or the adapter came back frozen.",
        do="Resume with the settings of the saved run; or begin a new run from the adapter without "
        "the optimizer's state.",
    ),
    Saying(
        name="weights_only",
        category="checkpoint_resume",
        says=lines(
            "Weights[ _-]?only load failed",
            "Weights ?Unpickler",
            "Unsupported (?:global|class|operand)",
            "weights_only",
            "add_safe_globals",
            "was not an allowed global",
        ),
        sure=0.9,
        title="PyTorch refuses to load a part of the checkpoint that is more than weights.",
        cause="Since PyTorch 2.6 torch.load takes weights alone; states of the random generators "
        "and of some optimizers hold numpy types and settings.",
        do="Upgrade transformers (accelerate, DeepSpeed), which allow these types; or delete "
        "rng_state*.pth, which costs only the order of the rows. Load no file from a source that "
        "you do not trust.",
    ),
    Saying(
        name="torch_load_refused",
        category="dependency_version",
        says=lines(
            r"serious vulnerability issue in .?torch\.load",
            "require users to upgrade torch to at least",
        ),
        sure=0.82,
        title="transformers refuses torch.load with this PyTorch.",
        cause="Pickled weights are loaded only by PyTorch 2.6 or later.",
        do="Upgrade torch to 2.6 or later, or use files in the safetensors format.",
    ),
    Saying(
        name="torch_load_refused_resume",
        category="checkpoint_resume",
        says=lines(
            r"serious vulnerability issue in .?torch\.load",
            "require users to upgrade torch to at least",
        ),
        beside=lines(
            "rng_state",
            r"optimizer\.pt",
            r"scheduler\.pt",
            "_load_optimizer_and_scheduler",
            "_load_rng",
            "resume",
            r"checkpoint-\d",
        ),
        sure=0.9,
        title="The checkpoint's optimizer cannot be loaded with this PyTorch.",
        cause="transformers loads pickled states only with PyTorch 2.6 or later.",
        do="Upgrade torch, or begin a new run from the adapter without the optimizer's state.",
    ),
    Saying(
        name="no_checkpoint",
        category="checkpoint_resume",
        says=lines(
            "Can't find a valid checkpoint",
            "No valid checkpoint found",
            r"(?:no|cannot find|could not find|can't find|unable to find) (?:a |the |any )?(?:\w+ "
            ")?checkpoint",
            r"(?:trainer_state\.json|optimizer\.pt|scheduler\.pt|rng_state\S*|adapter\.pt|"
            r"recipe_state\.pt|training_args\.bin|adapter_model\.\w+|adapter_config\.json|"
            "latest)'?.{0,80}(?:not found|does not exist|No such file|missing|doesn't exist)",
            "(?:No such file or directory|not found|does not exist|Can't "
            r"find).{0,160}(?:trainer_state\.json|optimizer\.pt|scheduler\.pt|rng_state|adapter\.pt|"
            r"adapter_\d\.pt|recipe_state|adapter_model\.|adapter_config\.json|/checkpoint-\d+|"
            r"global_step\d*|latest)",
            "Unable to find latest file",
            "no file named .{0,120}found in (?:directory )?.{0,80}checkpoint",
            r"checkpoint.{0,60}(?:is )?(?:corrupt\w*|incomplete|invalid|damaged|not a valid)",
            "resume_from_checkpoint",
            r"Output directory \(.{0,200}already exists and is not empty",
            "overwrite_output_dir",
        ),
        apart=lines(
            "tmp-checkpoint",
            "No space left",
            "out of memory",
            "https?://huggingface",
            "401",
            "403",
        ),
        sure=0.84,
        title="There is no whole checkpoint where the run is to go on from.",
        cause="The folder is another one (output_dir and checkpoint_dir are two), holds an adapter "
        "alone, or its writing was cut off.",
        do="Name the folder checkpoint-N itself; it needs trainer_state.json and the optimizer. "
        "Delete one that is cut off and take the one before it.",
    ),
    Saying(
        name="keys",
        category="checkpoint_resume",
        says=lines(
            r"Missing key\(s\) in state_dict",
            r"Unexpected key\(s\) in state_dict",
            "unexpected keys? in (?:the )?(?:checkpoint|state)",
            r"missing (?:adapter )?keys?\b.{0,60}(?:checkpoint|state|load)",
            r"KeyError: '(?:base_model\.model\.|model\.layers|module\.|_orig_mod)",
            "There were (?:missing|unexpected) keys in the checkpoint",
            r"_orig_mod\.",
            r"\.default\.weight",
        ),
        apart=lines(
            "size mismatch for",
            "missing adapter keys",
            r"convert[\w-]*\.py",
            "gguf",
        ),
        sure=0.72,
        title="The names of the weights in the checkpoint are not the model's.",
        cause="Frameworks put prefixes around them (module., base_model.model., .default., "
        "_orig_mod.), or adapter and model were set up differently.",
        do="Load with the framework and version that saved it, or rename the keys; see that the "
        "adapter's targets are the same.",
    ),
    Saying(
        name="adapter_shape",
        category="checkpoint_resume",
        says=lines(
            r"size mismatch for [\w.]*lora_[AB]",
            r"lora_[AB][\w.]*.{0,80}(?:size mismatch|shape)",
        ),
        sure=0.7,
        title="The adapter in the checkpoint has another shape than the one that was set up.",
        cause="lora_r or the targets differ from the saved run's, or the base is of another size.",
        do="Take lora_r and target_modules from the checkpoint's adapter_config.json, and the base "
        "that it names.",
    ),
    Saying(
        name="adapter_of_another_base",
        category="merge_mismatch",
        says=lines(
            rf"lora_A{_SHAPES}\[(\d+), (\d+)\]\){_THEN}\[\1, (?!\2\])\d+\]",
            rf"lora_B{_SHAPES}\[(\d+), (\d+)\]\){_THEN}\[(?!\1,)\d+, \2\]",
        ),
        sure=0.86,
        title="The adapter was made for a base of another size.",
        cause="Its rank is the same, and the width of the layers is not.",
        do="Load the base that the adapter's adapter_config.json names.",
    ),
    Saying(
        name="world_size",
        category="checkpoint_resume",
        says=lines(
            r"DP world size of \d+ but",
            "(?:world size|number of (?:processes|gpus|ranks)).{0,80}checkpoint",
            "checkpoint.{0,80}(?:world[_ ]size|different number of (?:gpus|ranks|processes))",
        ),
        sure=0.85,
        title="The checkpoint was saved by another number of processes.",
        cause="Optimizer states that are shared over processes can be read by as many alone.",
        do="Resume on as many cards, or convert the checkpoint (DeepSpeed's universal checkpoint).",
    ),
    Saying(
        name="rng",
        category="checkpoint_resume",
        says=lines(
            r"RNG state must be a torch\.ByteTensor",
            "RNG state is wrong size",
            "do not match the ones in the `?trainer_state",
        ),
        sure=0.85,
        title="What the checkpoint remembers of the run does not fit this one.",
        cause="It was saved on another device or with other settings, and is loaded to another place.",
        do="Delete rng_state*.pth (it costs only the order of the rows), and resume with the "
        "settings of the saved run.",
    ),
    Saying(
        name="damaged",
        category="checkpoint_resume",
        says=lines(
            "state dictionary .{0,60}corrupted",
            "PytorchStreamReader failed",
            "failed finding central directory",
            "invalid header or archive is corrupted",
            "EOFError: Ran out of input",
            "UnpicklingError",
            "unpickling stack underflow",
            "pickle data was truncated",
            "SafetensorError",
            "HeaderTooLarge",
            "HeaderTooSmall",
            r"InvalidHeader\w*",
            "MetadataIncompleteBuffer",
            "Error while deserializing header",
            "incomplete metadata",
            "Unable to load weights from pytorch checkpoint",
            "invalid load key",
        ),
        apart=lines(
            "Error while serializing",
            "weights[ _-]?only",
        ),
        sure=0.68,
        title="A file with weights is damaged or cut off.",
        cause="Its writing or its download was cut off, or it is a Git LFS pointer of a hundred bytes.",
        do="See its size; delete a damaged checkpoint and take the one before it; get a model's "
        "files again (`git lfs pull`).",
    ),
    Saying(
        name="resume_failed",
        category="checkpoint_resume",
        says="(?:Error|Exception|failed|fails|mismatch).{0,120}",
        beside=lines(
            "_load_from_checkpoint",
            "_load_optimizer_and_scheduler",
            "_load_rng_state",
            "load_accelerator_state",
            r"\bload_state\(",
            r"load_checkpoint\(",
        ),
        apart=lines(
            "out of memory",
            "No space left",
            "srcIndex",
            r"size mismatch for [\w.]*(?:embed|lm_head)",
        ),
        sure=0.62,
        title="The run failed while it took up a checkpoint.",
        cause="What was saved and what was set up now differ, or a file is damaged.",
        do="Resume with the settings and versions of the saved run, or from the checkpoint before.",
    ),
)
