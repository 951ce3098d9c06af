"""LLaMA-Factory's keys: the field that each goes into, or what it means that there is none."""

from __future__ import annotations

from typing import Final

from engine.recipe.foreign.translation import Table, Take, renamed

SCHEDULES: Final = {"constant_with_warmup": "constant"}
KERNELS: Final = {"disabled": "eager", "fa2": "flash_attention_2", "fa3": "flash_attention_2"}
SAME: Final = "It changes speed or memory, not what is learnt."
LOGS: Final = "OpenLoRA keeps its own record of each run."
SPREAD: Final = "`devices` says how many share a run here, and `fsdp` whether the base is spread over them."
OTHER: Final = "It is not done here: the run learns in another way."
STEPS: Final = "Evaluations and checkpoints are counted in steps here: eval_steps and save_steps."
MEDIA: Final = "Pictures, videos and sound are not learnt here."
UNEVEN: Final = "In a conversation of several turns, its answers but the last have no end that is learnt."


def _each(keys: str, consequence: str) -> Table:
    return dict.fromkeys(keys.split(), consequence)


def _names(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


KEYS: Final[Table] = {
    "run_name": Take("run_name"),
    "model_revision": Take("model_revision"),
    "output_dir": Take("output_dir"),
    "lora_rank": Take("lora_r"),
    "lora_alpha": Take("lora_alpha"),
    "lora_dropout": Take("lora_dropout"),
    "learning_rate": Take("learning_rate"),
    "lr_scheduler_type": Take("lr_scheduler_type", renamed(SCHEDULES)),
    "warmup_ratio": Take("warmup_ratio"),
    "num_train_epochs": Take("num_train_epochs"),
    "max_steps": Take("max_steps"),
    "per_device_train_batch_size": Take("per_device_train_batch_size"),
    "gradient_accumulation_steps": Take("gradient_accumulation_steps"),
    "max_grad_norm": Take("max_grad_norm"),
    "weight_decay": Take("weight_decay"),
    "adam_beta1": Take("adam_beta1"),
    "adam_beta2": Take("adam_beta2"),
    "adam_epsilon": Take("adam_epsilon"),
    "seed": Take("seed"),
    "save_steps": Take("save_steps"),
    "eval_steps": Take("eval_steps"),
    "save_total_limit": Take("save_total_limit"),
    "load_best_model_at_end": Take("load_best_model_at_end"),
    "early_stopping_steps": Take("early_stopping_patience", lambda value: value or 0),
    "val_size": Take("eval_split", None, "As many rows are held out, though not the same ones."),
    "disable_gradient_checkpointing": Take("gradient_checkpointing", lambda value: not value),
    "quantization_type": Take("bnb_4bit_quant_type"),
    "double_quantization": Take("bnb_4bit_use_double_quant"),
    "optim": Take("optim"),
    "flash_attn": Take("attn_implementation", renamed(KERNELS)),
    "max_samples": "All rows are used. `openlora inspect DATA --apply sample=N -o NEW` writes fewer.",
    "trust_remote_code": "A model's own code runs here only by the words that a refused run says.",
    "use_rslora": Take("use_rslora"),
    "use_dora": Take("use_dora"),
    "pref_beta": Take("beta"),
    "pref_loss": "The stage is not dpo.",
    "pref_ftx": "Chosen answers are not learnt by a loss of their own beside the pair here, but in orpo.",
    "pref_bco_weight": OTHER,
    "dpo_label_smoothing": OTHER,
    "simpo_gamma": OTHER,
    "ref_model": "The model before the first step is what it is compared with.",
    "ref_model_adapters": "The model before the first step, with its `adapter`, is what it is compared with.",
    "ref_model_quantization_bit": SAME,
    "use_galore": OTHER,
    "use_apollo": OTHER,
    "use_badam": OTHER,
    "neftune_noise_alpha": Take("neftune_noise_alpha"),
    "label_smoothing_factor": OTHER,
    "additional_target": Take("modules_to_save", _names),
    "loraplus_lr_ratio": Take("loraplus_lr_ratio"),
    "resize_vocab": "The vocabulary stays as it is: no tokens are added.",
    "add_tokens": "No tokens are added: a text of them is split into pieces.",
    "add_special_tokens": "No tokens are added: a text of them is split into pieces.",
    "rope_scaling": "Rows are cut at the model's own context.",
    "shift_attn": OTHER,
    "freeze_trainable_layers": "Only the adapter learns here.",
    "tool_format": "Rows with tools are written by the chat template, not in a format of their own.",
    "enable_thinking": "No empty thoughts are put before answers.",
    "mix_strategy": "Rows of several files are drawn at random from all of them.",
    "interleave_probs": "Rows of several files are drawn at random from all of them.",
    "do_train": "`openlora train` trains.",
    "resume_from_checkpoint": "`openlora runs resume RUN` goes on from a run's own checkpoints.",
    "create_new_adapter": "An `adapter` is gone on with; leave it out for a new one.",
    **_each(
        """
        save_strategy eval_strategy evaluation_strategy do_eval eval_on_start
        """,
        STEPS,
    ),
    **_each(
        """
        media_dir image_max_pixels image_min_pixels video_max_pixels video_min_pixels video_fps
        video_maxlen freeze_vision_tower freeze_multi_modal_projector freeze_language_model
        """,
        MEDIA,
    ),
    **_each(
        """
        overwrite_cache preprocessing_num_workers preprocessing_batch_size
        dataloader_num_workers use_unsloth enable_liger_kernel tf32 group_by_length
        streaming buffer_size tokenized_path cache_dir use_fast_tokenizer low_cpu_mem_usage
        upcast_layernorm per_device_eval_batch_size per_gpu_train_batch_size
        use_reentrant_gc gradient_checkpointing gradient_checkpointing_kwargs torch_compile
        save_only_model save_safetensors remove_unused_columns bf16_full_eval infer_backend
        dataloader_pin_memory ignore_pad_token_for_loss data_seed overwrite_output_dir use_cache
        eval_accumulation_steps
        """,
        SAME,
    ),
    **_each(
        """
        logging_steps logging_strategy logging_dir logging_first_step report_to plot_loss
        include_num_input_tokens_seen push_to_hub hub_model_id hub_token use_swanlab
        swanlab_project compute_accuracy metric_for_best_model greater_is_better do_predict
        predict_with_generate disable_tqdm log_level
        """,
        LOGS,
    ),
    **_each(
        """
        deepspeed fsdp fsdp_config ddp_timeout ddp_find_unused_parameters local_rank
        ddp_bucket_cap_mb ray_num_workers ray_run_name ray_storage_path resources_per_worker
        placement_strategy
        """,
        SPREAD,
    ),
}
