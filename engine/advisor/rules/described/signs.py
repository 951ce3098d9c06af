"""Which ideas, said together, speak for which category, and how strongly."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.findings import Category


class Sign(msgspec.Struct, frozen=True):
    """A conjunction of ideas."""

    category: Category
    weight: float
    """Log-odds for the category: 1 is a hint, 2 speaks for it, 3 is strong, 4 leaves little doubt."""
    needs: str
    """Ideas that must all be said, parted by blanks; `a|b` is either."""
    unless: str = ""
    """Ideas none of which may be said."""


SIGNS: Final[tuple[Sign, ...]] = (
    # the loss and the gradient
    Sign("loss_zero", 3.2, "loss_zero"),
    Sign("loss_zero", 2.0, "loss_zero nan"),
    Sign("loss_zero", 0.8, "loss_zero template|truncated"),
    Sign("nan_or_inf", 2.8, "nan"),
    Sign("nan_or_inf", 0.8, "nan half|bf16|fp32"),
    Sign("nan_or_inf", 1.2, "nan eval_loss"),
    Sign("nan_or_inf", 1.6, "nan_weights"),
    Sign("nan_or_inf", 1.6, "bursts half"),
    Sign("loss_spike_divergence", 2.6, "loss bursts"),
    Sign("loss_spike_divergence", 1.8, "bursts", "half nan oom slow eval_loss"),
    Sign("loss_spike_divergence", 2.2, "loss rises", "eval_loss resume upgrade accumulation"),
    Sign("loss_spike_divergence", 1.0, "loss rises falls", "eval_loss resume upgrade"),
    Sign("loss_not_decreasing", 2.8, "flat loss", "rises no_effect loss_zero nan"),
    Sign("loss_not_decreasing", 1.4, "flat", "loss_zero nan hang answers"),
    Sign("loss_not_decreasing", 2.6, "no_rate", "resume"),
    Sign("overfit_memorising", 3.0, "eval_loss rises|bursts", "nan"),
    Sign("overfit_memorising", 2.6, "memorised"),
    Sign("overfit_memorising", 2.6, "eval_worse"),
    Sign("overfit_memorising", 1.2, "memorised loss_tiny|loss|new_inputs"),
    Sign("overfit_memorising", 2.8, "forgot"),
    Sign("overfit_memorising", 1.2, "loss_tiny new_inputs|worse"),
    Sign("dependency_version", 2.4, "scaled_loss accumulation"),
    Sign("dependency_version", 1.2, "loss accumulation"),
    Sign("dependency_version", 1.8, "loss accumulation rises|misfit"),
    Sign("dependency_version", 1.8, "accumulation worse|batch_size"),
    Sign("dependency_version", 2.4, "scaled_loss upgrade"),
    # the weights
    Sign("no_trainable_params_or_grad", 3.2, "no_grad"),
    Sign("no_trainable_params_or_grad", 3.2, "no_trainable"),
    Sign("no_trainable_params_or_grad", 2.8, "not_updated"),
    Sign("no_trainable_params_or_grad", 1.0, "grad_checkpointing not_updated|no_grad"),
    Sign("target_modules_not_found", 2.6, "target not_found"),
    Sign("target_modules_not_found", 2.2, "target"),
    # how it answers
    Sign("never_stops_generating", 3.0, "no_stop", "gguf"),
    Sign("never_stops_generating", 1.6, "no_stop", "hang"),
    Sign("never_stops_generating", 1.2, "no_stop eos"),
    Sign("never_stops_generating", 1.2, "eos pad"),
    Sign("never_stops_generating", 1.6, "eos answers|pad", "truncated"),
    Sign("garbage_after_training", 3.0, "garbage answers", "merge gguf"),
    Sign("garbage_after_training", 2.0, "garbage"),
    Sign("garbage_after_training", 1.0, "garbage training_fine", "merge gguf"),
    Sign("other", 3.6, "same_as_base answers", "merge gguf"),
    Sign("other", 2.2, "no_effect", "merge gguf no_rate fails"),
    Sign("other", 1.4, "no_effect answers", "merge gguf no_rate"),
    Sign("other", 2.0, "same_as_base", "merge gguf"),
    # after training
    Sign("merge_mismatch", 3.0, "merge garbage|worse|same_as_base|no_effect"),
    Sign("merge_mismatch", 2.0, "merge", "gguf oom resume dtype device convert"),
    Sign("merge_mismatch", 1.0, "merge fine_before"),
    Sign("gguf_export", 3.4, "gguf"),
    Sign("gguf_export", 1.8, "convert fails", "bnb dtype"),
    Sign("gguf_export", 0.8, "gguf garbage|worse|convert|no_stop|same_as_base"),
    # phases
    Sign("checkpoint_resume", 3.4, "resume", "oom gguf merge no_trainable"),
    Sign("checkpoint_resume", 0.8, "resume loss|fails|no_rate|rises|checkpoint"),
    Sign("save_or_disk", 3.6, "file_lacking", "merge gguf"),
    Sign("save_or_disk", 0.8, "file_lacking save|training_fine"),
    Sign("save_or_disk", 1.0, "file_lacking checkpoint training_fine"),
    Sign("save_or_disk", 1.4, "save launcher|many_gpus fails", "oom"),
    Sign("save_or_disk", 3.0, "disk full"),
    Sign("save_or_disk", 2.6, "save fails", "oom eval resume vocab merge gguf dtype nan"),
    Sign("save_or_disk", 2.6, "rename artifact|save|launcher"),
    Sign("oom_at_checkpoint_or_eval", 4.0, "oom eval"),
    Sign("oom_at_checkpoint_or_eval", 4.0, "oom save"),
    Sign("oom_at_checkpoint_or_eval", 2.0, "host_memory eval|save"),
    Sign("oom_at_checkpoint_or_eval", 3.0, "killed eval|save"),
    Sign("oom", 2.2, "killed", "eval save"),
    Sign("oom", 3.0, "oom", ""),
    Sign("oom", 0.6, "oom long_rows"),
    # machines
    Sign("hang_or_slow", 2.8, "hang", "loss answers"),
    Sign("hang_or_slow", 1.4, "hang", "loss"),
    Sign("hang_or_slow", 2.8, "slow"),
    Sign("hang_or_slow", 1.4, "tokenize hang|slow|workers"),
    Sign("distributed_launch", 2.4, "many_gpus|launcher fails|timeout", "pickle oom save"),
    Sign("distributed_launch", 1.8, "many_gpus|launcher one_gpu_fine"),
    Sign("distributed_launch", 2.2, "many_gpus|launcher|tokenize timeout"),
    Sign("distributed_launch", 2.6, "unused_params"),
    Sign("distributed_launch", 1.0, "launcher timeout hang|rows|tokenize"),
    Sign("distributed_launch", 2.2, "launcher device|unused_params"),
    Sign("distributed_launch", 1.0, "many_gpus|launcher"),
    # numbers and devices
    Sign("dtype_mismatch", 2.6, "dtype clash fails"),
    Sign("dtype_mismatch", 1.0, "dtype clash"),
    Sign("dtype_mismatch", 2.4, "two_dtypes", "nan loss"),
    Sign("dtype_mismatch", 3.0, "unscale"),
    Sign("dtype_mismatch", 3.0, "flash dtype"),
    Sign("bf16_unsupported", 3.2, "bf16 unsupported"),
    Sign("bf16_unsupported", 2.0, "bf16 turing|pascal"),
    Sign("bf16_unsupported", 1.6, "turing fails", "oom"),
    Sign("device_mismatch", 3.0, "device fails|clash"),
    Sign("device_mismatch", 1.8, "device"),
    Sign("quantization_backend", 3.0, "bnb bnb_broken"),
    Sign("quantization_backend", 1.6, "bnb fails"),
    Sign("cuda_driver_or_arch", 2.6, "arch fails|unsupported"),
    Sign("cuda_driver_or_arch", 2.6, "driver fails|unsupported|pascal|clash"),
    Sign("cuda_driver_or_arch", 1.6, "arch|pascal"),
    Sign("hang_or_slow", 1.6, "slow step_time"),
    Sign("hang_or_slow", 1.6, "slow oom|full"),
    # tokens
    Sign("tokenizer_vocab_resize", 3.4, "vocab misfit"),
    Sign("tokenizer_vocab_resize", 1.0, "vocab"),
    Sign("tokenizer_vocab_resize", 1.0, "vocab garbage misfit"),
    Sign("template_or_special_tokens", 3.6, "double_bos"),
    Sign("template_or_special_tokens", 2.8, "template wrong|not_found", "gguf"),
    Sign("template_or_special_tokens", 1.2, "template"),
    Sign("padding_token", 2.6, "pad", "eos"),
    Sign("padding_token", 1.2, "pad left"),
    Sign("padding_token", 2.4, "batch_one batch_size", "oom"),
    Sign("padding_token", 1.2, "pad eos"),
    Sign("padding_token", 1.2, "pad loss|nan|batch_size"),
    # rows
    Sign("truncation", 3.2, "truncated"),
    Sign("truncation", 1.4, "length_limit", "oom"),
    Sign("truncation", 1.0, "truncated part_lost label_part"),
    Sign("dataset_format", 2.8, "roles rows|fails|template"),
    Sign("dataset_format", 2.8, "columns"),
    Sign("dataset_format", 2.8, "dropped", "empty"),
    Sign("dataset_encoding_or_parse", 3.2, "encoding rows|fails"),
    Sign("dataset_encoding_or_parse", 3.0, "parse rows"),
    Sign("dataset_encoding_or_parse", 1.8, "parse|encoding"),
    Sign("dataset_encoding_or_parse", 2.2, "parse columns"),
    Sign("empty_or_tiny_dataset", 3.2, "empty", "file_lacking truncated vocab"),
    Sign("empty_or_tiny_dataset", 2.4, "tiny"),
    Sign("empty_or_tiny_dataset", 1.0, "tiny|empty packing|filter"),
    # around it
    Sign("hub_auth_or_gated", 4.0, "hub"),
    Sign("dependency_version", 2.4, "upgrade fails|interface|worse|going_back"),
    Sign("dependency_version", 2.4, "interface", "arch driver"),
    Sign("dependency_version", 0.8, "going_back"),
    Sign("dependency_version", 2.4, "two_versions worse|fails"),
    Sign("other", 3.4, "pickle", "resume checkpoint"),
    Sign("checkpoint_resume", 2.4, "pickle checkpoint|resume"),
    Sign("checkpoint_resume", 2.6, "state_keys resume|checkpoint", "rows"),
    Sign("other", 2.6, "state_keys artifact", "resume checkpoint vocab"),
)
"""The order says nothing."""
