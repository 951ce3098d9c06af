"""Layers that an adapter is to sit on."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="targets_not_found",
        category="target_modules_not_found",
        says=lines(
            "Target modules?.{0,400}not found in the base model",
            "No modules were targeted",
            "Please specify `?target_modules",
            "target_modules.{0,120}(?:not found|no match|not match|could not|don't exist|do not "
            "exist|invalid|does not|must be)",
            "(?:no|could not find any|cannot find any|can't find any) (?:target(?:ed)? |linear |lora "
            ")?(?:layers?|modules?).{0,40}(?:found|match|target|to (?:apply|adapt|attach))",
            r"lora_target\w*.{0,80}(?:not found|invalid|no match|unknown)",
            "module .{0,60} (?:is )?not found in (?:the )?(?:base )?model",
            "No (?:LoRA|linear) (?:layers|modules)",
            "modules_to_save.{0,80}not found",
        ),
        sure=0.95,
        title="No layer of the model has the names that the adapter is to sit on.",
        cause="Names of layers differ from kind to kind: fused ones are called W_pack, "
        "query_key_value, c_attn, Wqkv, qkv_proj.",
        do="Set target_modules (lora_target) to all-linear, or to names from model.named_modules().",
    ),
    Saying(
        name="target_kind",
        category="target_modules_not_found",
        says=lines(
            "has no attribute '(?:q_proj|k_proj|v_proj|o_proj|query_key_value|gate_proj|up_proj|"
            "down_proj|self_attn|c_attn|W_pack|Wqkv|qkv_proj|layers|transformer)'",
            "Target module.{0,300}is not supported",
            "Currently, only the following modules are supported",
            "expected target modules in",
            "is (?:an )?unsupported LoRA weight",
            "has no attribute '(?:q_proj|k_proj|v_proj|o_proj|query_key_value|gate_proj|self_attn|"
            "c_attn|W_pack)'",
        ),
        sure=0.85,
        title="A layer that the adapter is to sit on is of a kind that takes none.",
        cause="The name also matches what is no linear layer (an embedding, a norm, a whole block, "
        "a wrapped or quantised layer of another library).",
        do="Name the linear layers alone: all-linear, or an expression that leaves the others out.",
    ),
)
