"""Tensors that are not where they are needed."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="two_devices",
        category="device_mismatch",
        says=lines(
            "Placeholder storage has not been allocated",
            "must be on the same device",
            "does not give any device for the following parameters",
            "all tensors to be on the same device",
            "found at least two devices",
            "Expected object of device type",
            r"Input type \(torch\.cuda\.\w+\) and weight type \(torch\.(?:Float|Half|BFloat16)Tensor\)",
            r"Input type \(torch\.(?:Float|Half)Tensor\) and weight type \(torch\.cuda",
            r"indices should be either on (?:cpu|\w+) or on the same device",
            r"Expected a '\w+' device type for generator",
            "is on CPU, but expected (?:it|them) to be on (?:GPU|cuda)",
            "must have its parameters and buffers on device",
            r"Pointer argument \(at \d+\) cannot be accessed from Triton",
            "Expected (?:tensor|all tensors|input).{0,60}on (?:the )?(?:same |cuda|cpu|gpu)",
            "tensors? (?:must|should) be on (?:the )?same device",
            r"(?:is|are) on (?:device )?(?:cpu|cuda(?::\d)?)\W.{0,40}(?:but|while).{0,60}(?:cpu|cuda)",
            "different devices",
        ),
        sure=0.93,
        title="Tensors of one operation lie on different devices.",
        cause="An adapter or a layer was added after the model was moved, device_map spread the "
        "model and inputs or labels did not follow, or a part was left on the CPU.",
        do="Put the whole model on one device (device_map={'': 0}) or move what was added there "
        "too; inputs go to the device of the first layer.",
    ),
    Saying(
        name="other_device_quantised",
        category="device_mismatch",
        says="(?:8|4)-bit.{0,60}on a different device than the one you're training on",
        sure=0.75,
        title="A quantised model lies on another device than the one that trains.",
        cause="device_map put it on the first card, or on several, and this process trains on another one.",
        do="Load it with device_map={'': local_rank} in each process.",
    ),
    Saying(
        name="meta",
        category="device_mismatch",
        says=lines(
            "Cannot copy out of meta tensor",
            "on the meta device",
            "Tensor on device meta",
            "on device meta is not on the expected device",
            "expected device meta",
            r"Tensor\.item\(\) cannot be called on meta tensors",
        ),
        apart=lines(
            "Unexpected key",
            "size mismatch",
        ),
        sure=0.72,
        title="A weight was never loaded: it is only a promise on the meta device.",
        cause="Parts were offloaded because they did not fit, or a file lacks their weights.",
        do="Make the model fit the device (4 bits, a smaller one), or load without device_map and "
        "low_cpu_mem_usage to see which weights are missing.",
    ),
    Saying(
        name="moved_dispatched",
        category="device_mismatch",
        says=lines(
            "shouldn't move a model (?:that is|when it is) dispatched",
            "can't move a model that (?:is|has been) dispatched",
        ),
        sure=0.65,
        title="A model that is spread over devices is moved as if it were on one.",
        cause="It was loaded with device_map, and then .to() or .cuda() was called.",
        do="Leave out one of both.",
    ),
    Saying(
        name="no_backend_for_cpu",
        category="device_mismatch",
        says=lines(
            "No backend type associated with device type cpu",
            "Tensors must be CUDA and dense",
        ),
        sure=0.6,
        title="Processes exchange a tensor that lies on the CPU, which NCCL cannot.",
        cause="A weight or the state of a sharded model was left or offloaded there.",
        do="Begin the group with cpu:gloo,cuda:nccl, or keep all of the model on the cards.",
    ),
)
