"""Several processes that do not work together."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="ready_twice",
        category="distributed_launch",
        says=lines(
            "mark(?:ed)? (?:a variable )?(?:as )?ready (?:only once|twice)",
            "finished reduction in the prior iteration",
            "find_unused_parameters",
            "not used in producing (?:the )?loss",
        ),
        sure=0.93,
        title="Gradients of several processes cannot be reduced: a weight took part twice, or not at all.",
        cause="Reentrant gradient checkpointing runs layers again behind DDP's back; weights that a "
        "step does not use leave the reduction waiting.",
        do="Set gradient_checkpointing_kwargs: {use_reentrant: false}; set "
        "ddp_find_unused_parameters to false for LoRA, true where weights are really unused.",
    ),
    Saying(
        name="device_map_auto",
        category="distributed_launch",
        says=lines(
            "in any distributed mode",
            "device_map.{0,80}(?:distributed|DDP|multi-?process|deepspeed|ZeRO)",
            "ZeRO-?3.{0,60}(?:not compatible|incompatible)",
            "num_processes=1",
        ),
        sure=0.95,
        title="The model was spread over the cards by device_map, and several processes train it.",
        cause="device_map=auto gives one process all cards; DDP, FSDP and DeepSpeed give each "
        "process its own.",
        do="Leave device_map out (or {'': local_rank}) where several processes are launched, or launch one.",
    ),
    Saying(
        name="timeout",
        category="distributed_launch",
        says=lines(
            "store based barrier",
            "heartbeat monitor timed out",
            "Watchdog caught collective operation timeout",
            "collective operations? (?:have )?(?:failed or )?timed? ?out",
            "NCCL operations have failed or timed out",
            r"Timeout\(ms\)=\d+",
            r"(?:barrier|allreduce|all_reduce|broadcast|allgather|all_gather)\w*.{0,60}time[d]? ?out",
            "Timed out (?:waiting|initializing)",
            "monitoredBarrier",
            r"wait timeout after \d+ ?ms",
        ),
        sure=0.78,
        title="A process waited for the others until its patience ended.",
        cause="One rank does something long alone (tokenising, saving, downloading), has another "
        "number of steps, or died; or the cards cannot reach each other.",
        do="Prepare the dataset before the launch, raise ddp_timeout, see that every rank has as "
        "many batches; look what each rank does with py-spy.",
    ),
    Saying(
        name="nccl",
        category="distributed_launch",
        says=lines(
            "ncclUnhandledCudaError",
            "ncclSystemError",
            r"ncclInvalid\w+",
            "ncclInternalError",
            "ncclRemoteError",
            "NCCL (?:error|WARN|failure)",
            "NCCL communicator was aborted",
            "Duplicate GPU detected",
            "P2P or IB",
            "NCCL_P2P_DISABLE",
            "connectFullMesh failed",
            "socketStartConnect",
            "Gloo",
            r"ProcessGroup\w*",
            "DistBackendError",
            "DistNetworkError",
            "DistStoreError",
        ),
        apart=lines(
            "out of memory",
            "Watchdog caught",
        ),
        sure=0.8,
        title="The processes cannot talk to each other.",
        cause="Two ranks share a card, the network interface or the way between the cards does not "
        "work, or a version of NCCL differs.",
        do="Run with NCCL_DEBUG=INFO; try NCCL_P2P_DISABLE=1 and NCCL_IB_DISABLE=1; see that each "
        "rank has a card of its own.",
    ),
    Saying(
        name="rendezvous",
        category="distributed_launch",
        says=lines(
            "Invalid device id",
            "Cannot assign requested address",
            r"\[Errno 9[89]\]",
            "Address already in use",
            "EADDRINUSE",
            "failed to listen on any local network address",
            "another process is utilizing it",
            r"Rendezvous\w*(?:Error|Timeout|Closed)",
            "TCPStore",
            "environment variable (?:RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT|LOCAL_RANK)",
            "(?:RANK|LOCAL_RANK|WORLD_SIZE|MASTER_ADDR).{0,30}(?:expected|not set|is not)",
            "KeyError: '(?:LOCAL_RANK|RANK|WORLD_SIZE)'",
            "process group has not been initialized",
            "init_process_group",
            "Invalid process group",
            "invalid device ordinal",
            "No module named 'mpi4py'",
            "mpi4py",
            "(?:launch|run).{0,60}(?:with|via|using) .{0,20}(?:torchrun|FORCE_TORCHRUN|accelerate "
            "launch|deepspeed|llamafactory-cli)",
            "FORCE_TORCHRUN",
            "should only be initialized inside your training function",
            "does not support multi[- ]?GPU",
            "Connection (?:closed|reset|refused) by peer",
            "Connection closed by (?:localRank|remote)",
        ),
        apart=lines(
            r"huggingface\.co",
            "HTTPSConnection",
        ),
        sure=0.82,
        title="The processes were not started as the trainer needs it.",
        cause="The port is taken by another run, more processes than cards were asked for, or the "
        "script was started without its launcher.",
        do="Start it by torchrun, accelerate launch or deepspeed with as many processes as cards; "
        "give each run its own main_process_port.",
    ),
    Saying(
        name="deepspeed_numbers",
        category="distributed_launch",
        says=lines(
            "inflight params",
            "no_sync.{0,30}incompatible",
            "assert .{0,40}ds_(?:status|id|tensor)",
            "Detected mismatch between collectives",
            "DeepSpeed config values that mismatch",
            "Check batch related parameters",
            "train_batch_size is not equal to",
            "mismatch TrainingArguments values",
            "ds_status",
            "ZeroParamStatus",
            "ZeRO-?3 (?:is )?incompatible",
            "auto values? in (?:the )?(?:deepspeed|ds)",
            "'weight' must be 2-D",
            r"torch\.Size\(\[0\]\)",
            r"deepspeed\.zero",
            "zero_(?:stage|optimization).{0,60}(?:not|error|invalid)",
            "DeepSpeed.{0,60}(?:requires|must|error|not (?:support|compatible|installed))",
        ),
        apart=lines(
            "out of memory",
            "CUDAMismatch",
            "bf16/gpu",
            "Installed CUDA version",
        ),
        sure=0.75,
        title="DeepSpeed's settings do not fit the trainer's, or the model is shared where code "
        "takes it for whole.",
        cause="Batch, accumulation or optimizer are set in two files; ZeRO-3 leaves empty weights "
        "in every process until a layer runs.",
        do="Write auto into DeepSpeed's file; resize or load inside "
        "deepspeed.zero.GatheredParameters, or take ZeRO-2 for LoRA.",
    ),
    Saying(
        name="fsdp",
        category="distributed_launch",
        says=lines(
            "Cannot flatten integer dtype",
            "uniform `?requires_grad",
            "transformer layer class to wrap",
            "FSDP.{0,80}(?:requires|must|not (?:support|compatible)|error)",
            "use_orig_params",
            "FlatParameter",
            "ShardedTensor",
            "DTensor",
        ),
        apart=lines(
            "out of memory",
            "uniform dtype",
            "same dtype",
        ),
        sure=0.78,
        title="FSDP cannot share this model as it is set up.",
        cause="Frozen and trained weights lie in one flat piece, the class of the layers is not "
        "known, or packed weights cannot be cut.",
        do="Set fsdp_use_orig_params, the class of the layers to wrap, and for 4 bits "
        "bnb_4bit_quant_storage as the weights' dtype.",
    ),
    Saying(
        name="wrapped_model",
        category="distributed_launch",
        says=lines(
            r"in replica \d on device",
            "gather along dimension 0, but all input tensors were scalars",
            "torch/nn/parallel/(?:data_parallel|replicate|scatter_gather|parallel_apply)",
            "'(?:DistributedDataParallel|DataParallel|FullyShardedDataParallel|DeepSpeedEngine)' "
            "object has no attribute",
        ),
        sure=0.85,
        title="Code takes the model for itself where it is wrapped for several processes.",
        cause="DDP and its kin hold the model as .module.",
        do="Reach it by accelerator.unwrap_model(model), or model.module.",
    ),
    Saying(
        name="forked",
        category="distributed_launch",
        says=lines(
            "Cannot re-initialize CUDA in forked subprocess",
            "must use the 'spawn' start method",
        ),
        sure=0.55,
        title="CUDA was begun before processes were forked.",
        cause="A model was on the card before workers were started, or tokenising in several "
        "processes uses it.",
        do="Start workers before the first use of CUDA, or by spawn.",
    ),
    Saying(
        name="child_failed",
        category="distributed_launch",
        says=lines(
            "ChildFailedError",
            r"torch\.distributed\.elastic\.multiprocessing",
        ),
        sure=0.4,
        title="A launched process failed; its own message stands above.",
        cause="The launcher tells only that a rank ended; the rank's traceback tells why.",
        do="Look at the first traceback of rank 0, or run with one process.",
    ),
)
