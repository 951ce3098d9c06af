"""Number formats that do not meet, and those that a card does not have."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

_TYPES: Final = r"(?:Half|Float|BFloat16|Double|float16|bfloat16|float32|c10::\w+|fp16|fp32|bf16)"

SAYINGS: Final = (
    Saying(
        name="unscale",
        category="dtype_mismatch",
        says=lines(
            "Attempting to unscale FP16 gradients",
            "_amp_foreach_non_finite_check_and_unscale",
        ),
        sure=0.95,
        title="fp16 mixed precision meets trained weights that are in 16 bits themselves.",
        cause="The scaler needs gradients in fp32; weights that train (the adapter, "
        "modules_to_save) were loaded in fp16 or bf16.",
        do="Cast the weights that train to fp32, or train in bf16 where the card has it. In "
        "OpenLoRA mixed_precision auto does it.",
    ),
    Saying(
        name="flash_dtype",
        category="dtype_mismatch",
        says=lines(
            "Flash ?Attention.{0,20} only supports?.{0,60}(?:fp16|bf16|float16|bfloat16)",
            "Flash Attention 2.{0,80}without specifying a torch dtype",
        ),
        sure=0.92,
        title="FlashAttention got fp32, and works in 16 bits alone.",
        cause="The model was loaded without a dtype, or a norm or an adapter hands on fp32 outside "
        "of autocast.",
        do="Load the model in bf16 (torch_dtype), run within autocast, or take sdpa attention.",
    ),
    Saying(
        name="dtypes_meet",
        category="dtype_mismatch",
        says=lines(
            r"not implemented for '(?:Int|Long|Char|Byte|Bool|Short|UInt\d+)'",
            "to have one of the following scalar types: (?:Long|Int)",
            "to have one of the following scalar types: (?:Long|Int)",
            f"expected scalar type {_TYPES} but found",
            f"expected dtype {_TYPES}",
            r"Found dtype \w+ but expected",
            "(?:must|should|to) (?:have|be) (?:the )?same d?type",
            "have the same dtype",
            "dtypes? (?:do(?:es)?n't|do not|does not|must) match",
            "dtype mismatch",
            "mat1 and mat2 must have the same dtype",
            "expected m1 and m2 to have the same dtype",
            "Both operands must be same dtype",
            "source and destination dtypes match",
            r"Expected self\.dtype to be equal to src\.dtype",
            "uniform dtype",
            "tensors with the same dtype",
            r"Input type \([^)\n]*\) and (?:weight|bias) type \([^)\n]*\) should be the same",
            r"not implemented for '(?:Half|BFloat16|Float8\w*)'",
            "Got unsupported ScalarType",
            r"cannot be converted to type (?:at::)?\w+ without overflow",
            r"result type \w+ can't be cast to the desired output type",
            "must have the same dtype!",
            "Unsupported dtype",
            "Only supports? (?:float16|bfloat16|fp16|bf16|half)",
        ),
        apart=r"torch\.cuda\.\w*Tensor\) and weight type \(torch\.(?:Float|Half|BFloat16)Tensor",
        sure=0.9,
        title="Tensors of different number formats met.",
        cause="Some weights were loaded or cast to 16 bits and others were not: the adapter, a "
        "norm, the head, or inputs outside of autocast.",
        do="Let autocast choose (bf16: true, weights that train in fp32); load base and adapter in "
        "one format where text is generated.",
    ),
    Saying(
        name="cpu_half",
        category="dtype_mismatch",
        says=lines(
            r"_cpu\w*\W{1,3}not implemented for 'Half'",
            r"\"(?:addmm_impl_cpu_|LayerNormKernelImpl|slow_conv2d_cpu)\" not implemented",
        ),
        sure=0.88,
        title="fp16 on a CPU: the operation is not there.",
        cause="The model was loaded in fp16 and its layers stayed on the CPU.",
        do="Load it in fp32 or bf16 there, or put it on the GPU.",
    ),
    Saying(
        name="no_bf16",
        category="bf16_unsupported",
        says=lines(
            "setup doesn't support bf16",
            "bf16 (?:mixed )?(?:precision )?(?:was )?(?:requested|requires|needs)",
            "b?float16 is only supported on GPUs with compute capability of at least 8",
            "(?:does not|doesn't|not) support b(?:float|f)16",
            "b(?:float|f)16.{0,40}(?:is )?not (?:supported|available)",
            "BFloat16 is not supported",
            "bf16 is not supported",
            "no bf16 support",
            "bf16 requested, but AMP",
            "Your (?:device|GPU) does not support bf16",
            "CUDA_R_16BF",
            r"Feature '[\w.]*bf16[\w.]*' requires",
            "(?:setting|use) .{0,6}--?fp16.{0,60}instead of .{0,4}bf16",
            "Switching to float16",
            r"_cuda\w*\W{1,3}not implemented for 'BFloat16'",
        ),
        sure=0.93,
        title="The device has no bf16.",
        cause="bf16 needs a card of compute capability 8.0 or later (Ampere), and a PyTorch that "
        "knows it; precision is often set in two places (the trainer's arguments, DeepSpeed's or "
        "accelerate's file), and all must agree.",
        do="Set bf16 to false and fp16 to true in every place, with trained weights in fp32; in "
        "OpenLoRA mixed_precision auto.",
    ),
    Saying(
        name="cublas_format",
        category="bf16_unsupported",
        says="CUBLAS_STATUS_NOT_SUPPORTED",
        sure=0.55,
        title="cuBLAS has no such product on this card: most often one in bf16.",
        cause="Cards before Ampere do not multiply bf16; an old cuBLAS does the same.",
        do="Try fp16 or fp32 on one batch; if that passes, the card has no bf16.",
    ),
    Saying(
        name="two_precisions",
        category="dtype_mismatch",
        says=lines(
            "At most one of fp16 and bf16 can be True",
            "fp16 and bf16 (?:cannot|can't|are both)",
        ),
        sure=0.6,
        title="fp16 and bf16 are asked for at once.",
        cause="Precision is set in two places that do not agree.",
        do="Leave one of them, in every file that says it.",
    ),
)
