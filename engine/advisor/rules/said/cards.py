"""GPU, driver and the CUDA that PyTorch was built with."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="no_kernel",
        category="cuda_driver_or_arch",
        says=lines(
            "no kernel image is available",
            "device kernel image is invalid",
            "HIP error: invalid device function",
            "invalid device function",
            "is not compatible with the current PyTorch installation",
            r"CUDA capabilit(?:y|ies) sm_\d+",
            r"sm_\d+.{0,40}(?:is )?not (?:supported|compatible|defined)",
            "too old to be supported by the [tT]riton",
            "Device capability of >= ?7",
            "Unsupported gpu architecture",
            "Unknown compute capability",
            "PTX was compiled with an unsupported toolchain",
            "ptxas.{0,80}(?:error|fatal|failed)",
            r"Value 'sm_\w+' is not defined",
            "Triton (?:only )?(?:supports|requires).{0,40}(?:capability|>=)",
            "compute capability.{0,60}(?:not supported|too low|required|at least|>=|less than)",
        ),
        apart=lines(
            "b(?:float|f)16",
            "bitsandbytes",
            "FP8",
        ),
        sure=0.93,
        title="The installed build has no code for this GPU.",
        cause="PyTorch, Triton or an extension was built for other cards: this one is newer than "
        "the build, or older than what it still supports.",
        do="Install the PyTorch build for this card (new cards need the newest CUDA build) and "
        "rebuild extensions; an old card needs an old build and no Triton.",
    ),
    Saying(
        name="flash_card",
        category="cuda_driver_or_arch",
        says=lines(
            "FlashAttention backward for head dim",
            "cutlassF: no kernel",
            "requires (?:A100|H100)",
            "No operator found for `?memory_efficient",
            "unable to find an engine to execute",
            "Flash ?Attention.{0,20} only supports? Ampere",
            "only supports? (?:Ampere|Hopper|Turing).{0,20}(?:GPU|or newer)",
            "requires? (?:an )?(?:Ampere|Hopper)",
        ),
        sure=0.85,
        title="The attention kernel is for newer cards than this one.",
        cause="FlashAttention 2 needs Ampere (compute capability 8.0) or later.",
        do="Take sdpa or eager attention.",
    ),
    Saying(
        name="driver",
        category="cuda_driver_or_arch",
        says=lines(
            "all CUDA-capable devices are busy",
            "CUDA error: (?:initialization error|unknown error|system)",
            "mixed precision requires a GPU",
            "[Nn]o GPU(?:s)? (?:found|available|detected)",
            "driver version is insufficient",
            "NVIDIA driver on your system is too old",
            "Found no NVIDIA driver",
            "no NVIDIA driver",
            "Torch not compiled with CUDA",
            "No CUDA GPUs are available",
            "CUDA unknown error",
            "CUDA driver (?:initialization|error|version)",
            "Driver/library version mismatch",
            "forward compatibility was attempted",
            "system not yet initialized",
            "Can't initialize NVML",
            "CUDA (?:is )?not available",
            "no CUDA-capable device",
            "cannot find any torch accelerator",
            "need a GPU",
            "can only be used on CUDA",
            "couldn't communicate with the NVIDIA driver",
            r"torch\.cuda\.is_available\(\)\W+(?:is |returns? )?False",
            "HIP error: no (?:ROCm-capable|HIP)",
            "CUDNN_STATUS_(?:NOT_INITIALIZED|ARCH_MISMATCH)",
            r"(?:libcud(?:a|nn|art)|libcublas\w*|libnvrtc\w*|libnvJitLink|"
            r"libcusparse)\w*\.so.{0,60}(?:cannot open|not found|undefined|version)",
            "fallen off the bus",
            "NVRM: Xid",
            "uncorrectable ECC error",
        ),
        apart=lines(
            "bitsandbytes",
            "bitsandbytes",
        ),
        sure=0.9,
        title="PyTorch cannot use the GPU: driver, CUDA build and card do not fit, or there is none.",
        cause="The driver is older than the CUDA that PyTorch was built with, the build is for "
        "CPUs, or the process is shown no card.",
        do="Compare `nvidia-smi` with torch.version.cuda; install the build for this driver, or "
        "renew the driver. `openlora doctor` does.",
    ),
    Saying(
        name="toolkit",
        category="cuda_driver_or_arch",
        says=lines(
            "ds_opt_adam",
            "Unable to JIT load",
            "(?:CPUAdam|fused_adam|FusedAdam).{0,60}(?:not|fail|error)",
            "CUDA_HOME (?:environment variable )?(?:is not set|does not exist)",
            "nvcc(?:: | )?(?:not found|fatal|command not found|was not found)",
            "detected CUDA version.{0,40}mismatches",
            "CUDAMismatchException",
            "does not match the version torch was compiled with",
            "MissingCUDAException",
            "Ninja is required",
            "Error building extension",
            r"error: command '[^\n]*nvcc",
        ),
        sure=0.82,
        title="An extension cannot be built: the CUDA toolkit is missing or is not PyTorch's.",
        cause="DeepSpeed, flash-attn and others compile code on first use, with the nvcc that they find.",
        do="Install the toolkit of the version that torch.version.cuda names and set CUDA_HOME, or "
        "take a wheel that is built already.",
    ),
    Saying(
        name="device_fault",
        category="cuda_driver_or_arch",
        says=lines(
            "out of resource: shared memory",
            "CUBLAS_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR)",
            "CUDNN_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR)",
            "launch timed out and was terminated",
            "CUDA error: (?:an illegal memory access|unspecified launch failure|misaligned address|"
            "an illegal instruction|hardware|uncorrectable|invalid argument|operation not "
            "(?:permitted|supported))",
        ),
        sure=0.5,
        title="The device stopped with a fault in a kernel.",
        cause="A kernel that does not fit the card or the driver, an index beyond a table, or the "
        "card itself. Faults are told late, so the line of code says little.",
        do="Run once with CUDA_LAUNCH_BLOCKING=1, and with eager attention; look for Xid in `dmesg`.",
    ),
    Saying(
        name="tf32",
        category="cuda_driver_or_arch",
        says=lines(
            "--tf32 requires Ampere",
            "tf32.{0,40}(?:requires|not supported)",
        ),
        sure=0.7,
        title="tf32 needs a newer card.",
        cause="It came with Ampere (compute capability 8.0).",
        do="Set tf32 to false.",
    ),
)
