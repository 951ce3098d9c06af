"""Axolotl's keys: the field that each goes into, or what it means that there is none."""

from __future__ import annotations

from typing import Final

from engine.recipe.foreign.translation import Table, Take, renamed

SCHEDULES: Final = {"constant_with_warmup": "constant"}
SAME: Final = "It changes speed or memory, not what is learnt."
LOGS: Final = "OpenLoRA keeps its own record of each run."
SPREAD: Final = "`devices` says how many share a run here, and `fsdp` whether the base is spread over them."
GPTQ: Final = "A model that is quantised by GPTQ takes no adapter here: name the one that it was made of."
FASTEST: Final = "`attn_implementation: auto` takes the fastest that model, device and packages have."
OTHER: Final = "It is not done here: the run learns in another way."
PACKED: Final = (
    "Batches are by rows here, and rows are never packed: with it, micro_batch_size counted packs of "
    "sequence_len tokens. Raise per_device_train_batch_size by the rows that one held."
)


def _each(keys: str, consequence: str) -> Table:
    return dict.fromkeys(keys.split(), consequence)


KEYS: Final[Table] = {
    "lora_model_dir": Take("adapter"),
    "output_dir": Take("output_dir"),
    "revision_of_model": Take("model_revision"),
    "model_revision": Take("model_revision"),
    "sequence_len": Take("max_length"),
    "micro_batch_size": Take("per_device_train_batch_size"),
    "gradient_accumulation_steps": Take("gradient_accumulation_steps"),
    "num_epochs": Take("num_train_epochs"),
    "max_steps": Take("max_steps"),
    "learning_rate": Take("learning_rate"),
    "lr_scheduler": Take("lr_scheduler_type", renamed(SCHEDULES)),
    "warmup_ratio": Take("warmup_ratio"),
    "weight_decay": Take("weight_decay"),
    "max_grad_norm": Take("max_grad_norm"),
    "adam_beta1": Take("adam_beta1"),
    "adam_beta2": Take("adam_beta2"),
    "adam_epsilon": Take("adam_epsilon"),
    "seed": Take("seed"),
    "lora_r": Take("lora_r"),
    "lora_alpha": Take("lora_alpha"),
    "lora_dropout": Take("lora_dropout"),
    "gradient_checkpointing": Take("gradient_checkpointing", bool),
    "val_set_size": Take("eval_split", None, "As many rows are held out, though not the same ones."),
    "eval_steps": Take("eval_steps"),
    "save_steps": Take("save_steps"),
    "save_total_limit": Take("save_total_limit"),
    "load_best_model_at_end": Take("load_best_model_at_end"),
    "train_on_inputs": Take("train_on", lambda value: "all" if value else "answers"),
    "excess_length_strategy": Take("truncation", renamed({"truncate": "cut"})),
    "load_in_8bit": Take("load_in_8bit"),
    "load_in_4bit": Take("load_in_4bit"),
    "gptq": GPTQ,
    "optimizer": Take("optim"),
    "attn_implementation": Take("attn_implementation"),
    "flash_attention": FASTEST,
    "xformers_attention": FASTEST,
    "sdp_attention": FASTEST,
    "sample_packing": PACKED,
    "eval_sample_packing": "Evaluation is by rows here; the loss is the mean over answer tokens either way.",
    "trust_remote_code": "A model's own code runs here only by the words that a refused run says.",
    "special_tokens": "The tokenizer stays as it is. Another eos_token here is one that answers do "
    "not end with: "
    "name it in the model's tokenizer_config.json. A pad_token does not matter: padding is masked by place.",
    "tokens": "No tokens are added: a text of them is split into pieces.",
    "added_tokens_overrides": "No tokens are renamed: a text of them is split into pieces.",
    "eot_tokens": "The end that the template writes behind an answer is always learnt here.",
    "default_system_message": "Put a system turn into the rows, or a `system` into the recipe's mapping.",
    "peft_use_rslora": Take("use_rslora"),
    "peft_use_dora": Take("use_dora"),
    "peft_layers_to_transform": Take("layers_to_transform"),
    "peft_init_lora_weights": Take("init_lora_weights", lambda value: "default" if value is True else value),
    "lora_modules_to_save": Take("modules_to_save"),
    "lora_fan_in_fan_out": "It follows from the layers themselves.",
    "loraplus_lr_ratio": Take("loraplus_lr_ratio"),
    "neftune_noise_alpha": Take("neftune_noise_alpha"),
    "cosine_min_lr_ratio": "The rate falls to 0 here.",
    "embedding_lr": "Embeddings do not learn here.",
    "unfrozen_parameters": "Only the adapter learns here.",
    "dataset_exact_deduplication": "Duplicates stay. `openlora inspect DATA --apply dedup -o NEW` "
    "takes them out.",
    "early_stopping_patience": Take("early_stopping_patience"),
    "min_sample_len": "Short rows stay.",
    "shuffle_merged_datasets": "Rows are always drawn at random.",
    "group_by_length": "Micro-batches are made by length here, within each step.",
    "auto_find_batch_size": "Micro-batches shrink by themselves where memory runs out; the step "
    "stays the same.",
    "remove_unused_columns": "Columns that nothing is learnt from are told of.",
    "strict": "Every key is told of.",
    "eval_batch_size": SAME,
    "resume_from_checkpoint": "`openlora runs resume RUN` goes on from a run's own checkpoints.",
    "auto_resume_from_checkpoints": "`openlora runs resume RUN` goes on from a run's own checkpoints.",
    **_each(
        """
        evals_per_epoch saves_per_epoch save_strategy eval_strategy evaluation_strategy
        """,
        "Evaluations and checkpoints are counted in steps here: eval_steps and save_steps.",
    ),
    **_each(
        """
        s2_attention pad_to_sequence_len tf32 torch_compile gradient_checkpointing_kwargs
        dataset_prepared_path dataset_processes dataset_num_proc dataloader_num_workers
        dataloader_pin_memory dataloader_prefetch_factor lora_mlp_kernel lora_qkv_kernel
        lora_o_kernel low_cpu_mem_usage lora_on_cpu flash_attn_cross_entropy liger_rope
        liger_rms_norm liger_glu_activation liger_fused_linear_cross_entropy plugins device_map
        max_memory tokenizer_type tokenizer_use_fast model_type type_of_model processor_type
        sample_packing_group_size sample_packing_bin_size torch_compile_backend gc_steps
        include_tokens_per_second save_safetensors save_only_model is_llama_derived_model
        is_mistral_derived_model is_falcon_derived_model is_qwen_derived_model
        """,
        SAME,
    ),
    **_each(
        """
        wandb_project wandb_entity wandb_watch wandb_name wandb_run_id wandb_log_model
        mlflow_tracking_uri mlflow_experiment_name comet_api_key comet_project_name
        use_tensorboard logging_steps eval_table_size eval_max_new_tokens debug profiler_steps
        hub_model_id hub_strategy push_dataset_to_hub hf_use_auth_token loss_watchdog_threshold
        loss_watchdog_patience eval_causal_lm_metrics do_causal_lm_eval do_bench_eval
        """,
        LOGS,
    ),
    **_each(
        """
        deepspeed fsdp fsdp_config fsdp_version local_rank world_size ddp ddp_timeout
        ddp_bucket_cap_mb ddp_find_unused_parameters ddp_broadcast_buffers
        sequence_parallel_degree context_parallel_size tensor_parallel_size dp_shard_size
        use_ray
        """,
        SPREAD,
    ),
}
