"""Memory that ran out: on the device or the machine, in a step or where a run saves or evaluates."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

_OUT: Final = lines(
    r"\b(?:CUDA|HIP|MPS backend|XPU|NPU|GPU|device) (?:error: )?out of memory",
    "OutOfMemoryError",
    r"Tried to allocate [\d.]+ ?[KMGT]i?B",
    "cudaErrorMemoryAllocation",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "Insufficient Memory",
    "ErrorOutOfMemory",
    "RESOURCE_EXHAUSTED",
    r"\bOOM (?:when|error|detected)",
    "failed to allocate .{0,60}(?:GPU|CUDA|VRAM|device)",
    "out of memory on device",
    "not enough GPU memory",
    "allocating tensor with shape.*OOM",
    r"\[metal::malloc\]",
    "maximum allowed buffer size",
    "no available memory for the cache blocks",
)
_HOST: Final = lines(
    "DefaultCPUAllocator: (?:can't allocate|not enough) memory",
    "not enough memory: you tried to allocate",
    r"\[Errno 12\] Cannot allocate memory",
    r"Unable to allocate [\d.]+ [KMGT]iB for an array",
    "ArrayMemoryError",
    r"^\W*MemoryError\b",
    "std::bad_alloc",
    "paging file is too small",
    "oom[-_]kill",
    "Out of memory: Killed process",
    r"Killed process \d+",
    "memory cgroup out of memory",
    "exceeded (?:its |the )?(?:requested |job )?memory limit",
    "OOMKilled",
    r"arrow: malloc of size \d+ failed",
    "mmap.*Cannot allocate memory",
)
_KILLED: Final = lines(
    r"(?:was|got|been|:) killed\b",
    r"^\W*Killed\W*$",
    r"\bKilled\s+(?:python|accelerate|torchrun|deepspeed|CUDA_VISIBLE)",
    r"exitcode\s*:?\s*-9\b",
    r"exit(?:ed with)? (?:code|status)\s*:?\s*(?:-9|137)\b",
    r"return code = -9\b",
    r"Signal 9 \(SIGKILL\)",
    r"died with <Signals\.SIGKILL",
    "SIGKILL",
)
_PAUSE: Final = lines(
    "evaluation_loop",
    "prediction_loop",
    "prediction_step",
    "nested_concat",
    "nested_gather",
    "compute_metrics",
    r"in evaluate\b",
    "in eval(?:uation)?_",
    r"_evaluate\(",
    "on_evaluate",
    "preprocess_logits",
    "pad_across_processes",
    "save_pretrained",
    "_save_to_state_dict",
    "_save_checkpoint",
    "save_checkpoint",
    "save_model",
    r"in save\b",
    r"torch\.save",
    "full_state_dict",
    "get_(?:model_)?state_dict",
    "_optim_state_dict",
    "consolidat",
    "zero_to_fp32",
    "save_16bit",
    "undo_layout",
    "_state_dict_utils",
    r"save_\w*model",
    r"save_state\b",
    "gather_for_metrics",
    "merge_and_unload",
    "save_pretrained_merged",
    "_load_best_model",
    "predict_with_generate",
    r"\*+ Running (?:Evaluation|Prediction|Eval) \*+",
    "Saving (?:model )?checkpoint",
    "Saving (?:the )?(?:final )?model",
    r"(?:during|at|in|while|when|before|after) (?:the )?(?:eval\w*|validation|saving|checkpoint\w*|"
    r"predict\w*)",
    r"\bvalidation_step",
    r"\brun_validation",
    r"in validate\b",
)
_LESS: Final = (
    "Halve per_device_train_batch_size and double gradient_accumulation_steps (the result stays the same), "
    "lower max_length, set gradient_checkpointing, or load the base in 4 bits."
)

SAYINGS: Final = (
    Saying(
        name="out_of_memory",
        category="oom",
        says=_OUT,
        sure=0.93,
        title="The device ran out of memory.",
        cause="Weights, moments, activations and logits of a step together are more than the device "
        "has; activations grow with rows times their longest length, so a long row can do it hours "
        "into a run.",
        do=_LESS,
    ),
    Saying(
        name="out_of_memory_aside",
        category="oom_at_checkpoint_or_eval",
        says=lines(
            _OUT,
            _HOST,
        ),
        beside=_PAUSE,
        apart=lines(
            "in training_step",
            "in compute_loss",
            r"loss\.backward",
            r"accelerator\.backward",
            r"optimizer\.step\(",
        ),
        sure=0.95,
        title="Memory ran out while the run evaluated or saved, though its steps fit.",
        cause="Evaluation keeps the logits of all its batches, or takes larger ones; saving gathers "
        "or unpacks whole weights. Both come on top of what training holds.",
        do="Evaluate in smaller batches (per_device_eval_batch_size 1, eval_accumulation_steps, "
        "logits reduced by preprocess_logits_for_metrics); save the adapter alone, sharded or from "
        "the CPU.",
    ),
    Saying(
        name="killed_aside",
        category="oom_at_checkpoint_or_eval",
        says=_KILLED,
        beside=_PAUSE,
        sure=0.75,
        title="The process was killed while the run evaluated or saved: most likely the machine's "
        "memory ran out.",
        cause="A kill without a traceback is the kernel's; logits gathered on the CPU, or weights "
        "gathered to be saved, fill the machine's memory.",
        do="Look in `dmesg` for the kill; lower eval_accumulation_steps and the rows that are "
        "evaluated, reduce logits before they are kept, save the adapter alone.",
    ),
    Saying(
        name="host_memory",
        category="oom",
        says=_HOST,
        sure=0.88,
        title="The machine's own memory ran out.",
        cause="Loading weights, optimizer states that are offloaded, or copies of the dataset in "
        "worker processes need more than the machine has free.",
        do="Load with low_cpu_mem_usage and safetensors, use fewer workers and processes, add swap, "
        "or take a smaller or a quantised model.",
    ),
    Saying(
        name="killed",
        category="oom",
        says=_KILLED,
        sure=0.7,
        title="The process was killed from outside, most likely because the machine's memory ran out.",
        cause="Signal 9 without a traceback is what the kernel sends when memory is out, and a "
        "scheduler when a limit is passed. `dmesg` or the scheduler's record decides which.",
        do="See `dmesg | grep -i kill`; then load less at once: fewer processes and workers, "
        "safetensors, no offload of the optimizer to the CPU.",
    ),
    Saying(
        name="weights_do_not_fit",
        category="oom",
        says=lines(
            r"requires [\d.]+ ?G[Bi]B? .{0,40}only [\d.]+ ?G[Bi]B?",
            "Some modules are dispatched on the CPU or the disk",
            "modules? (?:are|is|were) (?:dispatched|offloaded) (?:on|to) the (?:CPU|disk)",
            "device_map`? had weights offloaded to the disk",
            "need an `?offload_(?:dir|folder)",
            "don't have enough GPU RAM to fit",
            "not enough (?:GPU )?(?:memory|RAM|VRAM) to (?:fit|load)",
            "with CPU or disk offload",
            "can't move a model that has some modules offloaded",
        ),
        sure=0.85,
        title="The weights alone do not fit the device.",
        cause="With device_map=auto what does not fit is put on the CPU or the disk, where "
        "quantised layers cannot work and nothing trains well.",
        do="Take a smaller model or 4 bits, free the device of other processes, or share the model "
        "over several.",
    ),
    Saying(
        name="shared_memory",
        category="oom",
        says=lines(
            "out of shared memory",
            "DataLoader worker .{0,40}killed by signal",
            "insufficient shared memory",
            "/dev/shm",
        ),
        sure=0.6,
        title="A worker of the data loader was killed: the shared memory is full, or the machine's.",
        cause="Containers give /dev/shm 64 MiB unless told otherwise; workers hand their batches through it.",
        do="Start the container with --ipc=host or --shm-size=16g, or set dataloader_num_workers to 0.",
    ),
    Saying(
        name="map_worker_died",
        category="oom",
        says=lines(
            "subprocesses has abruptly died during map",
            "process(?:es)? in the process pool was terminated abruptly",
        ),
        sure=0.5,
        title="A worker died while the dataset was mapped, most likely for lack of memory.",
        cause="Each of the num_proc processes holds a copy of the tokenizer and of its batch.",
        do="Lower num_proc (preprocessing_num_workers) to 1 to see the true error, and "
        "writer_batch_size with it.",
    ),
    Saying(
        name="cublas_handle",
        category="oom",
        says=lines(
            "NVML_SUCCESS == r INTERNAL ASSERT",
            "CUBLAS_STATUS_NOT_INITIALIZED",
        ),
        sure=0.5,
        title="cuBLAS could not begin: most often no memory is left for its workspace.",
        cause="It is also what an index beyond the embedding leaves behind, because errors of the "
        "device are told late. One batch on the CPU tells which.",
        do="Run one batch on the CPU, or with CUDA_LAUNCH_BLOCKING=1; if that passes, lower the batch.",
    ),
)
