"""Nothing that trains, or a graph that is cut."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="no_graph",
        category="no_trainable_params_or_grad",
        says=lines(
            "differentiated Tensors does not require grad",
            "no parameters? requires? grad",
            "model did not return a loss",
            "does not require grad and does not have a grad_fn",
            "element 0 of tensors does not require",
            "None of the inputs have requires_grad=True",
            "Inference tensors cannot be saved for backward",
        ),
        sure=0.92,
        title="No gradient reaches a weight that trains.",
        cause="Gradient checkpointing cuts the graph when the inputs need no gradient, or every "
        "weight is frozen (an adapter loaded to infer, layers frozen after they were added).",
        do="Call model.enable_input_require_grads() or set use_reentrant to false; load the adapter "
        "with is_trainable=True; see that trainable parameters are not 0.",
    ),
    Saying(
        name="nothing_trains",
        category="no_trainable_params_or_grad",
        says=lines(
            r"trainable(?: params| parameters)?\W{1,4}0(?:\.0+)?%?(?=\s|\||,|$|\))(?!\.\d*[1-9])",
            r"\b0 trainable param",
            r"number of trainable param\w*\W{1,4}0\b",
            r"trainable%\W{1,3}0(?:\.0+)?\s*(?:%|$)",
            "optimizer got an empty parameter list",
            "(?:no|without any|any) (?:trainable )?parameters? (?:that )?(?:require|to (?:train|"
            "optimi[sz]e)|found|requires)",
            "No inf checks were recorded for this optimizer",
            "module doesn't have any parameters that require a gradient",
            "0 (?:groups of )?parameters? (?:groups )?in (?:the )?optimizer",
            "optimizer=0 groups",
        ),
        sure=0.92,
        title="Nothing trains: no parameter needs a gradient.",
        cause="The adapter was loaded to infer (is_trainable=False), has another name than the "
        "active one, or was frozen afterwards.",
        do="Load it with is_trainable=True, set it active, and see that "
        "print_trainable_parameters() is not 0.",
    ),
    Saying(
        name="purely_quantised",
        category="no_trainable_params_or_grad",
        says=lines(
            "cannot perform fine-tuning on purely quantized models",
            "attach trainable adapters on top",
        ),
        sure=0.75,
        title="A quantised base is to be trained without an adapter.",
        cause="Quantised weights have no gradient; only an adapter on top of them learns. The "
        "trainer sees none.",
        do="Pass a LoRA configuration (peft_config), or call get_peft_model before the trainer is made.",
    ),
    Saying(
        name="graph_twice",
        category="no_trainable_params_or_grad",
        says=lines(
            "backward through the graph a second time",
            "modified by an inplace operation",
            "appears to not have been used in the graph",
            "leaf Variable that requires grad is being used in an in-place",
            "is a view and is being modified inplace",
            "grad can be implicitly created only for scalar outputs",
            "recomputed values .{0,80}different metadata",
            "A different number of tensors was saved during the original forward",
            "CheckpointError",
        ),
        apart="marked? (?:a variable )?(?:as )?ready (?:only once|twice)",
        sure=0.62,
        title="The graph of gradients is broken.",
        cause="Gradient checkpointing repeats a forward pass that is not the same the second time, "
        "or code changes a tensor that the backward pass still needs.",
        do="Set gradient_checkpointing_kwargs use_reentrant to the other value, use_cache to false, "
        "or go without checkpointing to see that it is the cause.",
    ),
)
