"""What is likeliest behind a symptom that people describe, and what to do; sources in docs/diagnosis.md."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.findings import Category


class Cause(msgspec.Struct, frozen=True):
    """Words for a finding."""

    title: str
    cause: str
    remedy: str


CAUSES: Final[dict[Category, Cause]] = {
    "oom": Cause(
        "The device's memory does not hold a step",
        "The longest rows decide the peak: a run that fits for hours ends at its longest batch.",
        "Try the longest batch first; per_device_train_batch_size 1 with more accumulation, a lower "
        "max_length, gradient_checkpointing, or method qlora.",
    ),
    "oom_at_checkpoint_or_eval": Cause(
        "Memory runs out while evaluating or saving, not while training",
        "Evaluation keeps the logits of all rows, or saving makes a second copy of the weights.",
        "A smaller evaluation batch, eval_accumulation_steps, fewer rows; save only the adapter.",
    ),
    "nan_or_inf": Cause(
        "Numbers are no longer finite",
        "Numbers too large for 16-bit floats, an attention kernel, or rows of padding only; with a finite "
        "loss beside it, steps are passed over in silence.",
        "bf16 or fp32, eager attention, a lower learning_rate; look at the rows of the first such step.",
    ),
    "loss_zero": Cause(
        "The loss is 0 because nothing is learnt from",
        "Every label is masked (template, truncation), or the loss was not a number and is told as 0.",
        "Count the labels of a batch: 0 means template or max_length, more means precision or attention.",
    ),
    "loss_spike_divergence": Cause(
        "The loss rises for good or in bursts",
        "The learning rate is too high for these weights, or rows of another kind came.",
        "A tenth of the learning_rate, a longer warm-up, max_grad_norm 1; go on from before it rose.",
    ),
    "loss_not_decreasing": Cause(
        "The loss does not come down",
        "The learning rate is far off or near 0 (warm-up, schedule), or too little is trained.",
        "Look at the logged learning rate; then three times of it, a larger lora_r, all-linear.",
    ),
    "overfit_memorising": Cause(
        "The model learns the rows by heart, or forgets what it knew",
        "Too many passes over too few rows, or too high a rate.",
        "Fewer epochs, a lower learning_rate, keep the best checkpoint, mix in general rows.",
    ),
    "truncation": Cause(
        "Rows are cut before their answer ends",
        "The maximum length is below prompt and answer together.",
        "Raise max_length, shorten or drop the long rows; count the rows that lose their end.",
    ),
    "template_or_special_tokens": Cause(
        "The template or its special tokens do not fit the model",
        "Another family's template, a marker that is not in the rows, or a token that is added twice.",
        "Decode one row as it is fed to the model, and compare it with the model's own chat template.",
    ),
    "padding_token": Cause(
        "Padding takes part in what is computed",
        "Padded on the wrong side, not masked, or no padding token of its own.",
        "Compare the loss of two rows in a batch with theirs alone; pad on the right and mask the padding.",
    ),
    "never_stops_generating": Cause(
        "The model has not learnt to end its answers",
        "The end token is not among the labels: it is missing, cut off, or masked as padding.",
        "Check that the last label of a row is the end token, and that generation stops at it.",
    ),
    "garbage_after_training": Cause(
        "The tuned model writes nonsense",
        "Another template than in training, padded batches, other tokenizer files, or too high a rate.",
        "Ask three training rows, one at a time, in their template: right there, and training is fine.",
    ),
    "target_modules_not_found": Cause(
        "The names in target_modules are not those of the model's layers",
        "Names differ between families; fused layers have one name for three.",
        "Use target_modules all-linear, or the names that `openlora check` lists.",
    ),
    "no_trainable_params_or_grad": Cause(
        "Nothing is trained: no weight gets a gradient",
        "A frozen or reloaded adapter, or checkpointing that cuts the gradient's way.",
        "Load with is_trainable, enable_input_require_grads; see that lora_B moves in two steps.",
    ),
    "dtype_mismatch": Cause(
        "Two number formats meet in one operation",
        "Weights, adapter and autocast are set to different formats.",
        "Set one format everywhere: trainable weights in fp32 under bf16 autocast.",
    ),
    "device_mismatch": Cause(
        "Tensors of one operation lie on different devices",
        "The adapter was added after the model was moved, or layers were offloaded.",
        "Put the whole model on one device, and the adapter before that.",
    ),
    "quantization_backend": Cause(
        "The library for 4- or 8-bit weights does not work here",
        "bitsandbytes is missing, too old, or built without this GPU.",
        "Install a wheel for this system and CUDA; try `python -m bitsandbytes`.",
    ),
    "bf16_unsupported": Cause(
        "This GPU cannot compute in bf16",
        "bf16 needs compute capability 8.0; V100 and T4 are below.",
        "Use fp16 or fp32 in every place where precision is set.",
    ),
    "tokenizer_vocab_resize": Cause(
        "Tokenizer and embedding table differ in size",
        "Tokens were added without resizing, or the adapter was saved with a resized table.",
        "Resize the base alike before loading, embeddings in modules_to_save; or add no tokens.",
    ),
    "dataset_format": Cause(
        "Rows are not in the form that the trainer expects",
        "Other column names, roles out of order, or empty answers; some trainers drop such rows in silence.",
        "Run `openlora inspect` on the data: it counts rows by what is wrong with them.",
    ),
    "dataset_encoding_or_parse": Cause(
        "The data file cannot be read as it is written",
        "Another encoding than UTF-8, or one column with several types.",
        "Save it as UTF-8 JSON lines, with one type a column.",
    ),
    "empty_or_tiny_dataset": Cause(
        "No rows are left, or too few",
        "All were filtered out or cut, or they do not fill one packed sequence.",
        "Count the rows after each stage; turn packing off, raise max_length.",
    ),
    "checkpoint_resume": Cause(
        "The run does not go on from where it was",
        "Optimizer, schedule or step were not restored, names differ, or another folder was read.",
        "Compare step, learning rate and loss before and after; resume with the versions that saved it.",
    ),
    "merge_mismatch": Cause(
        "The merged model is not the adapter and its base",
        "Merged into other weights than it was trained on, as after 4-bit training, or not at all.",
        "Compare both on three prompts; merge into the dequantised base, in fp32.",
    ),
    "gguf_export": Cause(
        "The converted file does not behave like the model",
        "Template or end tokens were lost in the conversion, or the converter does not know the tokenizer.",
        "Give the Modelfile template and stop tokens; compare tokens and logits with `openlora export`.",
    ),
    "save_or_disk": Cause(
        "What was saved is empty, incomplete or not there",
        "A full disk, ranks that rename the same folder, or a save that leaves the adapter out.",
        "Look into the checkpoint folders; open the adapter and count its tensors after each save.",
    ),
    "distributed_launch": Cause(
        "Several processes do not work together",
        "Launcher, device_map and checkpointing contradict each other, or one rank waits too long.",
        "Try one device; then use_reentrant false, no device_map, and data prepared before the launch.",
    ),
    "hub_auth_or_gated": Cause(
        "The Hub refuses access",
        "Terms not accepted by this account, or a token without the permission.",
        "Accept the terms on the model's page, and give a token that may read it (to publish: write).",
    ),
    "cuda_driver_or_arch": Cause(
        "GPU, driver and torch build do not fit together",
        "The build has no code for this GPU, or the driver is older than its CUDA.",
        "Install the torch build for this GPU and driver; see `openlora doctor`.",
    ),
    "hang_or_slow": Cause(
        "It stands still, or is far slower than it should be",
        "Memory spilling into the machine's, too many workers, or processes that wait for each other.",
        "See what it waits for (py-spy dump); fewer workers; leave 3 % of GPU memory free.",
    ),
    "dependency_version": Cause(
        "The installed versions do not fit each other",
        "An argument moved, or a release counts the loss otherwise.",
        "Pin the versions that worked together, or follow the change log of the one that was upgraded.",
    ),
    "other": Cause(
        "The adapter is not applied, or something outside the run fails",
        "Loaded into fresh layers or under other names, so that it is the base model that answers.",
        "Load with PeftModel.from_pretrained, see that keys match and lora_B is not 0.",
    ),
}
"""By category, the likeliest first."""
